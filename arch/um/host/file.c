// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the host: disk images, initrds, the directory of a umid.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/stat.h>
#include <linux/time64.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/poll.h>
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include "syscall.h"

/**
 * host_open() - open(2), closed when a program is run; @flags are HOST_*
 */
int host_open(const char *path, int flags)
{
	return host_call(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_LARGEFILE, 0600);
}

/* Descriptors that whoever started us left open, a bit each. */
static u64 inherited[HOST_INHERITED_WORDS];

/**
 * host_find_inherited() - which descriptors are open
 * @map: HOST_INHERITED_WORDS words, gets a bit for each
 *
 * To be called before one of our own is, on any stack and without other memory.
 */
void host_find_inherited(u64 *map)
{
	struct pollfd p[64];

	for (int i = 0; i < HOST_INHERITED_WORDS; i++) {
		bool polled;

		for (int bit = 0; bit < 64; bit++)
			p[bit] = (struct pollfd){ .fd = 64 * i + bit };
		/* Refused where RLIMIT_NOFILE is less than 64. */
		polled = retry_call(__NR_poll, p, 64, 0) >= 0;
		map[i] = 0;
		for (int bit = 0; bit < 64; bit++)
			if (polled ? !(p[bit].revents & POLLNVAL) :
			    host_call(__NR_fcntl, p[bit].fd, F_GETFD) >= 0)
				map[i] |= 1ULL << bit;
	}
}

/**
 * host_set_inherited() - what host_is_inherited() goes by
 * @map: of host_find_inherited(); 0 to 2 are there in any case
 */
void host_set_inherited(const u64 *map)
{
	for (int i = 0; i < HOST_INHERITED_WORDS; i++)
		inherited[i] = map[i];
	inherited[0] |= 7;
}

static bool below_limit(int fd)
{
	return fd >= 0 && fd < 64 * HOST_INHERITED_WORDS;
}

/**
 * host_is_inherited() - is a descriptor one that our user named, and not our own
 *
 * What the kernel itself has open (its memory, its sockets) has numbers that a
 * command line or a request can name as well.
 */
bool host_is_inherited(int fd)
{
	return below_limit(fd) && READ_ONCE(inherited[fd / 64]) >> fd % 64 & 1;
}

int host_close(int fd)
{
	/* The next one of this number is ours. */
	if (host_is_inherited(fd))
		__atomic_fetch_and(&inherited[fd / 64], ~(1ULL << fd % 64), __ATOMIC_SEQ_CST);
	return host_call(__NR_close, fd);
}

/**
 * host_open_std_fds() - make descriptors 0 to 2 exist, as /dev/null if need be
 *
 * So that no file of ours is taken for one of them.
 */
int host_open_std_fds(void)
{
	long fd;

	do {
		fd = host_call(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	} while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		host_call(__NR_close, fd);
	return fd < 0 ? fd : 0;
}

/**
 * host_dup() - a second descriptor, above 2, closed when a program is run
 */
int host_dup(int fd)
{
	return host_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 3);
}

/**
 * host_set_nonblock() - reads and writes of this open file return -EAGAIN
 *
 * By ioctl_fionbio(2), which the filter allows after boot as well.
 */
int host_set_nonblock(int fd)
{
	int on = 1;

	return host_call(__NR_ioctl, fd, FIONBIO, &on);
}

/**
 * host_dup_plain() - the same when no program can be run any more: without
 * close-on-exec, by a call that can do nothing else
 */
int host_dup_plain(int fd)
{
	return host_call(__NR_dup, fd);
}

static long retry(long nr, int fd, const void *buf, u64 len, u64 offset)
{
	return retry_call(nr, fd, buf, len, offset);
}

long host_read(int fd, void *buf, u64 len)
{
	return retry(__NR_read, fd, buf, len, 0);
}

long host_write(int fd, const void *buf, u64 len)
{
	return retry(__NR_write, fd, buf, len, 0);
}

/*
 * What can be written without waiting once poll(2) says so: PIPE_BUF to a pipe, and
 * no less to a socket; of a terminal half of the least room that it then has, for
 * each newline may become two bytes.
 */
