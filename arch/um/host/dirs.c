// SPDX-License-Identifier: GPL-2.0
/*
 * Directories of the host: what hostfs asks for by the descriptor of a directory
 * and a name in it. A name is one component; should one be more by a mistake of
 * ours, openat2(2) refuses what leads out (RESOLVE_BENEATH).
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <uapi/linux/openat2.h>
#include <uapi/linux/resource.h>
#include <asm/host_dirs.h>
#include <asm/statfs.h>
#include "syscall.h"

#define STAT_WANTED	(STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

/* How a call is told that there is no name, or not to follow the last one. */
static int at_flags(const char *name)
{
	return *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
}

/**
 * host_gift_open() - a directory that the command line gives; links are followed
 */
int host_gift_open(const char *path)
{
	return host_call(__NR_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

/**
 * host_gift_path() - the whole path of a directory, as the host knows it
 *
 * Return: its length, or -errno: -ENAMETOOLONG, -ENOENT on a host without /proc.
 */
int host_gift_path(int fd, char *buf, unsigned int size)
{
	char proc[32];
	long n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = host_call(__NR_readlink, proc, buf, size);
	if (n >= size)
		return -ENAMETOOLONG;
	if (n >= 0)
		buf[n] = 0;
	return n;
}

/**
 * host_open_in() - open what has this name
 * @flags: HOST_* or O_*; never waits (for a FIFO, say), never makes a terminal ours
 * @mode: permissions, of a file that is made
 */
int host_open_in(int dir, const char *name, int flags, unsigned int mode)
{
	struct open_how how = {
		.flags = (u32)flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	if (!(flags & O_PATH))
		how.flags |= O_NONBLOCK | O_NOCTTY | O_LARGEFILE;
	return retry_call(__NR_openat2, dir, name, &how, sizeof(how));
}

/**
 * host_stat_in() - statx(2) of a name in a directory, or of @dir itself when @name is empty
 */
int host_stat_in(int dir, const char *name, struct statx *stx)
{
	return retry_call(__NR_statx, dir, name, at_flags(name) | AT_NO_AUTOMOUNT, STAT_WANTED,
			  stx);
}

/**
 * host_access_in() - may this user do that
 * @mask: R_OK 4, W_OK 2, X_OK 1
 *
 * Return: 0, -EACCES, another -errno; -ENOSYS on a host before Linux 5.8.
 */
int host_access_in(int dir, const char *name, int mask)
{
	return retry_call(__NR_faccessat2, dir, name, mask, at_flags(name) | AT_EACCESS);
}

/**
 * host_mkdir_in() - mkdirat(2)
 */
int host_mkdir_in(int dir, const char *name, unsigned int mode)
{
	return retry_call(__NR_mkdirat, dir, name, mode);
}

/**
 * host_mknod_in() - mknodat(2)
 */
int host_mknod_in(int dir, const char *name, unsigned int mode, unsigned int dev)
{
	return retry_call(__NR_mknodat, dir, name, mode, dev);
}

/**
 * host_symlink_in() - symlinkat(2), with the new name first
 */
int host_symlink_in(int dir, const char *name, const char *target)
{
	return retry_call(__NR_symlinkat, target, dir, name);
}

/**
 * host_readlink_in() - the target of a symbolic link, without a zero at its end
 */
int host_readlink_in(int dir, const char *name, char *buf, unsigned int size)
{
	return retry_call(__NR_readlinkat, dir, name, buf, size);
}

/**
 * host_unlink_in() - unlinkat(2) of a file or an empty directory
 */
int host_unlink_in(int dir, const char *name, bool directory)
{
	return retry_call(__NR_unlinkat, dir, name, directory ? AT_REMOVEDIR : 0);
}

/**
 * host_link_in() - linkat(2); a symbolic link is not followed
 */
int host_link_in(int dir, const char *name, int new_dir, const char *new_name)
{
	return retry_call(__NR_linkat, dir, name, new_dir, new_name, 0);
}

/**
 * host_link_fd() - give an open file a name
 *
 * By the descriptor where the host allows that (since Linux 6.10), else by its
 * name in /proc, as linkat(2) advises.
 */
int host_link_fd(int fd, int new_dir, const char *new_name)
{
	char proc[32];
	int err = retry_call(__NR_linkat, fd, "", new_dir, new_name, AT_EMPTY_PATH);

	if (err != -ENOENT && err != -EPERM)
		return err;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return retry_call(__NR_linkat, AT_FDCWD, proc, new_dir, new_name, AT_SYMLINK_FOLLOW);
}

/**
 * host_rename_in() - renameat2(2)
 */
int host_rename_in(int dir, const char *name, int new_dir, const char *new_name,
		   unsigned int flags)
{
	return retry_call(__NR_renameat2, dir, name, new_dir, new_name, flags);
}

/**
 * host_chmod_fd() - permissions, by a descriptor that may be O_PATH
 *
 * fchmodat2(2) is there since Linux 6.6; before, /proc leads to the very file.
 */
int host_chmod_fd(int fd, unsigned int mode)
{
	char proc[32];
	int err = retry_call(__NR_fchmodat2, fd, "", mode, AT_EMPTY_PATH);

	if (err != -ENOSYS)
		return err;
	err = retry_call(__NR_fchmod, fd, mode);
	if (err != -EBADF)
		return err;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return retry_call(__NR_fchmodat, AT_FDCWD, proc, mode);
}

/**
 * host_chown_in() - owner and group; ~0U leaves one as it is
 */
int host_chown_in(int dir, const char *name, unsigned int uid, unsigned int gid)
{
	return retry_call(__NR_fchownat, dir, name, uid, gid, at_flags(name));
}

/**
 * host_utimes_in() - access and modification time
 */
int host_utimes_in(int dir, const char *name, const struct __kernel_timespec ts[2])
{
	/* Of an open file, so since Linux 2.6.22; with AT_EMPTY_PATH since 5.8. */
	if (!*name) {
		int err = retry_call(__NR_utimensat, dir, NULL, ts, 0);

		if (err != -EBADF)
			return err;
	}
	return retry_call(__NR_utimensat, dir, name, ts, at_flags(name));
}

/**
 * host_getdents() - entries of an open directory, struct linux_dirent64 each
 *
 * Return: bytes, 0 at the end.
 */
long host_getdents(int fd, void *buf, unsigned int size)
{
	return retry_call(__NR_getdents64, fd, buf, size);
}

/**
 * host_statfs_fd() - of the file system that a descriptor is on
 * @buf: struct statfs64 of the host's ABI
 */
int host_statfs_fd(int fd, void *buf)
{
	return retry_call(__NR_fstatfs, fd, buf);
}

/**
 * host_umask_none() - files get the permissions that they are made with
 */
int host_umask_none(void)
{
	return host_call(__NR_umask, 0);
}

unsigned int host_euid(void)
{
	return host_call(__NR_geteuid);
}

unsigned int host_egid(void)
{
	return host_call(__NR_getegid);
}

/**
 * host_nofile_limit() - how many descriptors this process may have, at most
 */
u64 host_nofile_limit(void)
{
	struct rlimit64 lim;

	if (host_call(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, &lim))
		return 256;
	if (lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		host_call(__NR_prlimit64, 0, RLIMIT_NOFILE, &lim, NULL);
		host_call(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, &lim);
	}
	return lim.rlim_cur;
}
