// SPDX-License-Identifier: GPL-2.0
/*
 * From the words of a ubd option to files that are open, checked and locked.
 *
 * A name is a path or fd:N, a descriptor that whoever started us left open. One
 * name is an image, or a COW file (ubd_cow.c) when it begins like one; its
 * header names the backing file then. Two names are a COW file and its backing
 * file; a COW file that is not there, or is empty, is made.
 *
 * Locks are those of open file descriptions (F_OFD_SETLK): exclusive for what
 * is written, shared for what is read, so no two guests write to one image and
 * none writes to what another one has as its backing file.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/kernel.h>
#include <linux/blk_types.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "hotplug.h"
#include "ubd.h"

static int __printf(3, 4) fail(char *why, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, UBD_WHY_LEN, fmt, args);
	va_end(args);
	return err;
}

/* The number in fd:N, or -1. */
static int fd_number(const char *name)
{
	unsigned int n;

	return !strncmp(name, "fd:", 3) && !kstrtouint(name + 3, 10, &n) && n < INT_MAX ? n : -1;
}

/* Then files are opened by somebody else, for what a request names. */
static bool booted(void)
{
	return system_state >= SYSTEM_RUNNING;
}

static int open_fd(int n, bool write)
{
	int access = host_is_inherited(n) ? host_fd_access(n) : -EBADF;

	if (access < 0)
		return access;
	if (write && access & O_APPEND)
		return -EINVAL;		/* pwrite(2) appends, too */
	access &= O_ACCMODE;
	if (access != HOST_RDWR && (write || access != HOST_RDONLY))
		return -EACCES;
	return host_dup(n);
}

/* Open one file, see what it is, and lock it. */
static int open_file(const char *name, bool write, bool lock, struct host_file_info *info,
		     char *why)
{
	int n = fd_number(name), fd, err;

	if (n >= 0)
		fd = open_fd(n, write);
	else
		fd = hotplug_open(name, HOST_NONBLOCK | (write ? HOST_RDWR : HOST_RDONLY));
	if ((fd == -EROFS || fd == -EACCES) && write)
		return fail(why, fd, "cannot open for writing: %s (flag r opens it read-only)",
			    host_error(fd));
	if (n >= 0 && fd == -EINVAL)
		return fail(why, fd, "writes only to the end (O_APPEND); open it without >>");
	if (n >= 0 && fd == -EBADF)
		return fail(why, fd, "descriptor %d was not left open for the guest (in a shell, %d<>FILE does so)",
			    n, n);
	if (fd < 0)
		return fail(why, fd, "cannot open: %s", host_error(fd));
	err = host_file_info(fd, info);
	if (err) {
		fail(why, err, "neither a file nor a block device: %s", host_error(err));
		goto close;
	}
	/* Such a device opens for writing, and then each write fails. */
	if (write && info->block && host_block_readonly(fd)) {
		err = -EROFS;
		fail(why, err, "the device is read-only: %s (flag r opens it read-only)",
		     host_error(err));
		goto close;
	}
	err = lock ? host_lock_file(fd, write) : 0;
	if (err == -EAGAIN || err == -EACCES) {
		n = ubd_holder(info);
		if (n >= 0)
			fail(why, err, "in use by ubd%d of this guest (the file is locked)", n);
		else
			fail(why, err, "in use by another guest (the file is locked)");
	} else if (err) {
		fail(why, err, "cannot be locked: %s (flag c takes no lock)", host_error(err));
	}
	if (!err)
		return fd;
close:
	host_close(fd);
	return err;
}

/* @path: UBD_PATH_LEN bytes */
static int absolute(const char *name, char *path)
{
	int n = fd_number(name), err;
	size_t len;

	if (n >= 0)
		return booted() ? -EPERM : host_fd_path(n, path, UBD_PATH_LEN);
	*path = 0;
	if (*name != '/' && booted())
		return -EPERM;
	if (*name != '/') {
		err = host_getcwd(path, UBD_PATH_LEN - 1);
		if (err)
			return err;
		strcat(path, "/");
	}
	len = strlen(path);
	return strscpy(path + len, name, UBD_PATH_LEN - len) < 0 ? -ENAMETOOLONG : 0;
}