static u64 chunk(int fd, u64 len)
{
	const u64 pipe = 4096, terminal = 128;

	if (len <= terminal)
		return len;
	return min(len, host_isatty(fd) ? terminal : pipe);
}

/**
 * host_write_patiently() - write until all is written, or nothing is taken any more
 * @fd: may be the same open file as other processes', which is left as it is
 * @buf: @len bytes
 * @ms: how long to wait while nothing is taken; it starts again with each part
 *
 * A terminal or pipe that is full takes a part, and a signal ends the wait for
 * the rest of it (write(2)).
 *
 * Return: bytes written, less than @len when the reader stalls; or -errno.
 */
long host_write_patiently(int fd, const void *buf, u64 len, unsigned int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	u64 now = 0, until = 0, done = 0;
	long n;

	while (done < len) {
		now = ms ? host_monotonic_ns() : 0;
		if (ms && !until)
			until = now + ms * NSEC_PER_MSEC;
		n = host_call(__NR_poll, &p, 1, until > now ? (until - now) / NSEC_PER_MSEC : 0);
		if (n == -EINTR && ms)
			continue;
		if (n == -EINTR)
			n = 0;
		if (n) {
			n = host_write(fd, buf + done, chunk(fd, len - done));
			if (n > 0) {
				done += n;
				until = 0;
				continue;
			}
			if (n != -EAGAIN)
				return n ?: -EIO;
			/* It does not block, and has less room than it takes. */
			host_call(__NR_poll, NULL, 0, ms ? 5 : 0);
		}
		if (until <= now + NSEC_PER_MSEC)
			break;
	}
	return done;
}

/**
 * host_write_all() - write all, unless its reader stalls for HOST_STALL_MS
 *
 * Return: 0, or the first error: -EAGAIN when the reader stalls.
 */
int host_write_all(int fd, const void *buf, u64 len)
{
	long n = host_write_patiently(fd, buf, len, HOST_STALL_MS);

	if (n < 0)
		return n;
	return n < len ? -EAGAIN : 0;
}

long host_pread(int fd, void *buf, u64 len, u64 offset)
{
	return retry(__NR_pread64, fd, buf, len, offset);
}

long host_pwrite(int fd, const void *buf, u64 len, u64 offset)
{
	return retry(__NR_pwrite64, fd, buf, len, offset);
}

long host_preadv(int fd, const struct host_iovec *iov, unsigned int n, u64 offset)
{
	return retry(__NR_preadv, fd, iov, n, offset);
}

long host_pwritev(int fd, const struct host_iovec *iov, unsigned int n, u64 offset)
{
	return retry(__NR_pwritev, fd, iov, n, offset);
}

/**
 * host_preadv_nowait() - read what the host has in memory
 *
 * Return: bytes read; -EAGAIN where it would have to wait, -EOPNOTSUPP for
 * files that cannot be read so, or another -errno.
 */
long host_preadv_nowait(int fd, const struct host_iovec *iov, unsigned int n, u64 offset)
{
	return host_call(__NR_preadv2, fd, iov, n, offset, 0, RWF_NOWAIT);
}

/**
 * host_pwritev_nowait() - write what needs no waiting
 *
 * Return: as host_preadv_nowait().
 */
long host_pwritev_nowait(int fd, const struct host_iovec *iov, unsigned int n, u64 offset)
{
	return host_call(__NR_pwritev2, fd, iov, n, offset, 0, RWF_NOWAIT);
}

int host_fdatasync(int fd)
{
	return host_call(__NR_fdatasync, fd);
}

/**
 * host_file_info() - what a regular file or block device is
 * @info: filled: bytes, time of the last change in seconds, identity
 *
 * Return: 0, -EISDIR for a directory, -EINVAL for what is neither file nor
 * block device, or -errno.
 */
int host_file_info(int fd, struct host_file_info *info)
{
	struct stat st;
	long err = host_call(__NR_fstat, fd, &st);

	if (err < 0)
		return err;
	*info = (struct host_file_info){
		.size = st.st_size,
		.mtime = st.st_mtime,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.block = S_ISBLK(st.st_mode),
	};
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISBLK(st.st_mode))
		return host_call(__NR_ioctl, fd, BLKGETSIZE64, &info->size);
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/**
 * host_block_readonly() - is this block device one that cannot be written?
 *
 * open(2) for writing does not tell.
 */
