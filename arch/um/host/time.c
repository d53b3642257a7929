// SPDX-License-Identifier: GPL-2.0
/*
 * The clock is the host's vDSO, so reading it costs no host system call. A host
 * without one is asked by system call. Timers are POSIX timers that signal a
 * thread.
 */
#include <linux/time.h>
#include <uapi/linux/signal.h>
#include "syscall.h"

static u64 clock_ns(int clock)
{
	struct __kernel_timespec ts;

	if (!host_vdso_clock || host_vdso_clock(clock, &ts))
		host_call(__NR_clock_gettime, clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/**
 * host_monotonic_ns() - the host's CLOCK_MONOTONIC in ns
 */
u64 host_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/**
 * host_realtime_ns() - the host's CLOCK_REALTIME in ns since 1970
 */
u64 host_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/**
 * host_timer_create() - a timer on CLOCK_MONOTONIC that signals one thread
 *
 * Return: timer id or -errno.
 */
int host_timer_create(int signo, int tid)
{
	struct sigevent ev = {
		.sigev_signo = signo,
		.sigev_notify = SIGEV_THREAD_ID,
		._sigev_un._tid = tid,
	};
	int id;
	long err = host_call(__NR_timer_create, CLOCK_MONOTONIC, &ev, &id);

	return err < 0 ? err : id;
}

/**
 * host_timer_set() - arm a timer
 * @timer: from host_timer_create()
 * @deadline_ns: CLOCK_MONOTONIC time of expiry in ns; 0 disarms
 */
int host_timer_set(int timer, u64 deadline_ns)
{
	struct __kernel_itimerspec its = {
		.it_value.tv_sec = deadline_ns / NSEC_PER_SEC,
		.it_value.tv_nsec = deadline_ns % NSEC_PER_SEC,
	};

	return host_call(__NR_timer_settime, timer, TIMER_ABSTIME, &its, NULL);
}

/**
 * host_cpu_ns() - CPU time that a process has used
 *
 * Return: ns, or 0 when the process is gone.
 */
u64 host_cpu_ns(int pid)
{
	struct __kernel_timespec ts;

	/* The clock of a process: clock_getcpuclockid(3). */
	if (host_call(__NR_clock_gettime, ~pid << 3 | 2, &ts))
		return 0;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}
