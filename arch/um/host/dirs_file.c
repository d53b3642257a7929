// SPDX-License-Identifier: GPL-2.0
/*
 * Open files and extended attributes of the host, for hostfs.
 *
 * Attributes of what is not open are asked for by name. The host has calls for
 * that which take a directory only since Linux 6.13; so that becomes the working
 * directory (cwd.h).
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <asm/host_dirs.h>
#include "cwd.h"

int host_start_dir = -1;

/**
 * host_remember_cwd() - the working directory is to be this one, always
 */
void host_remember_cwd(void)
{
	host_start_dir = host_call(__NR_openat, AT_FDCWD, ".",
				   O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

int host_fsync(int fd, bool datasync)
{
	return retry_call(datasync ? __NR_fdatasync : __NR_fsync, fd);
}

/**
 * host_fallocate() - see fallocate(2); @mode is the host's, which is ours
 */
int host_fallocate(int fd, int mode, u64 offset, u64 len)
{
	return retry_call(__NR_fallocate, fd, mode, offset, len);
}

long host_lseek(int fd, s64 offset, int whence)
{
	return host_call(__NR_lseek, fd, offset, whence);
}

/**
 * host_getxattr_in() - an attribute's value
 *
 * @dir is an open file, not only a path to one, when @name is empty.
 *
 * Return: its size in bytes, or -errno.
 */
long host_getxattr_in(int dir, const char *name, const char *attr, void *buf, u64 size)
{
	if (!*name)
		return retry_call(__NR_fgetxattr, dir, attr, buf, size);
	return call_in(dir, __NR_lgetxattr, name, attr, buf, size);
}

/**
 * host_listxattr_in() - the names of all attributes, a zero behind each
 */
long host_listxattr_in(int dir, const char *name, char *buf, u64 size)
{
	if (!*name)
		return retry_call(__NR_flistxattr, dir, buf, size);
	return call_in(dir, __NR_llistxattr, name, buf, size);
}

/**
 * host_setxattr_in() - set an attribute; @name may be empty, for @dir itself
 */
int host_setxattr_in(int dir, const char *name, const char *attr, const void *buf, u64 size,
		     int flags)
{
	if (!*name)
		return retry_call(__NR_fsetxattr, dir, attr, buf, size, flags);
	return call_in(dir, __NR_lsetxattr, name, attr, buf, size, flags);
}

/**
 * host_removexattr_in() - remove an attribute; @name may be empty, for @dir itself
 */
int host_removexattr_in(int dir, const char *name, const char *attr)
{
	if (!*name)
		return retry_call(__NR_fremovexattr, dir, attr);
	return call_in(dir, __NR_lremovexattr, name, attr);
}
