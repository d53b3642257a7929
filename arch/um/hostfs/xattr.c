// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes, of all kinds, as the host gives them: user.* to who may
 * read the file, security.* and trusted.* with the host's answer to the user who
 * runs the kernel.
 *
 * Programs are asked for their capabilities at every start, and most files have
 * no attributes. That is remembered until the file's ctime changes.
 */
#include <linux/capability.h>
#include <linux/user_namespace.h>
#include <linux/xattr.h>
#include <linux/slab.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

/* By an open file, or by directory and name. */
static int xattr_ref(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref)
{
	int err;

	if (S_ISREG(inode->i_mode)) {
		err = hostfs_ref(inode, dentry, ref);
		if (err || ref->handle || *ref->name)
			return err;
		hostfs_put_ref(ref);
	}
	return hostfs_ref_name(inode, dentry, ref);
}

static int hostfs_xattr_get(const struct xattr_handler *handler, struct dentry *dentry,
			    struct inode *inode, const char *name, void *buf, size_t size)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_ref ref;
	long n;

	if (hi->closed)
		return -EOPNOTSUPP;
	if (!hostfs_fresh(inode))
		hostfs_refresh(inode, dentry);
	if (hi->no_xattr)
		return -ENODATA;
	n = xattr_ref(inode, dentry, &ref);
	if (n)
		return n;
	mutex_lock(&hostfs_cwd_lock);
	n = host_getxattr_in(ref.fd, ref.name, name, buf, size);
	if (n == -ENODATA && host_listxattr_in(ref.fd, ref.name, NULL, 0) == 0)
		hi->no_xattr = true;
	mutex_unlock(&hostfs_cwd_lock);
	hostfs_put_ref(&ref);
	return n;
}

static int hostfs_xattr_set(const struct xattr_handler *handler, struct mnt_idmap *idmap,
			    struct dentry *dentry, struct inode *inode, const char *name,
			    const void *value, size_t size, int flags)
{
	struct hostfs_ref ref;
	int err;

	if (hostfs_i(inode)->closed)
		return -EOPNOTSUPP;
	err = xattr_ref(inode, dentry, &ref);
	if (err)
		return err;
	hostfs_i(inode)->no_xattr = false;
	mutex_lock(&hostfs_cwd_lock);
	if (value)
		err = host_setxattr_in(ref.fd, ref.name, name, value, size, flags);
	else
		err = host_removexattr_in(ref.fd, ref.name, name);
	mutex_unlock(&hostfs_cwd_lock);
	hostfs_put_ref(&ref);
	hostfs_changed_ctime(inode);
	hostfs_refresh(inode, dentry);
	WRITE_ONCE(hostfs_i(inode)->mode_until, jiffies - 1);	/* an access control list */
	return err;
}

/*
 * The host minds its access control lists; the guest cannot read them, so that
 * nobody should be told that they are there. trusted.* is for those who may
 * administer (listxattr(2)). Bytes that are left.
 */
static ssize_t visible(char *list, ssize_t len)
{
	static const char acl[] = "system.posix_acl_";
	bool trusted = ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
	char *to = list;

	for (char *at = list; at < list + len; ) {
		size_t n = strnlen(at, list + len - at) + 1;

		if (strncmp(at, acl, sizeof(acl) - 1) &&
		    (trusted || strncmp(at, XATTR_TRUSTED_PREFIX, XATTR_TRUSTED_PREFIX_LEN))) {
			memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	return to - list;
}

/**
 * hostfs_listxattr() - names of the attributes that the host has
 */
ssize_t hostfs_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct inode *inode = d_inode(dentry);
	struct hostfs_ref ref;
	long n;

	if (hostfs_i(inode)->closed)
		return 0;
	n = xattr_ref(inode, dentry, &ref);
	if (n)
		return n;
	mutex_lock(&hostfs_cwd_lock);
	n = host_listxattr_in(ref.fd, ref.name, list, size);
	mutex_unlock(&hostfs_cwd_lock);
	hostfs_put_ref(&ref);
	return n > 0 && size ? visible(list, n) : n;
}

static const struct xattr_handler hostfs_xattr_handler = {
	.prefix = "",		/* any */
	.get = hostfs_xattr_get,
	.set = hostfs_xattr_set,
};

const struct xattr_handler * const hostfs_xattr_handlers[] = {
	&hostfs_xattr_handler,
	NULL,
};
