// SPDX-License-Identifier: GPL-2.0
/*
 * Open files: read, written, mapped, synced.
 *
 * Most goes through the page cache (page.c). What was opened with O_DIRECT, or
 * may be written but not read, goes by a buffer past it. Locks are the guest's
 * own, and are not seen by the host.
 */
#include <linux/types.h>
#include <linux/falloc.h>
#include <linux/filelock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

#define BOUNCE	SZ_256K

static bool past_cache(struct file *file, int iocb_flags)
{
	struct hostfs_handle *h = file->private_data;

	return (iocb_flags & IOCB_DIRECT) || ((file->f_mode & FMODE_WRITE) && !h->readable);
}

static ssize_t read_past_cache(struct kiocb *iocb, struct iov_iter *to)
{
	struct hostfs_handle *h = iocb->ki_filp->private_data;
	struct address_space *mapping = iocb->ki_filp->f_mapping;
	size_t size = min_t(size_t, BOUNCE, iov_iter_count(to));
	ssize_t done = 0;
	long n = 0;
	void *buf;

	n = filemap_write_and_wait_range(mapping, iocb->ki_pos,
					 iocb->ki_pos + iov_iter_count(to) - 1);
	if (n)
		return n;
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(to)) {
		size_t copied;

		n = hostfs_pread(h, buf, min(size, iov_iter_count(to)), iocb->ki_pos);
		if (n <= 0)
			break;
		copied = copy_to_iter(buf, n, to);
		iocb->ki_pos += copied;
		done += copied;
		if (copied < n) {
			n = -EFAULT;
			break;
		}
		if (n < size)
			break;
	}
	kvfree(buf);
	return done ?: n;
}

static ssize_t hostfs_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);

	if (!iov_iter_count(to))
		return 0;
	if (past_cache(iocb->ki_filp, iocb->ki_flags))
		return read_past_cache(iocb, to);
	if (!hostfs_fresh(inode))
		hostfs_refresh(inode, NULL);
	return filemap_read(iocb, to, 0);
}

static ssize_t write_past_cache(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct hostfs_handle *h = iocb->ki_filp->private_data;
	struct address_space *mapping = inode->i_mapping;
	size_t size = min_t(size_t, BOUNCE, iov_iter_count(from));
	loff_t start = iocb->ki_pos;
	ssize_t done = 0;
	long n = 0;
	void *buf;

	n = filemap_write_and_wait_range(mapping, start, start + iov_iter_count(from) - 1);
	if (n)
		return n;
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(from)) {
		size_t copied = copy_from_iter(buf, min(size, iov_iter_count(from)), from);
		bool as_known = hostfs_as_known(inode, h);

		n = copied ? hostfs_pwrite(h, buf, copied, iocb->ki_pos) : -EFAULT;
		if (n <= 0)
			break;
		iocb->ki_pos += n;
		done += n;
		if (iocb->ki_pos > i_size_read(inode))
			i_size_write(inode, iocb->ki_pos);
		hostfs_wrote(inode, h, as_known);
		if (n < copied)
			break;
	}
	kvfree(buf);
	if (done)
		invalidate_inode_pages2_range(mapping, start >> PAGE_SHIFT,
					      (iocb->ki_pos - 1) >> PAGE_SHIFT);
	return done ?: n;
}

/* Writing takes set-user-ID bits off, also those that the host has set meanwhile. */
static int remove_privs(struct file *file)
{
	int err = hostfs_mind_mode(file_inode(file));

	return err ?: file_remove_privs(file);
}

static ssize_t hostfs_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	ssize_t ret;

	inode_lock(inode);
	/* Where the end is, the host knows. */
	if (iocb->ki_flags & IOCB_APPEND)
		hostfs_refresh(inode, NULL);
	ret = generic_write_checks(iocb, from);
	if (ret <= 0)
		goto out;
	ret = remove_privs(file);
	if (ret)
		goto out;
	hostfs_zero_tail(inode, iocb->ki_pos + iov_iter_count(from));
	if (past_cache(file, iocb->ki_flags))
		ret = write_past_cache(iocb, from);
	else
		ret = generic_perform_write(iocb, from);
