// SPDX-License-Identifier: GPL-2.0
/*
 * Names: looking them up, finding out whether they still are what they were,
 * and where symbolic links lead (which the guest follows, in its own tree).
 */
#include <linux/namei.h>
#include <linux/slab.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

/**
 * hostfs_known_name() - what a name stands for was just learned from the host
 * @at: the count of reports before the host was asked, or 0 (watch.c)
 */
void hostfs_known_name(struct dentry *dentry, unsigned long at)
{
	WRITE_ONCE(dentry->d_fsdata, (void *)at);
	dentry->d_time = jiffies + hostfs_sb(dentry->d_sb)->ttl;
}

/**
 * hostfs_lookup() - ask the host for a name in a directory
 */
struct dentry *hostfs_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct inode *inode = NULL;
	struct dentry *found;
	unsigned long at;
	struct statx stx;
	int fd, err;

	if (dentry->d_name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (hostfs_i(dir)->closed) {
		d_add(dentry, NULL);
		return NULL;
	}
	fd = hostfs_borrow(dir);
	if (fd < 0)
		return ERR_PTR(fd);
	at = hostfs_watch_count();
	err = host_stat_in(fd, dentry->d_name.name, &stx);
	if (!err)
		inode = hostfs_iget(dir->i_sb, dir, fd, dentry->d_name.name, &stx);
	if (!IS_ERR_OR_NULL(inode))
		hostfs_watch_known(inode, at);
	hostfs_return(dir);
	if (err && err != -ENOENT)
		return ERR_PTR(err);
	hostfs_known_name(dentry, at);
	found = d_splice_alias(inode, dentry);	/* passes an error on */
	if (!IS_ERR_OR_NULL(found))
		hostfs_known_name(found, at);
	return found;
}

/* Ask the host what the name stands for now. 1: the same, 0: not, or -errno. */
static int still(struct dentry *dentry, const char *name, struct inode *dir)
{
	struct inode *inode = d_inode(dentry);
	unsigned long at;
	struct statx stx;
	int fd, err;

	if (hostfs_i(dir)->closed) {
		hostfs_known_name(dentry, 0);
		return 1;
	}
	fd = hostfs_borrow(dir);
	if (fd < 0)
		return fd == -ESTALE ? 0 : fd;
	hostfs_watch(dir, fd);
	at = hostfs_watch_count();
	err = host_stat_in(fd, name, &stx);
	if (err == -ENOENT) {
		err = !inode;
	} else if (!err && inode && hostfs_same(inode, &stx)) {
		if (S_ISDIR(inode->i_mode))
			hostfs_mind_closed(inode, dir, fd, name);
		hostfs_apply(inode, &stx);
		hostfs_watch_known(inode, at);
		err = 1;
	}
	if (err == 1)
		hostfs_known_name(dentry, at);
	else if (!err && inode)
		hostfs_handle_outdated(inode);
	hostfs_return(dir);
	return err;
}

static int hostfs_revalidate(struct dentry *dentry, unsigned int flags)
{
	struct hostfs_sb *sbi = hostfs_sb(dentry->d_sb);
	bool may_trust = sbi->ttl && !(flags & LOOKUP_REVAL);
	struct name_snapshot name;
	struct dentry *parent;
	struct inode *dir;
	int ret;

	if (may_trust && time_before_eq(jiffies, dentry->d_time))
		return 1;
	if (IS_ROOT(dentry))
		return 1;
	if (flags & LOOKUP_RCU) {	/* here nobody may sleep */
		dir = d_inode_rcu(READ_ONCE(dentry->d_parent));
		if (may_trust && dir && hostfs_watch_trust(dentry, dir, d_inode_rcu(dentry)))
			return 1;
		return -ECHILD;
	}
	parent = dget_parent(dentry);
	dir = d_inode(parent);
	ret = may_trust && hostfs_watch_trust(dentry, dir, d_inode(dentry));
	if (!ret) {
		take_dentry_name_snapshot(&name, dentry);
		ret = still(dentry, name.name.name, dir);
		release_dentry_name_snapshot(&name);
	}
	dput(parent);
	return ret;
}

const struct dentry_operations hostfs_dentry_ops = {
	.d_revalidate = hostfs_revalidate,
};

/**
 * hostfs_get_link() - where a symbolic link leads; read once, it cannot change
 */
const char *hostfs_get_link(struct dentry *dentry, struct inode *inode,
			    struct delayed_call *done)
{
	struct hostfs_ref ref;
	char *link, *old;
	int n;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	link = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!link)
		return ERR_PTR(-ENOMEM);
	n = hostfs_ref(inode, dentry, &ref);
	if (!n) {
		n = host_readlink_in(ref.fd, ref.name, link, PATH_MAX);
		hostfs_put_ref(&ref);
	}
	if (n == PATH_MAX)
		n = -ENAMETOOLONG;
	if (n < 0) {
		kfree(link);
		return ERR_PTR(n == -ENOENT || n == -EINVAL ? -ESTALE : n);
	}
	link[n] = 0;
	old = krealloc(link, n + 1, GFP_KERNEL);
	if (old)
		link = old;
	old = cmpxchg(&inode->i_link, NULL, link);
	if (old) {
		kfree(link);
		link = old;
	}
	return link;
}
