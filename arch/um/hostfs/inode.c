// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes: which file of the host each is, and what is known of it.
 *
 * A file is the same when device, inode number, type and time of birth are; a
 * directory moreover when it is in the same mount of the host, since one that
 * is mounted in two places would have two names, which a directory here cannot.
 * The number that guests see is the host's for the gift's own device. Files of
 * other devices beneath it get numbers with bits of the device in their upper
 * half, which are the same for every guest and in every boot.
 *
 * hostfs_apply() takes what the host says of a file. Size and times that
 * differ from those at which the pages in the cache were right mean that
 * somebody else has written, and the pages go. What we write ourselves is asked
 * for at once, before anybody else of the guest runs: hostfs_wrote(). What we did
 * to a file's names or attributes explains a ctime, not a size or an mtime.
 */
#include <linux/hash.h>
#include <linux/pagemap.h>
#include <linux/mm.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

static u64 dev_of(const struct statx *stx)
{
	return (u64)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

static struct timespec64 time_of(const struct statx_timestamp *t)
{
	return (struct timespec64) { .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec };
}

static struct timespec64 btime_of(const struct statx *stx)
{
	if (stx->stx_mask & STATX_BTIME)
		return time_of(&stx->stx_btime);
	return (struct timespec64) { };
}

/**
 * hostfs_ino() - the number that the guest sees
 */
u64 hostfs_ino(struct super_block *sb, u64 dev, u64 ino)
{
	if (dev == hostfs_sb(sb)->dev)
		return ino;
	if (ino >> 40)		/* a file system that uses all bits */
		return hash_64(ino ^ hash_64(dev, 64), 63) | 1ULL << 62;
	return ino | ((u64)hash_64(dev, 22) | 1ULL << 22) << 40;
}

/**
 * hostfs_same() - is that the inode's file
 */
bool hostfs_same(const struct inode *inode, const struct statx *stx)
{
	const struct hostfs_inode *hi = hostfs_i(inode);
	struct timespec64 btime = btime_of(stx);

	return hi->ino == stx->stx_ino && hi->dev == dev_of(stx) &&
	       inode_wrong_type(inode, stx->stx_mode) == 0 &&
	       timespec64_equal(&hi->btime, &btime) &&
	       (!S_ISDIR(stx->stx_mode) || hi->mnt == stx->stx_mnt_id);
}

/**
 * hostfs_inode_init_once() - what stays of an inode when it is freed and given out anew
 */
void hostfs_inode_init_once(void *p)
{
	struct hostfs_inode *hi = p;

	inode_init_once(&hi->vfs);
	INIT_LIST_HEAD(&hi->path_lru);
	INIT_LIST_HEAD(&hi->watch_list);
	mutex_init(&hi->opening);
}

static void set_measure(struct hostfs_inode *hi, const struct statx *stx)
{
	hi->size = stx->stx_size;
	hi->mtime = time_of(&stx->stx_mtime);
	hi->ctime = time_of(&stx->stx_ctime);
	hi->own_ctime = false;
	hi->known = true;
}

/* Does its data differ from what the pages were right for? */
static bool differs(const struct hostfs_inode *hi, const struct statx *stx)
{
	struct timespec64 mtime = time_of(&stx->stx_mtime);

	return hi->size != stx->stx_size || !timespec64_equal(&hi->mtime, &mtime);
}

/* Has another written? */
static void check_pages(struct inode *inode, const struct statx *stx)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct timespec64 ctime = time_of(&stx->stx_ctime);
	bool wrote = hi->known && differs(hi, stx);
	bool moved = hi->known && !timespec64_equal(&hi->ctime, &ctime);
	bool news = wrote || (moved && !hi->own_ctime);
	loff_t old = i_size_read(inode);

	set_measure(hi, stx);
	if (wrote || moved) {
		hi->no_xattr = false;
		WRITE_ONCE(hi->known_at, 0);
		hostfs_handle_outdated(inode);
	}
	i_size_write(inode, stx->stx_size);
	if (!S_ISREG(inode->i_mode))
		return;
	if (!news || !inode->i_mapping->nrpages)
		return;
	if (stx->stx_size < old)
		truncate_pagecache(inode, stx->stx_size);
	if (mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY))
		filemap_write_and_wait(inode->i_mapping);
	invalidate_inode_pages2(inode->i_mapping);
}

static void set_times(struct inode *inode, const struct statx *stx)
{
	inode->i_blocks = stx->stx_blocks;
	inode_set_atime_to_ts(inode, time_of(&stx->stx_atime));
	inode_set_mtime_to_ts(inode, time_of(&stx->stx_mtime));
	inode_set_ctime_to_ts(inode, time_of(&stx->stx_ctime));
}

/*
 * What the host says right behind a change of ours, before another task ran. Size
 * and mode are what we have, or somebody else has changed it as well, and the next
 * hostfs_apply() finds that.
 */
static void take_own(struct inode *inode, const struct statx *stx)
{
	struct hostfs_inode *hi = hostfs_i(inode);

	WRITE_ONCE(hi->known_at, 0);
	if (stx->stx_size != i_size_read(inode) || stx->stx_mode != inode->i_mode) {
		hostfs_stale(inode);
		return;
	}
	set_measure(hi, stx);
	set_times(inode, stx);
}

