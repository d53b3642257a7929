// SPDX-License-Identifier: GPL-2.0
/*
 * Time: clocks, sleeping, timers, and that a timer interrupts a busy loop.
 */
#include "test.h"
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static volatile sig_atomic_t ticks;
static volatile int value_seen, overrun_seen;

static void tick(int sig, siginfo_t *si, void *uc)
{
	ticks++;
	if (si->si_code == SI_TIMER) {
		value_seen = si->si_value.sival_int;
		overrun_seen += si->si_overrun;
	}
}

/* No system call in it: only an interrupt can get the kernel to look. */
static bool spin_until_ticks(int wanted, int64_t limit)
{
	unsigned long rounds = 0;
	int64_t start = now_ns();

	while (ticks < wanted) {
		for (volatile int i = 0; i < 1000000; i++)
			if (ticks >= wanted)
				return true;
		if (++rounds % 16 == 0 && now_ns() - start > limit)
			return false;
	}
	return true;
}

TEST(setitimer_interrupts_loop)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } };
	int64_t start = now_ns();

	on_signal(SIGALRM, tick, 0);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	CHECK(spin_until_ticks(20, 5000000000));
	CHECK_GE(now_ns() - start, 190000000);
	CHECK_LT(now_ns() - start, 2000000000);
}

TEST(virtual_and_profiling_timers)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };

	on_signal(SIGVTALRM, tick, 0);
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	CHECK(spin_until_ticks(3, 5000000000));
	it.it_value.tv_usec = it.it_interval.tv_usec = 0;
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	ticks = 0;
	it.it_value.tv_usec = it.it_interval.tv_usec = 20000;
	on_signal(SIGPROF, tick, 0);
	OK(setitimer(ITIMER_PROF, &it, NULL));
	CHECK(spin_until_ticks(3, 5000000000));
}

static void posix_timer(clockid_t clock)
{
	struct sigevent ev = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGRTMIN + 1,
		.sigev_value.sival_int = 99,
	};
	struct itimerspec spec = { { 0, 5000000 }, { 0, 5000000 } }, now;
	timer_t timer;

	ticks = 0;
	on_signal(SIGRTMIN + 1, tick, 0);
	OK(timer_create(clock, &ev, &timer));
	OK(timer_settime(timer, 0, &spec, NULL));
	CHECK(spin_until_ticks(10, 5000000000));
	CHECK_EQ(value_seen, 99);
	OK(timer_gettime(timer, &now));
	CHECK_EQ(now.it_interval.tv_nsec, 5000000);
	OK(timer_delete(timer));
	FAILS(timer_gettime(timer, &now), EINVAL);
}

TEST(posix_timers)
{
	posix_timer(CLOCK_MONOTONIC);
	posix_timer(CLOCK_REALTIME);
	posix_timer(CLOCK_PROCESS_CPUTIME_ID);
}

TEST(timer_overrun)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec spec = { { 0, 1000000 }, { 0, 1000000 } };
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	on_signal(SIGRTMIN, tick, 0);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(timer_create(CLOCK_MONOTONIC, &ev, &timer));
	OK(timer_settime(timer, 0, &spec, NULL));
	sleep_ms(100);
	OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	OK(timer_delete(timer));
	CHECK_GE(ticks, 1);
	CHECK_GE(overrun_seen, 50);
}

TEST(nanosleep_is_long_enough)
{
	static const long times[] = { 1, 1000, 100000, 1000000, 20000000 };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct timespec ts = { 0, times[i] };
		int64_t start = now_ns();

		OK(nanosleep(&ts, NULL));
		CHECK_GE(now_ns() - start, times[i]);
		CHECK_LT(now_ns() - start, times[i] + 500000000);
	}
	struct timespec bad = { 0, 1000000000 };

	FAILS(nanosleep(&bad, NULL), EINVAL);
}

TEST(absolute_sleep)
{
	struct timespec ts;
	int64_t until = now_ns() + 30000000;

	ts.tv_sec = until / 1000000000;
	ts.tv_nsec = until % 1000000000;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_GE(now_ns(), until);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
}

TEST_LIMIT(monotonic_never_back, 30)
{
	int64_t last = now_ns(), now;

	for (int i = 0; i < 100000; i++) {
		now = now_ns();
		CHECK_GE(now, last);
		last = now;
	}
	/* The library's way (perhaps a vDSO) and the system call agree. */
	for (int i = 0; i < 1000; i++) {
		struct timespec ts;

		OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
		now = ts.tv_sec * 1000000000LL + ts.tv_nsec;
		CHECK_GE(now, last);
		last = now_ns();
		CHECK_GE(last, now);
	}
}

