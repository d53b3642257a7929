// SPDX-License-Identifier: GPL-2.0
/*
 * How a file of the host is named to the host. Never by a path: by an open file,
 * by an O_PATH descriptor of its own, or by its directory's descriptor and the
 * one name that it has there. So nothing that somebody does to names, in the
 * guest or on the host, leads anywhere but to a file in the gift.
 *
 * A host process has few descriptors. Those of directories that nobody uses are
 * in a list, and the one not used for longest is closed when there are too many;
 * it is opened again from its parent's, and must be the same directory then
 * (device, inode number, time of birth), else the answer is ESTALE. What has no
 * name any more cannot be opened again and is pinned: see hostfs_pin().
 *
 * hostfs_lock guards descriptors and counts; host calls are made without it.
 */
#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

#define PATHS_MAX	8192	/* a third of the descriptors, at most these */

static DEFINE_SPINLOCK(hostfs_lock);
static LIST_HEAD(idle_paths);	/* not used for longest first */
static unsigned int nr_paths;
static unsigned int max_paths = 64;

/**
 * hostfs_ref_init() - how many descriptors may be kept
 */
void hostfs_ref_init(void)
{
	u64 limit = host_nofile_limit();

	max_paths = clamp_t(u64, limit / 3, 32, PATHS_MAX);
	hostfs_handle_init(limit);
}

/* Close up to @n that nobody uses. How many were closed. */
static unsigned int close_idle(unsigned int n)
{
	unsigned int done = 0;

	while (done < n) {
		struct hostfs_inode *hi;
		int fd;

		spin_lock(&hostfs_lock);
		hi = list_first_entry_or_null(&idle_paths, struct hostfs_inode, path_lru);
		if (!hi) {
			spin_unlock(&hostfs_lock);
			break;
		}
		list_del_init(&hi->path_lru);
		fd = hi->path_fd;
		hi->path_fd = -1;
		nr_paths--;
		spin_unlock(&hostfs_lock);
		host_close(fd);
		done++;
	}
	return done;
}

/**
 * hostfs_open_in() - host_open_in(), making room for a descriptor if need be
 */
int hostfs_open_in(int dir, const char *name, int flags, unsigned int mode)
{
	int fd = host_open_in(dir, name, flags, mode);

	if ((fd == -EMFILE || fd == -ENFILE) &&
	    (hostfs_handles_close(64, jiffies) || close_idle(64)))
		fd = host_open_in(dir, name, flags, mode);
	return fd;
}

/* The descriptor that there is, or -ENOENT. */
static int borrow_open(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	int fd = -ENOENT;

	spin_lock(&hostfs_lock);
	if (hi->path_fd >= 0) {
		fd = hi->path_fd;
		hi->path_users++;
		list_del_init(&hi->path_lru);
	}
	spin_unlock(&hostfs_lock);
	return fd;
}

/**
 * hostfs_return() - what hostfs_borrow() gave is used no more
 */
void hostfs_return(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	bool full;

	spin_lock(&hostfs_lock);
	if (!--hi->path_users && !hi->pinned)
		list_add_tail(&hi->path_lru, &idle_paths);
	full = nr_paths > max_paths;
	spin_unlock(&hostfs_lock);
	if (full)
		close_idle(max_paths / 16 + 1);
}

/* Take @fd as the inode's, unless it has one meanwhile; one user more. */
static int adopt(struct inode *inode, int fd)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	int mine = fd;

	spin_lock(&hostfs_lock);
	if (hi->path_fd < 0) {
		hi->path_fd = fd;
		nr_paths++;
		mine = -1;
	}
	fd = hi->path_fd;
	hi->path_users++;
	list_del_init(&hi->path_lru);
	spin_unlock(&hostfs_lock);
	if (mine >= 0)
		host_close(mine);
	return fd;
}

/**
 * hostfs_check() - be sure that what was opened is the inode's file
 * @fd: what was opened, or -errno; closed on failure
 * @stx: what the host says of it
 *
 * Return: @fd, or -errno: -ESTALE when it is another file, or none any more.
 */
int hostfs_check(struct inode *inode, int fd, struct statx *stx)
{
	int err;

	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR ? -ESTALE : fd;
	err = host_stat_in(fd, "", stx);
	if (!err && !hostfs_same(inode, stx))
		err = -ESTALE;
	if (err)
		host_close(fd);
	return err ?: fd;
}

/* Open @dentry's file in its @dir, on device @parent, and be sure. */
static int open_child(int dir, u64 parent, struct dentry *dentry, struct inode *inode)
{
	struct name_snapshot name;
	struct statx stx;
	int fd;

	take_dentry_name_snapshot(&name, dentry);
	fd = hostfs_open_in(dir, name.name.name, HOST_PATH, 0);
	release_dentry_name_snapshot(&name);
	fd = hostfs_check(inode, fd, &stx);
	/* Device, number and mount are another's when they were given away again. */
	if (fd >= 0 && parent != hostfs_i(inode)->dev && !hostfs_i(inode)->closed &&
	    hostfs_is_kernels(fd)) {
		host_close(fd);
		fd = -ESTALE;
	}
	return fd < 0 ? fd : adopt(inode, fd);
}

static void release(struct dentry *held)
{
	if (!held)
		return;
	hostfs_return(d_inode(held));
	dput(held);
}

/*
 * Open the directories that lead to @target, from the first that is open on.
 * The one opened last stays in use until the next is looked for in it: when the
 * list is full of others, all that nobody uses is closed at every return.
 */
