// SPDX-License-Identifier: GPL-2.0
/*
 * Signals: delivery, information, stacks, masks, restarts, queues.
 */
#include "test.h"
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits;
/* volatile: the headers promise that kill() calls nobody back. */
static volatile siginfo_t last;
static volatile uintptr_t stack_seen;

static void count(int sig, siginfo_t *si, void *uc)
{
	int here;

	hits++;
	last = *si;
	stack_seen = (uintptr_t)&here;
}

TEST(siginfo_kill_and_queue)
{
	union sigval value = { .sival_ptr = (void *)0x123456789abc };

	on_signal(SIGUSR1, count, 0);
	OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(hits, 1);
	CHECK_EQ(last.si_code, SI_USER);
	CHECK_EQ(last.si_pid, getpid());
	CHECK_EQ(last.si_uid, getuid());
	OK(sigqueue(getpid(), SIGUSR1, value));
	CHECK_EQ(hits, 2);
	CHECK_EQ(last.si_code, SI_QUEUE);
	CHECK_EQ(last.si_value.sival_ptr, value.sival_ptr);
	OK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
	CHECK_EQ(hits, 3);
	CHECK_EQ(last.si_code, SI_TKILL);
}

TEST(siginfo_child)
{
	on_signal(SIGCHLD, count, 0);
	CHILD(pid, _exit(17));
	while (!hits)
		sleep_ms(1);
	CHECK_EQ(last.si_code, CLD_EXITED);
	CHECK_EQ(last.si_status, 17);
	CHECK_EQ(last.si_pid, pid);
	WAIT_EXIT(pid, 17);
}

TEST(alternate_stack)
{
	stack_t ss = { .ss_sp = ANON(16 * PAGE), .ss_size = 16 * PAGE }, old;

	OK(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, count, SA_ONSTACK);
	on_signal(SIGUSR2, count, 0);
	OK(raise(SIGUSR1));
	CHECK_EQ(hits, 1);
	CHECK_GE(stack_seen, (uintptr_t)ss.ss_sp);
	CHECK_LT(stack_seen, (uintptr_t)ss.ss_sp + ss.ss_size);
	OK(raise(SIGUSR2));
	CHECK(stack_seen < (uintptr_t)ss.ss_sp || stack_seen >= (uintptr_t)ss.ss_sp + ss.ss_size);
	OK(sigaltstack(NULL, &old));
	CHECK_EQ(old.ss_sp, ss.ss_sp);
	CHECK_EQ(old.ss_flags, 0);
	ss.ss_size = 512;
	FAILS(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = SS_DISABLE;
	OK(sigaltstack(&ss, NULL));
}

static volatile int depth, deepest;

static void nest(int sig, siginfo_t *si, void *uc)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (depth < 50 && hits < 60)
		raise(sig);
	depth--;
	hits++;
}

TEST(nesting)
{
	on_signal(SIGUSR1, nest, SA_NODEFER);
	OK(raise(SIGUSR1));
	CHECK_EQ(deepest, 50);
	CHECK_EQ(hits, 50);
	CHECK_EQ(depth, 0);
	/* Without SA_NODEFER the second waits for the first to end. */
	hits = deepest = 0;
	on_signal(SIGUSR1, nest, 0);
	OK(raise(SIGUSR1));
	CHECK_EQ(deepest, 1);
	CHECK_EQ(hits, 61);
}

TEST(masks_and_pending)
{
	sigset_t set, old, pending;

	on_signal(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	OK(raise(SIGUSR1));
	OK(raise(SIGUSR1));
	CHECK_EQ(hits, 0);
	OK(sigpending(&pending));
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
	CHECK_EQ(hits, 1);
}

TEST(sigsuspend_takes_mask)
{
	sigset_t set, none, now;

	on_signal(SIGUSR1, count, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t parent = getpid();

	CHILD(pid, sleep_ms(20); kill(parent, SIGUSR1));
	FAILS(sigsuspend(&none), EINTR);
	CHECK_EQ(hits, 1);
	OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	WAIT_OK(pid);
}

static int queue_order[64];

static void record(int sig, siginfo_t *si, void *uc)
{
	queue_order[hits++] = (sig - SIGRTMIN) * 100 + si->si_value.sival_int;
}

/* Lower numbers first, and each number in the order of sending. */
TEST(realtime_order)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < 4; i++) {
		struct sigaction sa = { .sa_flags = SA_SIGINFO, .sa_sigaction = record };

		sigfillset(&sa.sa_mask);
		OK(sigaction(SIGRTMIN + i, &sa, NULL));
		sigaddset(&set, SIGRTMIN + i);
	}
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int v = 0; v < 5; v++)
		for (int i = 3; i >= 0; i--)
			OK(sigqueue(getpid(), SIGRTMIN + i, (union sigval){ .sival_int = v }));
	OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(hits, 20);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(queue_order[i], i / 5 * 100 + i % 5);
}

TEST(sigtimedwait_takes_signal)
{
	struct timespec ts = { 0, 30000000 };
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	FAILS(sigtimedwait(&set, NULL, &ts), EAGAIN);
	OK(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 5 }));
	CHECK_EQ(OK(sigtimedwait(&set, &si, &ts)), SIGRTMIN);
	CHECK_EQ(si.si_value.sival_int, 5);
}

/* A read that a handler interrupts: EINTR, or restarted and then served. */
static void interrupt_read(int flags, ssize_t want, int error)
{
	pid_t parent = getpid();
	ssize_t got;
	int fds[2];
	char c;

	hits = 0;
	on_signal(SIGUSR1, count, flags);
	OK(pipe(fds));
	CHILD(pid,
		sleep_ms(30);
		kill(parent, SIGUSR1);
		sleep_ms(30);
		CHECK_EQ(write(fds[1], "x", 1), 1));
	errno = 0;
	got = read(fds[0], &c, 1);
	int err = errno;

	CHECK_EQ(hits, 1);
	CHECK_EQ(got, want);
	CHECK_EQ(err, error);
	WAIT_OK(pid);
}

TEST(restart_or_eintr)
{
	interrupt_read(SA_RESTART, 1, 0);
	interrupt_read(0, -1, EINTR);
}

/* nanosleep is restarted by a block of its own when a stop interrupts it. */
TEST(restart_block_after_stop)
{
	int64_t start = now_ns();

	CHILD(pid,
		struct timespec ts = { 0, 300000000 };

		_exit(nanosleep(&ts, NULL) ? 1 : 0));
	for (int i = 0; i < 3; i++) {
		sleep_ms(30);
		OK(kill(pid, SIGSTOP));
		sleep_ms(10);
		OK(kill(pid, SIGCONT));
	}
	WAIT_OK(pid);
	CHECK_GE(now_ns() - start, 295000000);
	CHECK_LT(now_ns() - start, 2000000000);
}

TEST(nanosleep_remaining)
{
	struct timespec ts = { 5, 0 }, left = { 0, 0 };
	struct itimerval it = { .it_value = { 0, 50000 } };

	on_signal(SIGALRM, count, SA_RESTART);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	FAILS(nanosleep(&ts, &left), EINTR);
	CHECK_EQ(left.tv_sec, 4);
	CHECK_EQ(hits, 1);
}
