// SPDX-License-Identifier: GPL-2.0
/*
 * beat.c - finds wake-ups that get lost; tests/soak runs it beside its load.
 *
 *	beat FILE
 *	beat FILE show
 *	beat filter
 *
 * For every way in which one task of Linux waits for another there are two that
 * wake each other in turn, without any time-out: a wake-up that is lost stops
 * the two for ever. Each time around is counted in FILE, one 64-bit number a
 * way, which the second form prints. Runs until it is killed. The third form makes
 * the kernel load a BPF program, a socket's filter, and free it again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BURST	20		/* times around without a pause */
#define PAUSE	20000		/* us */

static uint64_t *count;		/* of this way; others look at it */

static void die(const char *what)
{
	fprintf(stderr, "beat: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Once around is done. */
static void around(void)
{
	if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) % BURST == 0)
		usleep(PAUSE);
}

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void pass(int from, int to)
{
	char c[8] = "1";

	while (read(from, c, 8) < 0)
		if (errno != EINTR)
			die("read");
	while (write(to, c, 8) < 0)
		if (errno != EINTR)
			die("write");
}

/* Two ends, each a descriptor to read and one to write. */
static void turns(int ping_out, int ping_in, int pong_out, int pong_in)
{
	char c[8] = "1";

	if (!child())
		for (;;)
			pass(ping_in, pong_out);
	if (write(ping_out, c, 8) != 8)
		die("write");
	for (;;) {
		pass(pong_in, ping_out);
		around();
	}
}

static void by_pipe(void)
{
	int a[2], b[2];

	if (pipe(a) || pipe(b))
		die("pipe");
	turns(a[1], a[0], b[1], b[0]);
}

static void by_socket(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		die("socketpair");
	turns(s[0], s[1], s[1], s[0]);
}

static void by_eventfd(void)
{
	int a = eventfd(0, 0), b = eventfd(0, 0);

	turns(a, a, b, b);
}

static void by_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int a[2], b[2], ep = epoll_create1(0);

	if (pipe(a) || pipe(b) || epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &ev))
		die("epoll");
	if (!child())
		for (;;) {
			if (epoll_wait(ep, &ev, 1, -1) == 1)
				pass(a[0], b[1]);
		}
	if (write(a[1], "1234567", 8) != 8)
		die("write");
	for (;;) {
		struct pollfd p = { .fd = b[0], .events = POLLIN };

		if (poll(&p, 1, -1) != 1)
			continue;
		pass(b[0], a[1]);
		around();
	}
}

static void futex_turn(uint32_t *word, uint32_t mine)
{
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != mine)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
	__atomic_store_n(word, !mine, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void by_futex(void)
{
	uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!child())
		for (;;)
			futex_turn(word, 1);
	for (;;) {
		futex_turn(word, 0);
		around();
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void thread_turn(int mine)
{
	pthread_mutex_lock(&lock);
	while (turn != mine)
		pthread_cond_wait(&changed, &lock);
	turn = !mine;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void *other_thread(void *unused)
{
	for (;;)
		thread_turn(1);
	return unused;
}

static void by_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, other_thread, NULL))
		die("pthread_create");
	for (;;) {
		thread_turn(0);
		around();
	}
}

static void by_signal(void)
{
	pid_t other, me = getpid();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	other = child();
	if (!other)
		for (;;) {
			if (sigwaitinfo(&set, NULL) == SIGUSR1)
				kill(me, SIGUSR1);
		}
	for (;;) {
		kill(other, SIGUSR1);
		while (sigwaitinfo(&set, NULL) != SIGUSR1)
			;
		around();
	}
}

static void sem_do(int id, struct sembuf *op)
{
	while (semop(id, op, 1))
		if (errno != EINTR)
			die("semop");
}

static void by_semaphore(void)
{
	struct sembuf take[2] = { { 0, -1, 0 }, { 1, -1, 0 } };
	struct sembuf give[2] = { { 0, 1, 0 }, { 1, 1, 0 } };
	int id;

	/*
	 * The first set of all has the number 0, which stress-ng's "resources"
	 * removes, whoever made it: it takes 0 for one of its own.
	 */
	semget(IPC_PRIVATE, 1, 0600);
	id = semget(IPC_PRIVATE, 2, 0600);
	if (id < 0)
		die("semget");
	if (!child())
		for (;;) {
			sem_do(id, &take[0]);
			sem_do(id, &give[1]);
		}
	for (;;) {
		sem_do(id, &give[0]);
		sem_do(id, &take[1]);
		around();
	}
}

/* A child that ends wakes its parent. */
static void by_exit(void)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		/* Too many processes: that is the load's. */
		if (pid > 0 && waitpid(pid, NULL, 0) == pid)
			around();
		else
			usleep(PAUSE);
	}
}

static void by_timerfd(void)
{
	struct itimerspec each = { { 0, 1000000 }, { 0, 1000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t n;

	if (timerfd_settime(fd, 0, &each, NULL))
		die("timerfd_settime");
	for (;;)
		if (read(fd, &n, sizeof(n)) == sizeof(n))
			around();
}

static void by_timer(void)
{
	struct sigevent how = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec each = { { 0, 2000000 }, { 0, 2000000 } };
	sigset_t set;
	timer_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_REALTIME, &how, &t) || timer_settime(t, 0, &each, NULL))
		die("timer_create");
	for (;;)
		if (sigwaitinfo(&set, NULL) == SIGALRM)
			around();
}

static void by_sleep(void)
{
	for (;;) {
		usleep(500);
		around();
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} way[] = {
	{ "pipe", by_pipe }, { "socket", by_socket }, { "eventfd", by_eventfd },
	{ "epoll", by_epoll }, { "futex", by_futex }, { "thread", by_thread },
	{ "signal", by_signal }, { "semaphore", by_semaphore }, { "exit", by_exit },
	{ "timerfd", by_timerfd }, { "timer", by_timer }, { "sleep", by_sleep },
};
#define WAYS	(sizeof(way) / sizeof(way[0]))

static int filter(void)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &code };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		die("filter");
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t *counts;
	int fd;

	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "filter"))
		return filter();
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, 4096))
		die(argv[1]);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		die("mmap");
	if (argc > 2) {
		for (size_t i = 0; i < WAYS; i++)
			printf("%s %llu\n", way[i].name, (unsigned long long)counts[i]);
		return 0;
	}
	for (size_t i = 0; i < WAYS; i++) {
		counts[i] = 0;
		if (child())
			continue;
		count = &counts[i];
		way[i].run();
	}
	for (;;)
		pause();
}