static int open_chain(struct dentry *target, struct inode *inode)
{
	struct dentry *held = NULL;
	int fd, dir;

	for (;;) {
		struct dentry *d = dget(target), *p;

		for (;;) {
			p = dget_parent(d);
			if (p == d) {	/* the root is always open */
				dput(p);
				dput(d);
				release(held);
				return -ESTALE;
			}
			dir = borrow_open(d_inode(p));
			if (dir >= 0)
				break;
			dput(d);
			d = p;
		}
		release(held);
		held = NULL;
		if (d_unhashed(d) || d_really_is_negative(d))
			fd = -ESTALE;
		else
			fd = open_child(dir, hostfs_i(d_inode(p))->dev, d, d_inode(d));
		hostfs_return(d_inode(p));
		dput(p);
		if (fd >= 0 && d_inode(d) != inode && d != target) {
			held = d;
			cond_resched();
			continue;
		}
		if (fd >= 0 && d_inode(d) != inode) {	/* it has become another file */
			hostfs_return(d_inode(d));
			fd = -ESTALE;
		}
		dput(d);
		return fd;
	}
}

static int borrow_by(struct inode *inode, struct dentry *dentry)
{
	struct dentry *alias = NULL;
	int fd = borrow_open(inode);

	if (fd >= 0)
		return fd;
	if (!dentry || d_unhashed(dentry) || d_inode(dentry) != inode)
		dentry = alias = d_find_alias(inode);
	if (!dentry || d_unhashed(dentry))
		fd = -ESTALE;
	else
		fd = open_chain(dentry, inode);
	dput(alias);
	return fd;
}

/**
 * hostfs_borrow() - an O_PATH descriptor of this very file
 *
 * Return: descriptor, to be given back by hostfs_return(); or -errno: -ESTALE
 * when the file is no longer where it was.
 */
int hostfs_borrow(struct inode *inode)
{
	return borrow_by(inode, NULL);
}

/**
 * hostfs_pin() - keep a file reachable that is about to lose its name
 */
int hostfs_pin(struct inode *inode, struct dentry *dentry)
{
	int fd = borrow_by(inode, dentry);

	if (fd < 0)
		return fd;
	spin_lock(&hostfs_lock);
	hostfs_i(inode)->pinned = true;
	spin_unlock(&hostfs_lock);
	hostfs_return(inode);
	return 0;
}

/**
 * hostfs_path_keep() - @fd is the inode's O_PATH descriptor as long as it lives
 */
void hostfs_path_keep(struct inode *inode, int fd)
{
	hostfs_i(inode)->pinned = true;
	adopt(inode, fd);
	hostfs_return(inode);
}

/**
 * hostfs_path_forget() - the inode ends
 */
void hostfs_path_forget(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	int fd;

	spin_lock(&hostfs_lock);
	list_del_init(&hi->path_lru);
	fd = hi->path_fd;
	hi->path_fd = -1;
	if (fd >= 0)
		nr_paths--;
	spin_unlock(&hostfs_lock);
	if (fd >= 0)
		host_close(fd);
}

static bool ref_open(struct inode *inode, struct hostfs_ref *ref)
{
	memset(ref, 0, sizeof(*ref));
	ref->name = "";
	if (!S_ISREG(inode->i_mode))
		return false;
	ref->handle = hostfs_handle_any(inode);
	if (!ref->handle)
		return false;
	ref->fd = ref->handle->fd;
	ref->borrowed = inode;
	return true;
}

/**
 * hostfs_ref_exact() - a descriptor of this very file
 * @dentry: a name of it, or NULL
 *
 * Return: 0, with @ref to be given back by hostfs_put_ref(), or -errno.
 */
int hostfs_ref_exact(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref)
{
	if (ref_open(inode, ref))
		return 0;
	ref->fd = borrow_by(inode, dentry);
	if (ref->fd < 0)
		return ref->fd;
	ref->borrowed = inode;
	return 0;
}

/**
 * hostfs_ref() - the cheapest way to name a file
 *
 * By its directory and its name if no descriptor of it is there; who must be
 * sure that it is still the same file looks at what the host says of it.
 */
int hostfs_ref(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref)
{
	if (ref_open(inode, ref))
		return 0;
	ref->fd = borrow_open(inode);
	if (ref->fd < 0)
		return hostfs_ref_name(inode, dentry, ref);
	ref->borrowed = inode;
	return 0;
}

/**
 * hostfs_ref_name() - by directory and name, whatever else there is
 */
int hostfs_ref_name(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref)
{
	memset(ref, 0, sizeof(*ref));
	if (inode == d_inode(inode->i_sb->s_root)) {
		ref->fd = borrow_open(inode);
		ref->borrowed = inode;
		ref->name = ".";
		return 0;
	}
	if (dentry && !d_unhashed(dentry) && d_inode(dentry) == inode)
		ref->dentry = dget(dentry);
	else
		ref->dentry = d_find_alias(inode);
	if (!ref->dentry)
		return -ESTALE;
	ref->parent = dget_parent(ref->dentry);
	ref->fd = borrow_by(d_inode(ref->parent), ref->parent);
	if (ref->fd < 0) {
		dput(ref->parent);
		dput(ref->dentry);
		return ref->fd;
	}
	take_dentry_name_snapshot(&ref->snapshot, ref->dentry);
	ref->name = ref->snapshot.name.name;
	return 0;
}

/**
 * hostfs_put_ref() - done with what hostfs_ref() has given
 */
void hostfs_put_ref(struct hostfs_ref *ref)
{
	if (ref->handle)
		hostfs_handle_put(ref->borrowed, ref->handle);
	else if (ref->borrowed)
		hostfs_return(ref->borrowed);
	if (ref->parent) {
		release_dentry_name_snapshot(&ref->snapshot);
		hostfs_return(d_inode(ref->parent));
		dput(ref->parent);
		dput(ref->dentry);
	}
}
