// SPDX-License-Identifier: GPL-2.0
/*
 * Open files and extended attributes of the host, for hostfs.
 *
 * Attributes of what is not open are asked for by name. The host has calls for
 * that which take a directory only since Linux 6.13; so the directory becomes
 * the working directory, and the one in which the kernel was started becomes it
 * again. Callers see to it that one of them is here at a time.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <asm/host_dirs.h>
#include "syscall.h"

static int start_dir = -1;

/**
 * host_remember_cwd() - the working directory is to be this one, always
 */
void host_remember_cwd(void)
{
	start_dir = host_call(__NR_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

/* One call in this directory. */
#define call_in(dir, ...) ({					\
	long __err = host_call(__NR_fchdir, dir);		\
	if (!__err) {						\
		__err = retry_call(__VA_ARGS__);		\
		host_call(__NR_fchdir, start_dir);		\
	}							\
	__err;							\
})

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

int host_setxattr_in(int dir, const char *name, const char *attr, const void *buf, u64 size,
		     int flags)
{
	if (!*name)
		return retry_call(__NR_fsetxattr, dir, attr, buf, size, flags);
	return call_in(dir, __NR_lsetxattr, name, attr, buf, size, flags);
}

int host_removexattr_in(int dir, const char *name, const char *attr)
{
	if (!*name)
		return retry_call(__NR_fremovexattr, dir, attr);
	return call_in(dir, __NR_lremovexattr, name, attr);
}