TEST(wall_clock)
{
	struct timeval tv;
	struct timespec ts;
	time_t t = time(NULL);

	OK(gettimeofday(&tv, NULL));
	OK(clock_gettime(CLOCK_REALTIME, &ts));
	CHECK_GE(tv.tv_sec, t);
	CHECK_GE(ts.tv_sec, tv.tv_sec);
	CHECK_LT(ts.tv_sec, t + 3);
	/* 2024: a clock that knows nothing says 1970. */
	CHECK_GE(t, 1704067200);
	OK(clock_getres(CLOCK_MONOTONIC, &ts));
	CHECK_EQ(ts.tv_sec, 0);
	CHECK_GE(1, ts.tv_nsec);
}

TEST(timerfd)
{
	struct itimerspec spec = { { 0, 5000000 }, { 0, 5000000 } };
	int fd = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	FAILS(read(fd, &count, 8), EAGAIN);
	OK(timerfd_settime(fd, 0, &spec, NULL));
	CHECK_EQ(OK(poll(&pfd, 1, 2000)), 1);
	sleep_ms(30);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK_GE(count, 5);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	OK(clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct timespec in_ns(int64_t ns)
{
	return (struct timespec) { ns / 1000000000, ns % 1000000000 };
}

static void alarm_clock(clockid_t alarm, clockid_t same)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2 };
	struct itimerspec spec = { { 0, 5000000 }, { 0, 5000000 } }, once = { 0 };
	struct pollfd pfd = { .events = POLLIN };
	struct timespec ts = in_ns(30000000);
	int64_t start = clock_ns(alarm);
	uint64_t count = 0;
	timer_t timer;

	CHECK_GE(clock_ns(same), start);
	CHECK_LT(clock_ns(same) - start, 60000000000);

	/* Nothing else runs while this waits. */
	CHECK_EQ(clock_nanosleep(alarm, 0, &ts, NULL), 0);
	CHECK_GE(clock_ns(alarm) - start, 30000000);

	start = clock_ns(alarm) + 30000000;
	once.it_value = in_ns(start);
	pfd.fd = OK(timerfd_create(alarm, TFD_NONBLOCK));
	OK(timerfd_settime(pfd.fd, TFD_TIMER_ABSTIME, &once, NULL));
	CHECK_EQ(OK(poll(&pfd, 1, 5000)), 1);
	CHECK_GE(clock_ns(alarm), start);
	CHECK_EQ(read(pfd.fd, &count, 8), 8);
	CHECK_EQ(count, 1);

	ticks = 0;
	on_signal(SIGRTMIN + 2, tick, 0);
	OK(timer_create(alarm, &ev, &timer));
	OK(timer_settime(timer, 0, &spec, NULL));
	CHECK(spin_until_ticks(5, 5000000000));
	OK(timer_delete(timer));
}

/* Clocks whose timers wake a machine that sleeps; they need a real-time clock. */
TEST(alarm_clocks)
{
	struct timespec ts;
	timer_t timer;
	pid_t pid;

	if (!in_guest() && (geteuid() || clock_gettime(CLOCK_REALTIME_ALARM, &ts)))
		test_skip("not root, or no real-time clock with an alarm");
	alarm_clock(CLOCK_REALTIME_ALARM, CLOCK_REALTIME);
	alarm_clock(CLOCK_BOOTTIME_ALARM, CLOCK_BOOTTIME);

	pid = OK(fork());
	if (!pid) {
		OK(setuid(65534));
		FAILS(timer_create(CLOCK_REALTIME_ALARM, NULL, &timer), EPERM);
		FAILS(timerfd_create(CLOCK_BOOTTIME_ALARM, 0), EPERM);
		_exit(0);
	}
	WAIT_OK(pid);
}

TEST(cpu_time_counts)
{
	struct timespec before, after;
	int64_t start = now_ns();
	int64_t used;

	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before));
	while (now_ns() - start < 100000000)
		;
	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after));
	used = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
	CHECK_GE(used, 10000000);
	sleep_ms(100);
	before = after;
	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after));
	used = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
	CHECK_LT(used, 50000000);
}
