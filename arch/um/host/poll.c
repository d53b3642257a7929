// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for descriptors, for the thread that turns them into interrupts, and
 * for a vCPU that sleeps.
 */
#include <linux/limits.h>
#include <linux/time64.h>
#include <uapi/linux/eventpoll.h>
#include <uapi/linux/poll.h>
#include "syscall.h"

/**
 * host_epoll_create() - what the other host_epoll_*() take
 */
int host_epoll_create(void)
{
	return host_call(__NR_epoll_create1, EPOLL_CLOEXEC);
}

static int ctl(int epfd, int op, int fd, u32 id, u32 events)
{
	struct epoll_event ev = {
		.events = events | EPOLLONESHOT,
		.data = id,
	};

	return host_call(__NR_epoll_ctl, epfd, op, fd, &ev);
}

/**
 * host_epoll_add() - report @id once when @fd can be read, or written
 *
 * Return: 0, -EPERM for what is always ready (a regular file).
 */
int host_epoll_add(int epfd, int fd, u32 id, bool output)
{
	return ctl(epfd, EPOLL_CTL_ADD, fd, id, output ? EPOLLOUT : EPOLLIN);
}

/**
 * host_epoll_rearm() - report it once more
 */
int host_epoll_rearm(int epfd, int fd, u32 id, bool output)
{
	return ctl(epfd, EPOLL_CTL_MOD, fd, id, output ? EPOLLOUT : EPOLLIN);
}

/**
 * host_epoll_rearm_both() - report it once more, when it can be read or written
 */
int host_epoll_rearm_both(int epfd, int fd, u32 id)
{
	return ctl(epfd, EPOLL_CTL_MOD, fd, id, EPOLLIN | EPOLLOUT);
}

/**
 * host_epoll_remove() - wait for @fd no longer
 */
int host_epoll_remove(int epfd, int fd)
{
	return ctl(epfd, EPOLL_CTL_DEL, fd, 0, 0);
}

/**
 * host_epoll_wait() - sleep until something is ready
 *
 * Return: 1 and its id, or -errno.
 */
int host_epoll_wait(int epfd, u32 *id)
{
	struct epoll_event ev;
	long n = host_call(__NR_epoll_wait, epfd, &ev, 1, -1);

	if (n > 0)
		*id = ev.data;
	return n;
}

extern long __host_sleep(int epfd, struct epoll_event *ev,
			 const struct __kernel_timespec *timeout, const unsigned int *pending);

/**
 * host_epoll_sleep() - sleep until something is ready, for a vCPU
 * @pending: it does not sleep while this is not 0; handlers of signals change it
 *	and call host_uc_leave_sleep()
 * @ns: how long at most; U64_MAX for ever
 * @id: gets which is ready
 *
 * Return: 1, 0 when the time is over, -EINTR, or another -errno: -ENOSYS before
 * Linux 5.11.
 */
int host_epoll_sleep(int epfd, const unsigned int *pending, u64 ns, u32 *id)
{
	struct __kernel_timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};
	struct epoll_event ev;
	long n = __host_sleep(epfd, &ev, ns == U64_MAX ? NULL : &ts, pending);

	if (n > 0)
		*id = ev.data;
	return n;
}

/**
 * host_poll() - can @fd be read, or written, without blocking
 *
 * Return: 1 (also at its end or after a hang-up), 0, or -errno.
 */
int host_poll(int fd, bool output)
{
	struct pollfd p = { .fd = fd, .events = output ? POLLOUT : POLLIN };

	/* A signal ends it even where it would not wait. */
	return retry_call(__NR_poll, &p, 1, 0);
}

/**
 * host_poll_two() - wait until one of two descriptors can be read, or has ended
 * @a: descriptor
 * @b: another, or -1
 * @timeout_ms: how long, -1 for ever
 *
 * Return: a bit each, 0 when the time is over, or -errno: -EINTR after a signal.
 */
int host_poll_two(int a, int b, int timeout_ms)
{
	struct pollfd p[] = {
		{ .fd = a, .events = POLLIN },
		{ .fd = b, .events = POLLIN },
	};
	long n = host_call(__NR_poll, p, 2, timeout_ms);

	return n < 0 ? n : (p[0].revents ? 1 : 0) | (p[1].revents ? 2 : 0);
}
