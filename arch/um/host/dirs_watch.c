// SPDX-License-Identifier: GPL-2.0
/*
 * What the host reports of directories: changes in them by inotify(7), mounts
 * by /proc/self/mountinfo. The host queues a report before the call that made
 * the change returns; so when none is there nothing had changed.
 *
 * Both descriptors are opened before the kernel process is confined. Its filter
 * lets it add and remove watches of this one descriptor, of this one kind.
 */
#include <linux/fcntl.h>
#include <linux/kernel.h>
#include <uapi/linux/inotify.h>
#include <uapi/linux/poll.h>
#include <asm/host_dirs.h>
#include "cwd.h"

static int watch_fd = -1, mounts_fd = -1;

/**
 * host_watch_init() - be able to watch directories
 *
 * Return: how many this user may watch, or -errno.
 */
long host_watch_init(void)
{
	int fd = host_call(__NR_openat, AT_FDCWD, "/proc/sys/fs/inotify/max_user_watches",
			   O_RDONLY | O_CLOEXEC, 0);
	char buf[24] = "";
	unsigned long limit;
	long n;

	if (fd < 0)
		return fd;
	n = host_call(__NR_read, fd, buf, sizeof(buf) - 1);
	host_call(__NR_close, fd);
	if (n <= 0 || buf[n - 1] != '\n')
		return n < 0 ? n : -EINVAL;
	buf[n - 1] = 0;
	if (kstrtoul(buf, 10, &limit))
		return -EINVAL;

	mounts_fd = host_call(__NR_openat, AT_FDCWD, "/proc/self/mountinfo",
			      O_RDONLY | O_CLOEXEC, 0);
	if (mounts_fd < 0)
		return mounts_fd;
	watch_fd = host_call(__NR_inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
	if (watch_fd < 0) {
		host_call(__NR_close, mounts_fd);
		return watch_fd;
	}
	return min_t(unsigned long, limit, INT_MAX);
}

/**
 * host_watch_fd() - for the filter; -1 when nothing can be watched
 */
int host_watch_fd(void)
{
	return watch_fd;
}

/**
 * host_watch_add() - report changes in this directory from now on
 * @dir: may be O_PATH
 *
 * One caller at a time: see cwd.h.
 *
 * Return: the watch's number, above 0; or -errno: -EEXIST when it is watched,
 * -EACCES, -ENOSPC when there are too many.
 */
int host_watch_add(int dir)
{
	return call_in(dir, __NR_inotify_add_watch, watch_fd, ".", HOST_WATCH_MASK);
}

/**
 * host_watch_remove() - undo host_watch_add(), whose answer @watch is
 */
void host_watch_remove(int watch)
{
	host_call(__NR_inotify_rm_watch, watch_fd, watch);
}

/**
 * host_watch_poll() - is something reported
 * @mounts: set when something was mounted or unmounted since the last call
 *
 * Return: 1 when there are reports to read, 0, or -errno.
 */
int host_watch_poll(bool *mounts)
{
	struct pollfd p[2] = {
		{ .fd = watch_fd, .events = POLLIN },
		{ .fd = mounts_fd, .events = POLLPRI },
	};
	int n = retry_call(__NR_poll, p, 2, 0);

	*mounts = n > 0 && p[1].revents;
	return n < 0 ? n : !!p[0].revents;
}

/**
 * host_watch_read() - reports, struct inotify_event each
 *
 * Return: bytes, or -EAGAIN when there are no more.
 */
long host_watch_read(void *buf, unsigned int size)
{
	return retry_call(__NR_read, watch_fd, buf, size);
}