/* Open the backing file, read-only. */
static int open_backing(struct ubd_image *img, const struct ubd_spec *spec, const char *name,
			struct host_file_info *info, char *why)
{
	static char reason[UBD_WHY_LEN];
	int fd = open_file(name, false, !spec->shared, info, reason);

	if (fd == -EPERM && booted() && name != spec->backing)
		return fail(why, fd, "its backing file must be named, too: %s", name);
	if (fd < 0)
		return fail(why, fd, "its backing file %s: %s", name, reason);
	img->cow.backing = fd;
	img->is_cow = true;
	return 0;
}

/* Does a path still lead to the file that is open? */
static bool same_file(const char *path, const struct host_file_info *info)
{
	struct host_file_info other;
	int fd = host_open(path, HOST_NONBLOCK | HOST_RDONLY), err;

	if (fd < 0)
		return false;
	err = host_file_info(fd, &other);
	host_close(fd);
	return !err && other.dev == info->dev && other.ino == info->ino;
}

/*
 * The backing file has another place than the header says, and is the same by
 * size and time: write its new place down.
 */
static int moved(struct ubd_image *img, const struct ubd_spec *spec, const char *was, char *why)
{
	static char path[UBD_PATH_LEN];
	int err = absolute(spec->backing, path) ?: ubd_cow_rename(img, path);

	if (err)
		return fail(why, err, "cannot write the place of its backing file, %s: %s",
			    spec->backing, host_error(err));
	pr_notice("ubd: %s: its backing file was %s and is now %s\n", spec->file, was, path);
	return 0;
}

/* A COW file: does its backing file look as its header says? */
static int open_cow(struct ubd_image *img, const struct ubd_spec *spec, char *was, u32 mtime,
		    char *why)
{
	const char *name = spec->backing ?: was;
	struct host_file_info info;
	int err = open_backing(img, spec, name, &info, why);

	if (err)
		return err;
	if (info.size != img->size)
		return fail(why, -EINVAL,
			    "its backing file %s has changed: it has %llu bytes, not %llu",
			    name, info.size, img->size);
	if ((u32)info.mtime != mtime)
		return fail(why, -EINVAL,
			    "its backing file %s has changed: its last change was at %u, not at %u",
			    name, (u32)info.mtime, mtime);
	if (spec->backing && fd_number(spec->backing) < 0 && !img->readonly && !booted() &&
	    strcmp(spec->backing, was) && !same_file(was, &info))
		return moved(img, spec, was, why);
	return 0;
}

/* A COW file that is to be made: can it be? */
static int check_backing(struct ubd_image *img, const struct ubd_spec *spec, char *why)
{
	struct host_file_info info;
	static char path[UBD_PATH_LEN + 1];
	struct ubd_image back = { .readonly = true };
	static char reason[UBD_WHY_LEN];
	u32 mtime;
	int err = open_backing(img, spec, spec->backing, &info, why);

	if (err)
		return err;
	back.fd = img->cow.backing;
	if (ubd_cow_recognise(&back, &info, &mtime, path, reason))
		return fail(why, -EINVAL, "its backing file %s is a COW file itself",
			    spec->backing);
	img->size = info.size;
	return 0;
}

static int open_image(struct ubd_image *img, const struct ubd_spec *spec, char *why)
{
	static char was[UBD_PATH_LEN + 1];
	struct host_file_info info;
	u32 mtime;
	int err;

	img->fd = open_file(spec->file, !spec->readonly, !spec->shared, &info, why);
	if (img->fd == -ENOENT && spec->backing && !spec->readonly)
		return check_backing(img, spec, why);
	if (img->fd < 0)
		return img->fd;
	if (spec->backing && !info.size && !info.block && !spec->readonly)
		return check_backing(img, spec, why);
	if (!spec->raw) {
		err = ubd_cow_recognise(img, &info, &mtime, was, why);
		if (err > 0)
			return open_cow(img, spec, was, mtime, why);
		if (err && err != -EINVAL)
			fail(why, err, "cannot read: %s", host_error(err));
		if (err)
			return err;
	}
	if (spec->backing)
		return fail(why, -EINVAL, "not a COW file, but %s is given as its backing file",
			    spec->backing);
	img->size = info.size;
	img->block = info.block;
	img->can_zero = !info.block;
	img->sector = SECTOR_SIZE;
	return 0;
}