out:
	inode_unlock(inode);
	return ret > 0 ? generic_write_sync(iocb, ret) : ret;
}

/**
 * hostfs_fsync() - on the host's stable storage
 */
int hostfs_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct hostfs_handle *h = file->private_data;
	int err = file_write_and_wait_range(file, start, end);

	return err ?: host_fsync(h->fd, datasync);
}

/* close(2) tells what writeback met; it leaves nothing dirty behind. */
static int hostfs_flush(struct file *file, fl_owner_t id)
{
	if (!(file->f_mode & FMODE_WRITE))
		return 0;
	filemap_write_and_wait(file->f_mapping);
	return file_check_and_advance_wb_err(file);
}

static int hostfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct hostfs_handle *h = file->private_data;

	if (!h->readable)
		return -EACCES;
	if (!hostfs_fresh(file_inode(file)))
		hostfs_refresh(file_inode(file), NULL);
	return generic_file_mmap(file, vma);
}

static loff_t hostfs_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct hostfs_handle *h = file->private_data;
	loff_t ret;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		if (whence == SEEK_END && !hostfs_fresh(inode))
			hostfs_refresh(inode, NULL);
		return generic_file_llseek(file, offset, whence);
	}
	ret = filemap_write_and_wait(inode->i_mapping);
	if (ret)
		return ret;
	ret = host_lseek(h->fd, offset, whence);
	return ret < 0 ? ret : vfs_setpos(file, ret, inode->i_sb->s_maxbytes);
}

/* What size a file has when fallocate(2) has done that. */
static loff_t size_behind(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	loff_t size = i_size_read(inode);

	if (mode & FALLOC_FL_COLLAPSE_RANGE)
		return size - len;
	if (mode & FALLOC_FL_INSERT_RANGE)
		return size + len;
	return mode & FALLOC_FL_KEEP_SIZE ? size : max(size, offset + len);
}

static long hostfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	struct hostfs_handle *h = file->private_data;
	loff_t last = mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) ? LLONG_MAX :
		      offset + len - 1, size;
	bool as_known;
	long err;

	inode_lock(inode);
	if (!hostfs_fresh(inode))
		hostfs_refresh(inode, NULL);
	size = size_behind(inode, mode, offset, len);
	err = inode_newsize_ok(inode, size) ?: remove_privs(file);
	if (err)
		goto out;
	filemap_invalidate_lock(inode->i_mapping);
	err = filemap_write_and_wait_range(inode->i_mapping, offset, last);
	as_known = hostfs_as_known(inode, h);
	if (!err)
		err = host_fallocate(h->fd, mode, offset, len);
	if (!err) {
		hostfs_zero_tail(inode, size);
		i_size_write(inode, size);
		hostfs_wrote(inode, h, as_known);
	}
	/* Whole pages, also those that the range only touches. */
	if (!err && mode & ~FALLOC_FL_KEEP_SIZE)
		truncate_pagecache_range(inode, round_down(offset, PAGE_SIZE),
					 last == LLONG_MAX ? -1 : round_up(last + 1, PAGE_SIZE) - 1);
	filemap_invalidate_unlock(inode->i_mapping);
	if (!err)
		hostfs_refresh(inode, file->f_path.dentry);
out:
	inode_unlock(inode);
	return err;
}

static ssize_t hostfs_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe,
				  size_t len, unsigned int flags)
{
	if (past_cache(in, in->f_flags & O_DIRECT ? IOCB_DIRECT : 0))
		return copy_splice_read(in, ppos, pipe, len, flags);
	if (!hostfs_fresh(file_inode(in)))
		hostfs_refresh(file_inode(in), NULL);
	return filemap_splice_read(in, ppos, pipe, len, flags);
}

const struct file_operations hostfs_file_fops = {
	.open = hostfs_open,
	.release = hostfs_release,
	.llseek = hostfs_llseek,
	.read_iter = hostfs_read_iter,
	.write_iter = hostfs_write_iter,
	.splice_read = hostfs_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = hostfs_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.flush = hostfs_flush,
	.fsync = hostfs_fsync,
	.fallocate = hostfs_fallocate,
};
