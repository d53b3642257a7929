// SPDX-License-Identifier: GPL-2.0
/*
 * Files that are waited for: pipes, poll, epoll, eventfd, signalfd, inotify.
 */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>

TEST(pipe_basics)
{
	char buf[8192];
	int fds[2], n, total = 0;

	OK(pipe2(fds, O_NONBLOCK));
	FAILS(read(fds[0], buf, 1), EAGAIN);
	while ((n = write(fds[1], buf, sizeof(buf))) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, 65536);
	OK(ioctl(fds[0], FIONREAD, &n));
	CHECK_EQ(n, 65536);
	close(fds[1]);
	while ((n = read(fds[0], buf, sizeof(buf))) > 0)
		total -= n;
	CHECK_EQ(n, 0);
	CHECK_EQ(total, 0);
	OK(pipe(fds));
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(fds[1], buf, 1), EPIPE);
}

TEST(splice_tee_vmsplice)
{
	int a[2], b[2], file = OK(memfd_create("spliced", 0));
	char buf[32] = "";
	struct iovec iov = { "through a pipe", 14 };

	OK(pipe(a));
	OK(pipe(b));
	CHECK_EQ(OK(vmsplice(a[1], &iov, 1, 0)), 14);
	CHECK_EQ(OK(tee(a[0], b[1], 14, 0)), 14);
	CHECK_EQ(OK(splice(a[0], NULL, file, NULL, 14, 0)), 14);
	CHECK_EQ(pread(file, buf, sizeof(buf), 0), 14);
	CHECK(!strcmp(buf, "through a pipe"));
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(read(b[0], buf, sizeof(buf)), 14);
	CHECK(!strcmp(buf, "through a pipe"));
	off_t from = 8;

	CHECK_EQ(OK(splice(file, &from, a[1], NULL, 100, 0)), 6);
	CHECK_EQ(read(a[0], buf, sizeof(buf)), 6);
	CHECK(!strncmp(buf, "a pipe", 6));
}

TEST(poll_and_select)
{
	struct pollfd pfd[2];
	struct timeval tv = { 0, 20000 };
	int fds[2];
	int64_t start;
	fd_set set;

	OK(pipe(fds));
	pfd[0] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	CHECK_EQ(OK(poll(pfd, 2, 0)), 1);
	CHECK_EQ(pfd[1].revents, POLLOUT);
	start = now_ns();
	CHECK_EQ(OK(poll(pfd, 1, 30)), 0);
	CHECK_GE(now_ns() - start, 30000000);
	CHILD(pid, sleep_ms(20); CHECK_EQ(write(fds[1], "x", 1), 1));
	CHECK_EQ(OK(poll(pfd, 1, 5000)), 1);
	WAIT_OK(pid);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	CHECK_EQ(OK(select(fds[0] + 1, &set, NULL, NULL, &tv)), 1);
	close(fds[1]);
	CHECK_EQ(OK(poll(pfd, 1, 0)), 1);
	CHECK_EQ(pfd[0].revents, POLLIN | POLLHUP);
	close(fds[0]);
	CHECK_EQ(OK(poll(pfd, 1, 0)), 1);
	CHECK_EQ(pfd[0].revents, POLLNVAL);
}

TEST(epoll)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788 };
	struct epoll_event got[4];
	int ep = OK(epoll_create1(EPOLL_CLOEXEC)), outer = OK(epoll_create1(0));
	int fds[2];

	OK(pipe(fds));
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev), EEXIST);
	CHECK_EQ(OK(epoll_wait(ep, got, 4, 10)), 0);
	ev.data.u64 = 5;
	ev.events = EPOLLIN;
	OK(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev));
	CHILD(pid, sleep_ms(20); CHECK_EQ(write(fds[1], "x", 1), 1));
	CHECK_EQ(OK(epoll_wait(outer, got, 4, 5000)), 1);
	CHECK_EQ(got[0].data.u64, 5);
	CHECK_EQ(OK(epoll_wait(ep, got, 4, 5000)), 1);
	CHECK_EQ(got[0].data.u64, 0x1122334455667788);
	/* Only once, as it is edge-triggered. */
	CHECK_EQ(OK(epoll_wait(ep, got, 4, 0)), 0);
	WAIT_OK(pid);
	OK(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL));
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &ev), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, OK(memfd_create("x", 0)), &ev), EPERM);
}

TEST(eventfd)
{
	int fd = OK(eventfd(3, EFD_NONBLOCK)), sem = OK(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	uint64_t value = 4;

	CHECK_EQ(write(fd, &value, 8), 8);
	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_EQ(value, 7);
	FAILS(read(fd, &value, 8), EAGAIN);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(read(sem, &value, 8), 8);
		CHECK_EQ(value, 1);
	}
	FAILS(read(sem, &value, 8), EAGAIN);
}

TEST(signalfd)
{
	struct signalfd_siginfo si;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = OK(signalfd(-1, &set, 0));
	OK(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 321 }));
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGUSR1);
	CHECK_EQ(si.ssi_int, 321);
	CHILD(pid, _exit(4));
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGCHLD);
	CHECK_EQ(si.ssi_pid, pid);
	CHECK_EQ(si.ssi_status, 4);
	WAIT_EXIT(pid, 4);
}

TEST(inotify)
{
	char dir[] = "/tmp/inotify-XXXXXX", path[64];
	char buf[1024] __attribute__((aligned(8)));
	struct inotify_event *ev = (void *)buf;
	int fd = OK(inotify_init1(IN_NONBLOCK));
	ssize_t n;

	CHECK(mkdtemp(dir));
	OK(inotify_add_watch(fd, dir, IN_CREATE | IN_DELETE));
	FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
	snprintf(path, sizeof(path), "%s/file", dir);
	close(OK(open(path, O_CREAT | O_WRONLY, 0600)));
	OK(unlink(path));
	n = OK(read(fd, buf, sizeof(buf)));
	CHECK_EQ(ev->mask, IN_CREATE);
	CHECK(!strcmp(ev->name, "file"));
	CHECK_GE(n, 2 * (ssize_t)sizeof(*ev));
	ev = (void *)(buf + sizeof(*ev) + ev->len);
	CHECK_EQ(ev->mask, IN_DELETE);
	OK(rmdir(dir));
}

/* Two processes that can only go on when the other did. */
TEST_LIMIT(ping_pong, 20)
{
	int there[2], back[2];
	char c = 0;

	OK(pipe(there));
	OK(pipe(back));
	CHILD(pid,
		for (int i = 0; i < 2000; i++) {
			CHECK_EQ(read(there[0], &c, 1), 1);
			c++;
			CHECK_EQ(write(back[1], &c, 1), 1);
		});
	for (int i = 0; i < 2000; i++) {
		c = i;
		CHECK_EQ(write(there[1], &c, 1), 1);
		CHECK_EQ(read(back[0], &c, 1), 1);
		CHECK_EQ(c, (char)(i + 1));
	}
	WAIT_OK(pid);
}

TEST_LIMIT(sched_yield_takes_turns, 20)
{
	volatile int *turn = SHARED(PAGE);

	CHILD(pid,
		for (int i = 0; i < 1000; i++) {
			while (*turn != 1)
				sched_yield();
			*turn = 0;
		});
	for (int i = 0; i < 1000; i++) {
		while (*turn != 0)
			sched_yield();
		*turn = 1;
	}
	WAIT_OK(pid);
	CHECK_EQ(*turn, 0);
}