/**
 * hostfs_wrote() - we have changed the data of a file; its size here is what it is now
 * @h: an open file of it
 * @as_known: what hostfs_as_known() said before
 *
 * What comes behind it is somebody else's. Does not sleep.
 */
void hostfs_wrote(struct inode *inode, struct hostfs_handle *h, bool as_known)
{
	struct statx stx;

	if (!as_known || host_stat_in(h->fd, "", &stx))
		hostfs_stale(inode);	/* then the pages go */
	else
		take_own(inode, &stx);
}

/**
 * hostfs_as_known() - is what we are about to change as we know it
 *
 * What another has written is not to pass for ours behind it. Does not sleep.
 */
bool hostfs_as_known(struct inode *inode, struct hostfs_handle *h)
{
	struct statx stx;

	return !host_stat_in(h->fd, "", &stx) && !differs(hostfs_i(inode), &stx);
}

/**
 * hostfs_own_mtime() - we have set a file's times: its mtime is no news
 * @stx: asked for right behind it
 */
void hostfs_own_mtime(struct inode *inode, const struct statx *stx)
{
	if (stx->stx_size == hostfs_i(inode)->size)
		hostfs_i(inode)->mtime = time_of(&stx->stx_mtime);
}

/**
 * hostfs_apply() - take over what the host says of a file
 *
 * May sleep; not under the lock of a folio.
 */
void hostfs_apply(struct inode *inode, const struct statx *stx)
{
	struct hostfs_inode *hi = hostfs_i(inode);

	inode->i_mode = stx->stx_mode;
	inode->i_uid = KUIDT_INIT(stx->stx_uid);
	inode->i_gid = KGIDT_INIT(stx->stx_gid);
	if (is_sxid(inode->i_mode))
		inode->i_flags &= ~S_NOSEC;
	if (inode->i_nlink != stx->stx_nlink)
		set_nlink(inode, stx->stx_nlink);
	set_times(inode, stx);
	hi->attributes = stx->stx_attributes;
	hi->attributes_mask = stx->stx_attributes_mask;
	check_pages(inode, stx);
	WRITE_ONCE(hi->good_until, jiffies + hostfs_sb(inode->i_sb)->ttl);
	WRITE_ONCE(hi->mode_until, hi->good_until);
}

static int iget_test(struct inode *inode, void *data)
{
	return hostfs_same(inode, data);
}

static int iget_set(struct inode *inode, void *data)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	const struct statx *stx = data;

	hi->dev = dev_of(stx);
	hi->ino = stx->stx_ino;
	hi->mnt = stx->stx_mnt_id;
	hi->btime = btime_of(stx);
	inode->i_ino = hostfs_ino(inode->i_sb, hi->dev, hi->ino);
	inode->i_mode = stx->stx_mode;
	return 0;
}

static void set_operations(struct inode *inode, const struct statx *stx)
{
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		inode->i_op = &hostfs_file_iops;
		inode->i_fop = &hostfs_file_fops;
		inode->i_data.a_ops = &hostfs_aops;
		mapping_set_large_folios(&inode->i_data);
		break;
	case S_IFDIR:
		inode->i_op = &hostfs_dir_iops;
		inode->i_fop = &hostfs_dir_fops;
		break;
	case S_IFLNK:
		inode->i_op = &hostfs_link_iops;
		break;
	default:
		/* The guest's own FIFOs, sockets and devices; never the host's. */
		inode->i_op = &hostfs_special_iops;
		init_special_inode(inode, inode->i_mode,
				   MKDEV(stx->stx_rdev_major, stx->stx_rdev_minor));
	}
}

/**
 * hostfs_iget() - the inode of a file
 * @parent: the directory that it is in, or NULL for the gift's own
 * @dir, @name: where it is, to the host
 * @stx: what the host says of it
 */
struct inode *hostfs_iget(struct super_block *sb, struct inode *parent, int dir, const char *name,
			  const struct statx *stx)
{
	u64 hash = hostfs_ino(sb, dev_of(stx), stx->stx_ino);
	struct inode *inode;

	inode = iget5_locked(sb, hash, iget_test, iget_set, (void *)stx);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (inode->i_state & I_NEW) {
		inode->i_flags |= S_NOATIME | S_NOCMTIME;	/* times are the host's business */
		set_operations(inode, stx);
		hostfs_apply(inode, stx);
		if (parent)
			hostfs_mind_closed(inode, parent, dir, name);
		unlock_new_inode(inode);
	} else {
		if (parent)
			hostfs_mind_closed(inode, parent, dir, name);
		hostfs_apply(inode, stx);
	}
	return inode;
}

/**
 * hostfs_refresh() - ask the host for a file's attributes
 * @dentry: a name of it, or NULL
 *
 * Return: 0 or -errno: -ESTALE when another file has its place.
 */
int hostfs_refresh(struct inode *inode, struct dentry *dentry)
{
	unsigned long at = hostfs_watch_count();
	struct hostfs_ref ref;
	struct statx stx;
	int err;

	err = hostfs_ref(inode, dentry, &ref);
	if (err)
		return err;
	err = host_stat_in(ref.fd, ref.name, &stx);
	hostfs_put_ref(&ref);
	if (err == -ENOENT)
		return -ESTALE;
	if (err)
		return err;
	if (!hostfs_same(inode, &stx))
		return -ESTALE;
	hostfs_apply(inode, &stx);
	hostfs_watch_known(inode, at);
	return 0;
}
