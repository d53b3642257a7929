// SPDX-License-Identifier: GPL-2.0
/*
 * Reading directories. Each open directory is one of the host, and a position
 * in it is the host's own (d_off), so what holds there for entries that come and
 * go while somebody reads holds here. Many entries come with one host call.
 */
#include <linux/types.h>
#include <linux/dirent.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

#define BUFFER	SZ_32K

/**
 * struct open_dir - an open directory
 * @fd:		the host's, or -1 of one whose inside is not shown
 * @buf:	what the host gave, or NULL
 * @len, @at:	bytes in it, and where the next entry is
 * @pos:	the position of that entry
 * @begun:	the host's is not where it was when it was opened
 */
struct open_dir {
	int fd;
	char *buf;
	long len, at;
	loff_t pos;
	bool begun;
};

static int dir_open(struct inode *inode, struct file *file)
{
	struct open_dir *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	int dir;

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	file->private_data = d;
	if (hostfs_i(inode)->closed)
		return 0;
	dir = hostfs_borrow(inode);
	if (dir >= 0) {
		d->fd = hostfs_open_in(dir, ".", HOST_DIRECTORY, 0);
		hostfs_return(inode);
	}
	if (d->fd >= 0)
		return 0;
	kfree(d);
	return dir < 0 ? dir : d->fd;
}

static int dir_release(struct inode *inode, struct file *file)
{
	struct open_dir *d = file->private_data;

	if (d->fd >= 0)
		host_close(d->fd);
	kvfree(d->buf);
	kfree(d);
	return 0;
}

/* The next entries, from @pos on. Bytes, 0 at the end, or -errno. */
static long fill_buffer(struct open_dir *d, loff_t pos)
{
	long err;

	if (!d->buf) {
		d->buf = kvmalloc(BUFFER, GFP_KERNEL_ACCOUNT);
		if (!d->buf)
			return -ENOMEM;
	}
	if (pos != d->pos || (!pos && d->begun)) {
		err = host_lseek(d->fd, pos, SEEK_SET);
		if (err < 0)
			return err;
		d->pos = pos;
	}
	d->begun = true;
	d->at = 0;
	d->len = host_getdents(d->fd, d->buf, BUFFER);
	return d->len;
}

static bool emit(struct file *file, struct dir_context *ctx, const struct linux_dirent64 *e)
{
	struct inode *dir = file_inode(file);
	size_t len = strlen(e->d_name);
	u64 ino;

	if (len == 1 && e->d_name[0] == '.')
		return dir_emit(ctx, ".", 1, dir->i_ino, DT_DIR);
	if (len == 2 && e->d_name[0] == '.' && e->d_name[1] == '.')
		return dir_emit(ctx, "..", 2, d_parent_ino(file->f_path.dentry), DT_DIR);
	ino = hostfs_ino(dir->i_sb, hostfs_i(dir)->dev, e->d_ino);
	return dir_emit(ctx, e->d_name, len, ino, e->d_type);
}

static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct open_dir *d = file->private_data;
	bool some = false;

	if (d->fd < 0) {
		dir_emit_dots(file, ctx);
		return 0;
	}
	for (;;) {
		const struct linux_dirent64 *e;

		if (d->at >= d->len || ctx->pos != d->pos) {
			long n;

			/* Programs ask until there is no more; the host is not asked twice. */
			if (some)
				return 0;
			n = fill_buffer(d, ctx->pos);
			if (n <= 0)
				return n;
		}
		e = (void *)d->buf + d->at;
		if (!emit(file, ctx, e))
			return 0;
		some = true;
		d->at += e->d_reclen;
		d->pos = e->d_off;
		ctx->pos = e->d_off;
	}
}

static loff_t dir_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	loff_t ret;

	inode_lock_shared(inode);
	ret = generic_file_llseek_size(file, offset, whence, S64_MAX, 0);
	inode_unlock_shared(inode);
	return ret;
}

static int dir_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct open_dir *d = file->private_data;

	return d->fd < 0 ? 0 : host_fsync(d->fd, datasync);
}

const struct file_operations hostfs_dir_fops = {
	.open = dir_open,
	.release = dir_release,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.llseek = dir_llseek,
	.fsync = dir_fsync,
};