/* Whether all is there to carry out requests; else it is still to be made. */
static bool is_there(struct ubd_image *img)
{
	return !img->is_cow || img->cow.data_at;
}

static int ready(struct ubd_image *img, char *why)
{
	if (!img->is_cow)
		return 0;
	img->sector = img->cow.sector;
	return ubd_cow_map(img) ? fail(why, -ENOMEM, "no memory for its bitmap") : 0;
}

/**
 * ubd_open() - open, check and lock what a disk consists of
 * @img:	zeroed; filled
 * @spec:	what was asked for
 * @why:	UBD_WHY_LEN bytes; on error what is wrong, without the name of the
 *		file
 *
 * A COW file that is to be made is not made yet: see ubd_make_cow().
 *
 * Return: 0 or -errno; then nothing is open.
 */
int ubd_open(struct ubd_image *img, const struct ubd_spec *spec, char *why)
{
	int err;

	img->fd = -1;
	img->cow.backing = -1;
	img->readonly = spec->readonly;
	img->sync = spec->sync;
	err = open_image(img, spec, why);
	if (!err && img->size < SECTOR_SIZE)
		err = fail(why, -EINVAL, "%llu bytes are no disk", img->size);
	if (!err && is_there(img))
		err = ready(img, why);
	if (err)
		ubd_close(img);
	return err;
}

static int make_file(struct ubd_image *img, const struct ubd_spec *spec, char *why)
{
	struct host_file_info info;
	int fd = booted() ? -EPERM : host_create(spec->file, 0644);

	if (fd < 0)
		return fail(why, fd, "cannot make this COW file: %s", host_error(fd));
	host_close(fd);
	img->fd = open_file(spec->file, true, !spec->shared, &info, why);
	if (img->fd >= 0)
		return 0;
	host_unlink(spec->file);
	return img->fd;
}

/**
 * ubd_make_cow() - make the COW file, if it is still to be made
 * @img:	after ubd_open()
 * @spec:	the same
 * @why:	as there
 *
 * Return: 0 or -errno; then nothing is open, and what was made is removed.
 */
int ubd_make_cow(struct ubd_image *img, const struct ubd_spec *spec, char *why)
{
	static char path[UBD_PATH_LEN];
	struct host_file_info info;
	bool made = false;
	int err;

	if (is_there(img))
		return 0;
	err = host_file_info(img->cow.backing, &info) ?: absolute(spec->backing, path);
	if (err) {
		fail(why, err, "its backing file %s: %s", spec->backing, host_error(err));
		goto close;
	}
	if (img->fd < 0) {
		err = make_file(img, spec, why);
		made = !err;
	}
	if (!err) {
		err = ubd_cow_create(img, info.size, info.mtime, path);
		if (err)
			fail(why, err, "cannot make this COW file: %s", host_error(err));
	}
	if (!err)
		err = ready(img, why);
	if (!err)
		return 0;
	if (made)
		host_unlink(spec->file);
close:
	ubd_close(img);
	return err;
}

/**
 * ubd_close() - close the files, which ends the locks; free the bitmap
 */
void ubd_close(struct ubd_image *img)
{
	if (img->fd >= 0)
		host_close(img->fd);
	if (img->cow.backing >= 0)
		host_close(img->cow.backing);
	ubd_cow_unmap(img);
	img->fd = img->cow.backing = -1;
}

/**
 * ubd_reopen() - open once more what is open, without a lock
 * @fd:		of the file
 * @name:	by which it was opened
 * @write:	for reading and writing
 *
 * What io_uring holds ends after the kernel process does, a lock ends with it:
 * so the two are not one open file.
 *
 * Return: a descriptor, or -errno: -ESTALE when the name is another file now.
 */
int ubd_reopen(int fd, const char *name, bool write)
{
	int flags = HOST_NONBLOCK | (write ? HOST_RDWR : HOST_RDONLY), again, err;
	struct host_file_info one, other;
	char path[32];

	if (booted() && fd_number(name) >= 0)
		return -EPERM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = booted() ? hotplug_open(name, flags) : host_open(path, flags);
	if (again < 0)
		return again;
	err = host_file_info(fd, &one) ?: host_file_info(again, &other);
	if (!err && (one.dev != other.dev || one.ino != other.ino || one.block != other.block))
		err = -ESTALE;
	if (!err)
		return again;
	host_close(again);
	return err;
}
