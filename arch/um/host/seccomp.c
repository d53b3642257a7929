// SPDX-License-Identifier: GPL-2.0
/*
 * Filters of host system calls (seccomp(2)), and what the processes that have
 * one are started with: descriptors for their keys, signal handlers by address.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <uapi/linux/eventfd.h>
#include <uapi/linux/prctl.h>
#include <uapi/linux/resource.h>
#include <uapi/linux/seccomp.h>
#include <uapi/linux/filter.h>
#include "syscall.h"

/**
 * host_filter() - no more privileges, and from now on this filter, for ever
 * @prog: program of classic BPF over struct seccomp_data
 * @len: instructions
 */
int host_filter(const struct sock_filter *prog, unsigned int len)
{
	struct sock_fprog fprog = { .len = len, .filter = (struct sock_filter *)prog };
	long err = host_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	return err ?: host_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog);
}

/**
 * host_eventfd() - a counter of which a read takes all
 */
int host_eventfd(void)
{
	return host_call(__NR_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/**
 * host_socketpair() - two ends of a connection that keeps messages apart
 */
int host_socketpair(int fds[2])
{
	return host_call(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

/**
 * host_send_fd() - send a byte and a descriptor over a socket
 */
int host_send_fd(int sock, int fd)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct {
		struct cmsghdr head;
		int fd;
		int pad;
	} control = {
		.head = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
		.fd = fd,
	};
	struct user_msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	long n;

	n = retry_call(__NR_sendmsg, sock, &msg, MSG_NOSIGNAL);
	return n < 0 ? n : 0;
}

/**
 * host_recv_setup() - lay out a struct msghdr for what host_send_fd() sends
 * @buf: where, as the process that receives knows it; 256 bytes
 * @at: the same memory as we write it
 */
void host_recv_setup(void *at, u64 buf)
{
	struct {
		struct user_msghdr msg;
		struct iovec iov;
		char byte[8];
		char control[CMSG_SPACE(sizeof(int))];
	} *m = at;

	BUILD_BUG_ON(sizeof(*m) > 256);
	memset(m, 0, sizeof(*m));
	m->iov.iov_base = (void *)(buf + offsetof(typeof(*m), byte));
	m->iov.iov_len = 1;
	m->msg.msg_iov = (void *)(buf + offsetof(typeof(*m), iov));
	m->msg.msg_iovlen = 1;
	m->msg.msg_control = (void *)(buf + offsetof(typeof(*m), control));
	m->msg.msg_controllen = sizeof(m->control);
}

/**
 * host_signal_code() - let a signal enter code that is at @handler, on the
 * alternate stack, with nothing blocked
 */
int host_signal_code(int signo, u64 handler)
{
	struct sigaction sa = {
		.sa_handler = (void *)handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER,
		.sa_restorer = (void *)handler,
	};

	return host_call(__NR_rt_sigaction, signo, &sa, NULL, sizeof(sigset_t));
}

/**
 * host_raise_nofile() - allow this process as many descriptors as it may
 */
void host_raise_nofile(void)
{
	struct rlimit64 lim;

	if (host_call(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	host_call(__NR_prlimit64, 0, RLIMIT_NOFILE, &lim, NULL);
}
