// SPDX-License-Identifier: GPL-2.0
/*
 * ipc.c - rows: two processes that talk over pipes and over TCP on loopback.
 *
 * A ping-pong is one byte there and one back; an iteration is the round trip.
 * For bandwidth a child reads what the parent writes in blocks of 64 KiB; the
 * clock stops when the child has read everything and answered with a byte.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ubench.h"

#define BLOCK	(64L << 10)

/* The two ends of a connection: [0] of the parent, [1] of the child. */
struct link {
	int in[2], out[2];
};

static char block[BLOCK];

static struct link pipe_link(void)
{
	struct link l;
	int down[2], up[2];

	if (pipe(down) || pipe(up))
		die("pipe");
	l.in[0] = up[0];
	l.out[0] = down[1];
	l.in[1] = down[0];
	l.out[1] = up[1];
	return l;
}

static struct link tcp_link(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, i;
	struct link l;

	if (s < 0 || bind(s, (void *)&a, sizeof(a)) || listen(s, 1) ||
	    getsockname(s, (void *)&a, &len))
		die("TCP socket");
	l.in[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(l.in[0], (void *)&a, sizeof(a)))
		die("connect over loopback");
	l.in[1] = accept(s, NULL, NULL);
	if (l.in[1] < 0)
		die("accept");
	close(s);
	for (i = 0; i < 2; i++) {
		setsockopt(l.in[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		l.out[i] = dup(l.in[i]);
	}
	return l;
}

static void close_end(const struct link *l, int end)
{
	close(l->in[end]);
	close(l->out[end]);
}

static void get(int fd, long bytes)
{
	while (bytes > 0) {
		ssize_t got = read(fd, block, bytes < BLOCK ? bytes : BLOCK);

		if (got <= 0)
			die("read");
		bytes -= got;
	}
}

static void put(int fd, long bytes)
{
	while (bytes > 0) {
		ssize_t did = write(fd, block, bytes < BLOCK ? bytes : BLOCK);

		if (did <= 0)
			die("write");
		bytes -= did;
	}
}

/* The parent sends `out` bytes n times; per answer the child waits for them. */
static double talk(struct link l, long n, long out, int answers)
{
	double start;
	int status;
	long i;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		close_end(&l, 0);
		for (i = 0; i < n; i++) {
			get(l.in[1], out);
			if (answers || i == n - 1)
				put(l.out[1], 1);
		}
		_exit(0);
	}
	close_end(&l, 1);
	/* One exchange is not timed: the child must have started. */
	start = now();
	for (i = 0; i < n; i++) {
		put(l.out[0], out);
		if (answers || i == n - 1)
			get(l.in[0], 1);
		if (!i && answers)
			start = now();
	}
	start = now() - start;
	close_end(&l, 0);
	if (waitpid(pid, &status, 0) != pid || status)
		die("child");
	return answers ? start * n / (n - 1) : start;
}

static double run_pipe_pp(long n)
{
	return talk(pipe_link(), n, 1, 1);
}

static double run_tcp_pp(long n)
{
	return talk(tcp_link(), n, 1, 1);
}

static double run_pipe_bw(long n)
{
	return talk(pipe_link(), n, BLOCK, 0);
}

static double run_tcp_bw(long n)
{
	return talk(tcp_link(), n, BLOCK, 0);
}

const struct row ipc_rows[] = {
	{ "pipe_pingpong", "us", 1e3, 0, 20, 0, run_pipe_pp },
	{ "tcp_pingpong", "us", 1e3, 0, 20, 0, run_tcp_pp },
	{ "pipe_bandwidth", "MB/s", 0, BLOCK, 256, 0, run_pipe_bw },
	{ "tcp_bandwidth", "MB/s", 0, BLOCK, 256, 0, run_tcp_bw },
	{ }
};
