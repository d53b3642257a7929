// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes: read, checked, changed.
 *
 * Who may do what is decided twice. For users of the guest by its own kernel,
 * from the host's owner and permission bits; and by the host, for the user who
 * runs the kernel, at every call that is made there. access(2) asks both.
 */
#include <linux/pagemap.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

/**
 * hostfs_permission() - ask the host, whose answer counts, what this user may do
 */
int hostfs_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	struct hostfs_ref ref;
	int err;

	if ((mask & MAY_NOT_BLOCK) && !hostfs_mode_fresh(inode))
		return -ECHILD;
	err = hostfs_mind_mode(inode);
	if (err)
		return err;
	err = generic_permission(idmap, inode, mask);
	if (err || !(mask & MAY_ACCESS) || !(mask & (MAY_READ | MAY_WRITE | MAY_EXEC)))
		return err;
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	if (special_file(inode->i_mode))	/* the guest's, but for the bits */
		return 0;
	err = hostfs_ref(inode, NULL, &ref);
	if (err)
		return err;
	err = host_access_in(ref.fd, ref.name, mask & (MAY_READ | MAY_WRITE | MAY_EXEC));
	hostfs_put_ref(&ref);
	return err == -ENOSYS ? 0 : err;
}

/**
 * hostfs_getattr() - stat(2), from the host when what is known is too old
 */
int hostfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		   u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct hostfs_inode *hi = hostfs_i(inode);

	if ((flags & AT_STATX_FORCE_SYNC) ||
	    (!(flags & AT_STATX_DONT_SYNC) && !hostfs_fresh(inode))) {
		int err = hostfs_refresh(inode, path->dentry);

		if (err)
			return err;
	}
	generic_fillattr(idmap, mask, inode, stat);
	if (hi->btime.tv_sec || hi->btime.tv_nsec) {
		stat->btime = hi->btime;
		stat->result_mask |= STATX_BTIME;
	}
	stat->attributes |= hi->attributes & hi->attributes_mask &
			    (STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND |
			     STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED);
	stat->attributes_mask |= STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE |
				 STATX_ATTR_APPEND | STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED;
	return 0;
}

/*
 * Shorter, the pages go first, which waits for those that are on their way to
 * the host: written after the host has cut the file they would make it long
 * again. Should the host refuse, what it has is read again.
 */
static int set_size(struct inode *inode, struct dentry *dentry, struct iattr *attr)
{
	struct hostfs_handle *h;
	bool as_known;
	int err;

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	h = hostfs_open_handle(inode, dentry, true);
	if (IS_ERR(h))
		return PTR_ERR(h);
	as_known = hostfs_as_known(inode, h);
	filemap_invalidate_lock(inode->i_mapping);
	if (attr->ia_size < i_size_read(inode))
		truncate_setsize(inode, attr->ia_size);
	else
		hostfs_zero_tail(inode, attr->ia_size);
	err = host_setsize(h->fd, attr->ia_size);
	if (!err) {
		truncate_setsize(inode, attr->ia_size);
		hostfs_wrote(inode, h, as_known);
	} else {
		filemap_write_and_wait(inode->i_mapping);
		invalidate_inode_pages2(inode->i_mapping);
	}
	filemap_invalidate_unlock(inode->i_mapping);
	hostfs_handle_put(inode, h);
	if (err)
		hostfs_refresh(inode, dentry);
	return err;
}

static void time_to_host(struct __kernel_timespec *ts, const struct iattr *attr, int has, int set,
			 const struct timespec64 *t)
{
	ts->tv_sec = 0;
	ts->tv_nsec = HOST_UTIME_OMIT;
	if (!(attr->ia_valid & has))
		return;
	ts->tv_nsec = HOST_UTIME_NOW;
	if (!(attr->ia_valid & set))
		return;
	ts->tv_sec = t->tv_sec;
	ts->tv_nsec = t->tv_nsec;
}

static int set_rest(struct inode *inode, const struct iattr *attr, const struct hostfs_ref *ref)
{
	unsigned int valid = attr->ia_valid;
	struct __kernel_timespec ts[2];
	int err = 0;

	if (valid & (ATTR_UID | ATTR_GID))
		err = host_chown_in(ref->fd, ref->name,
				    valid & ATTR_UID ? __kuid_val(attr->ia_uid) : ~0U,
				    valid & ATTR_GID ? __kgid_val(attr->ia_gid) : ~0U);
	/* chown takes set-user-ID bits off; so the mode comes second. */
	if (!err && (valid & ATTR_MODE))
		err = S_ISLNK(inode->i_mode) ? -EOPNOTSUPP :
		      host_chmod_fd(ref->fd, attr->ia_mode & S_IALLUGO);
	if (!err && (valid & (ATTR_ATIME | ATTR_MTIME))) {
		time_to_host(&ts[0], attr, ATTR_ATIME, ATTR_ATIME_SET, &attr->ia_atime);
		time_to_host(&ts[1], attr, ATTR_MTIME, ATTR_MTIME_SET, &attr->ia_mtime);
		err = host_utimes_in(ref->fd, ref->name, ts);
	}
	return err;
}

/**
 * hostfs_setattr() - mode, owner, size and times, set on the host
 */
int hostfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	unsigned int valid = attr->ia_valid;
	struct hostfs_ref ref;
	struct statx stx;
	int err;

	err = setattr_prepare(idmap, dentry, attr);
	if (err)
		return err;
	if (hostfs_i(inode)->closed)
		return -EPERM;
	if (valid & ATTR_SIZE) {
		err = set_size(inode, dentry, attr);
		if (err)
			return err;
		/* The times of a truncation are the host's. */
		if ((valid & ATTR_MTIME) && !(valid & ATTR_MTIME_SET))
			valid &= ~ATTR_MTIME;
	} else if (S_ISREG(inode->i_mode) && (valid & ATTR_MTIME)) {
		/* What is written later would change the time again. */
		err = filemap_write_and_wait(inode->i_mapping);
		if (err)
			return err;
		/* And what others wrote is not to pass for ours. */
		if (inode->i_mapping->nrpages)
			hostfs_refresh(inode, dentry);
	}
	attr->ia_valid = valid;
	if (!(valid & (ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_ATIME | ATTR_MTIME)))
		return 0;
	err = hostfs_ref_exact(inode, dentry, &ref);
	if (err)
		return err;
	err = set_rest(inode, attr, &ref);
	hostfs_changed_ctime(inode);
	if (!err && (valid & ATTR_MTIME) && !host_stat_in(ref.fd, ref.name, &stx))
		hostfs_own_mtime(inode, &stx);
	hostfs_put_ref(&ref);
	return err ?: hostfs_refresh(inode, dentry);
}

const struct inode_operations hostfs_file_iops = {
	.permission = hostfs_permission,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.listxattr = hostfs_listxattr,
};

const struct inode_operations hostfs_link_iops = {
	.get_link = hostfs_get_link,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.listxattr = hostfs_listxattr,
};

const struct inode_operations hostfs_special_iops = {
	.permission = hostfs_permission,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.listxattr = hostfs_listxattr,
};
