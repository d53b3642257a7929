// SPDX-License-Identifier: GPL-2.0
/*
 * Opening files. The host is asked at the first open, and when no open file is
 * there any more (handle.c); it is the same user each time.
 */
#include <linux/pagemap.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

/* Open by directory and name, and be sure that it is the inode's file. */
static int open_by_name(struct inode *inode, struct dentry *dentry, int flags)
{
	struct hostfs_ref ref;
	struct statx stx;
	int fd = hostfs_ref_name(inode, dentry, &ref);

	if (fd)
		return fd;
	fd = hostfs_open_in(ref.fd, ref.name, flags, 0);
	hostfs_put_ref(&ref);
	fd = hostfs_check(inode, fd, &stx);
	if (fd >= 0)
		hostfs_apply(inode, &stx);
	return fd;
}

/* An open file that was kept, if the name still is this file's. NULL: open anew. */
static struct hostfs_handle *open_kept(struct inode *inode, struct dentry *dentry)
{
	struct hostfs_handle *h = hostfs_handle_kept(inode);
	struct hostfs_ref ref;
	struct statx stx;
	int err;

	if (!h)
		return NULL;
	err = hostfs_ref_name(inode, dentry, &ref);
	if (!err) {
		err = host_stat_in(ref.fd, ref.name, &stx);
		hostfs_put_ref(&ref);
	}
	if (!err && hostfs_same(inode, &stx)) {
		hostfs_apply(inode, &stx);
		if (!READ_ONCE(h->outdated))
			return h;
	}
	hostfs_handle_outdated(inode);
	hostfs_handle_put(inode, h);
	return NULL;
}

/**
 * hostfs_open_handle() - an open file of the host
 * @dentry: a name of it
 * @write: it is to be written to; and read, if the host allows that as well
 *
 * Return: to be given back by hostfs_handle_put(), or ERR_PTR.
 */
struct hostfs_handle *hostfs_open_handle(struct inode *inode, struct dentry *dentry, bool write)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_handle *h;
	bool readable = true;
	int fd;

	h = write ? NULL : open_kept(inode, dentry);
	h = h ?: hostfs_handle_find(inode, write);
	if (h)
		return h;
	if (hi->closed)
		return ERR_PTR(-EACCES);
	mutex_lock(&hi->opening);
	h = hostfs_handle_find(inode, write);
	if (h)
		goto out;
	fd = open_by_name(inode, dentry, write ? HOST_RDWR : HOST_RDONLY);
	if (fd == -EACCES && write) {
		readable = false;
		fd = open_by_name(inode, dentry, HOST_WRONLY);
	}
	h = fd < 0 ? ERR_PTR(fd) : hostfs_handle_add(inode, fd, readable, write);
out:
	mutex_unlock(&hi->opening);
	return h;
}

/**
 * hostfs_open() - open(2), with a file of the host behind it
 */
int hostfs_open(struct inode *inode, struct file *file)
{
	bool write = file->f_mode & FMODE_WRITE;
	struct hostfs_handle *h;
	int err;

	err = generic_file_open(inode, file);
	if (err)
		return err;
	h = hostfs_open_handle(inode, file->f_path.dentry, write);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if ((file->f_mode & FMODE_READ) && !h->readable) {
		hostfs_handle_put(inode, h);
		return -EACCES;
	}
	file->private_data = h;
	/* What was opened before may be old news by now. */
	if (!hostfs_fresh(inode))
		hostfs_refresh(inode, file->f_path.dentry);
	return 0;
}

/**
 * hostfs_release() - the last close(2): dirty pages are written while they can be
 */
int hostfs_release(struct inode *inode, struct file *file)
{
	/* What is dirty needs an open file to be written to. */
	if (file->f_mode & FMODE_WRITE)
		filemap_write_and_wait(inode->i_mapping);
	hostfs_handle_put(inode, file->private_data);
	return 0;
}