bool host_block_readonly(int fd)
{
	int readonly = 0;

	return host_call(__NR_ioctl, fd, BLKROGET, &readonly) >= 0 && readonly;
}

/**
 * host_file_size() - size of a regular file or block device
 *
 * Return: as host_file_info().
 */
int host_file_size(int fd, u64 *size, bool *block_device)
{
	struct host_file_info info;
	int err = host_file_info(fd, &info);

	if (err)
		return err;
	*size = info.size;
	*block_device = info.block;
	return 0;
}

/**
 * host_fd_access() - what a descriptor is open for
 *
 * Return: HOST_RDONLY, HOST_RDWR or another access mode of open(2), with
 * O_APPEND if each write goes to the end; or -errno.
 */
int host_fd_access(int fd)
{
	long flags = host_call(__NR_fcntl, fd, F_GETFL);

	return flags < 0 ? flags : flags & (O_ACCMODE | O_APPEND);
}

/**
 * host_fd_path() - the name under which a descriptor was opened
 *
 * Return: 0, -ENOENT when it has none, -ENAMETOOLONG, or -errno.
 */
int host_fd_path(int fd, char *path, unsigned int size)
{
	char link[32];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = host_call(__NR_readlink, link, path, size);
	if (n < 0)
		return n;
	if (n >= size)
		return -ENAMETOOLONG;
	path[n] = 0;
	return *path == '/' ? 0 : -ENOENT;
}

/**
 * host_getcwd() - the current directory
 *
 * Return: 0 or -errno; -ERANGE when @size is too small.
 */
int host_getcwd(char *path, unsigned int size)
{
	long n = host_call(__NR_getcwd, path, size);

	return n < 0 ? n : 0;
}

/**
 * host_discard() - give a range back to the host's file system or device
 */
int host_discard(int fd, u64 offset, u64 len, bool block_device)
{
	u64 range[2] = { offset, len };

	if (block_device)
		return host_call(__NR_ioctl, fd, BLKDISCARD, range);
	return host_call(__NR_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset, len);
}

/**
 * host_lock_file() - lock a whole file for this open, without waiting
 *
 * Return: 0, -EAGAIN when somebody else holds a lock that conflicts.
 */
int host_lock_file(int fd, bool exclusive)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK };

	return host_call(__NR_fcntl, fd, F_OFD_SETLK, &lock);
}

/**
 * host_file_is() - is what is open what this path names now
 *
 * A link at the end of the path is none of it.
 */
bool host_file_is(int fd, const char *path)
{
	struct stat one, other;

	return !host_call(__NR_fstat, fd, &one) &&
	       !host_call(__NR_newfstatat, AT_FDCWD, path, &other, AT_SYMLINK_NOFOLLOW) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/**
 * host_is_tmpfs() - is this directory on a tmpfs
 *
 * Return: 1, 0, or -errno.
 */
int host_is_tmpfs(const char *path)
{
	struct statfs st;
	long err = host_call(__NR_statfs, path, &st);

	return err < 0 ? err : st.f_type == TMPFS_MAGIC;
}

/**
 * host_open_tmpfile() - a file without a name in a directory
 */
int host_open_tmpfile(const char *dir)
{
	return host_call(__NR_openat, AT_FDCWD, dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
}

int host_mkdir(const char *path, unsigned int mode)
{
	return host_call(__NR_mkdir, path, mode);
}

/**
 * host_create() - make a file that must not exist yet, open for writing
 */
int host_create(const char *path, unsigned int mode)
{
	return host_call(__NR_openat, AT_FDCWD, path,
			 O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
}

int host_unlink(const char *path)
{
	return host_call(__NR_unlink, path);
}

int host_rmdir(const char *path)
{
	return host_call(__NR_rmdir, path);
}

/**
 * host_setsize() - ftruncate(2)
 */
int host_setsize(int fd, u64 size)
{
	return host_call(__NR_ftruncate, fd, size);
}
