// SPDX-License-Identifier: GPL-2.0
/*
 * Threads and processes of the host: I/O threads, futexes, ending.
 */
#include <uapi/linux/futex.h>
#include <uapi/linux/prctl.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/time.h>
#include <uapi/linux/wait.h>
#include <uapi/asm/prctl.h>
#include <asm/host.h>
#include "syscall.h"

extern long __host_clone(unsigned long flags, void *stack_top, int (*fn)(void *), void *arg);

int host_gettid(void)
{
	return host_call(__NR_gettid);
}

int host_getpid(void)
{
	return host_call(__NR_getpid);
}

/**
 * host_set_fs_base() - where %fs of this thread points
 * @base:	address
 *
 * Return: 0 or -errno, arch_prctl(2).
 */
int host_set_fs_base(void *base)
{
	return host_call(__NR_arch_prctl, ARCH_SET_FS, base);
}

struct thread_start {
	int (*fn)(void *arg);
	void *arg;
	unsigned int begun;
};

static int thread_main(void *arg)
{
	struct thread_start *shared = arg, start = *shared;

	host_landlock_thread();
	__atomic_store_n(&shared->begun, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&shared->begun);
	return start.fn(start.arg);
}

/**
 * host_thread() - start a thread of the kernel process that is not a vCPU
 * @fn:	what it runs; it must block all signals first and call nothing but
 *	host_*() functions and code that knows no tasks
 * @arg: its argument
 * @stack: lowest address of its stack
 * @size: size of the stack in bytes
 *
 * Returns when the thread has done what host_confine() will not allow any more.
 *
 * Return: its thread id, or -errno.
 */
int host_thread(int (*fn)(void *), void *arg, void *stack, u64 size)
{
	/* At the far end of the stack, where nothing is yet. */
	struct thread_start *start = stack;
	int tid;

	*start = (struct thread_start) { fn, arg };
	tid = __host_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			   CLONE_SYSVSEM, stack + size, thread_main, start);
	while (tid > 0 && !__atomic_load_n(&start->begun, __ATOMIC_SEQ_CST))
		host_futex_wait(&start->begun, 0, 0);
	return tid;
}

int host_tgkill(int pid, int tid, int signo)
{
	return host_call(__NR_tgkill, pid, tid, signo);
}

int host_kill(int pid, int signo)
{
	return host_call(__NR_kill, pid, signo);
}

/**
 * host_futex_wait() - sleep while *word is value
 * @deadline_ns: CLOCK_MONOTONIC time in ns to give up at; 0 waits for ever
 *
 * Return: 0 when woken, -EAGAIN when the word is another value, -EINTR after a
 * signal, -ETIMEDOUT.
 */
int host_futex_wait(unsigned int *word, unsigned int value, u64 deadline_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = deadline_ns / NSEC_PER_SEC,
		.tv_nsec = deadline_ns % NSEC_PER_SEC,
	};

	return host_call(__NR_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
			 deadline_ns ? &ts : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

/**
 * host_futex_wake() - wake one who waits for this word, within this process
 */
int host_futex_wake(unsigned int *word)
{
	return host_call(__NR_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

/**
 * host_futex_wait_shared() - the same for a word that other processes map
 */
int host_futex_wait_shared(unsigned int *word, unsigned int value, u64 deadline_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = deadline_ns / NSEC_PER_SEC,
		.tv_nsec = deadline_ns % NSEC_PER_SEC,
	};

	return host_call(__NR_futex, word, FUTEX_WAIT_BITSET, value,
			 deadline_ns ? &ts : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

/**
 * host_futex_wake_shared() - wake one who waits
 *
 * Return: how many were woken.
 */
int host_futex_wake_shared(unsigned int *word)
{
	return host_call(__NR_futex, word, FUTEX_WAKE, 1);
}

/**
 * host_fork() - a copy of the kernel process; its memory but physmem is private
 */
int host_fork(void)
{
	return host_call(__NR_clone, SIGCHLD);
}

/**
 * host_spawn() - run another program, which ends when we do
 * @keep: a descriptor that it gets, under the same number
 *
 * At boot only. Until the program runs, the child has our memory and our stack,
 * and we wait.
 *
 * Return: its pid, or -errno.
 */
int host_spawn(const char *path, const char *const *argv, const char *const *envp, int keep)
{
	static long err;
	long pid;

	WRITE_ONCE(err, 0);
	pid = host_call(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD);
	if (pid)
		return READ_ONCE(err) ?: pid;
	host_call(__NR_prctl, PR_SET_PDEATHSIG, SIGTERM);
	err = host_call(__NR_fcntl, keep, F_SETFD, 0);
	if (!err)
		WRITE_ONCE(err, host_call(__NR_execve, path, argv, envp));
	host_exit(1);
}

/**
 * host_exit() - end the kernel process, all its threads, and so all spaces
 */
void __noreturn host_exit(int status)
{
	for (;;)
		host_call(__NR_exit_group, status);
}

/**
 * host_wait() - wait for a child or tracee
 *
 * Return: its pid, -EINTR after a signal, or another -errno.
 */
int host_wait(int pid, int *status)
{
	return host_call(__NR_wait4, pid, status, __WALL, NULL);
}

/**
 * host_yield() - sched_yield(2)
 */
int host_yield(void)
{
	return host_call(__NR_sched_yield);
}

/**
 * host_pin_to_current_cpu() - keep this thread, and what it starts, on one CPU
 */
int host_pin_to_current_cpu(void)
{
	unsigned long mask[16] = { 0 };
	unsigned int cpu;
	long err = host_call(__NR_getcpu, &cpu, NULL, NULL);

	if (err < 0)
		return err;
	if (cpu >= sizeof(mask) * 8)
		return -EINVAL;
	mask[cpu / 64] = 1UL << (cpu % 64);
	return host_call(__NR_sched_setaffinity, 0, sizeof(mask), mask);
}

/**
 * host_get_affinity() - the CPUs that this thread may use, a bit each
 */
int host_get_affinity(u64 *mask, unsigned int size)
{
	long n;

	memset(mask, 0, size);
	n = host_call(__NR_sched_getaffinity, 0, size, mask);
	return n < 0 ? n : 0;
}

/**
 * host_set_affinity() - sched_setaffinity(2), with @size bytes of @mask
 */
int host_set_affinity(int tid, const u64 *mask, unsigned int size)
{
	return host_call(__NR_sched_setaffinity, tid, size, mask);
}

/**
 * host_is_timeshared() - is this thread scheduled as threads are by default
 */
bool host_is_timeshared(void)
{
	return host_call(__NR_sched_getscheduler, 0) == SCHED_NORMAL;
}

/**
 * host_set_batch() - have a thread of ours interrupt no other when it is woken, or
 * have it scheduled as by default again (SCHED_BATCH, sched(7))
 *
 * Return: 0 or -errno.
 */
int host_set_batch(int tid, bool batch)
{
	struct { int priority; } param = {};

	return host_call(__NR_sched_setscheduler, tid, batch ? SCHED_BATCH : SCHED_NORMAL,
			 &param);
}

/**
 * host_unpin() - let this thread run on any CPU that it may
 */
int host_unpin(void)
{
	unsigned long mask[16];

	memset(mask, 0xff, sizeof(mask));
	return host_call(__NR_sched_setaffinity, 0, sizeof(mask), mask);
}

/**
 * host_die_with() - in a child: end when the parent does, or has done already
 * @parent: the parent's pid
 */
void host_die_with(int parent)
{
	host_call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
	if (host_call(__NR_getppid) != parent)
		host_exit(1);
}

/**
 * host_is_dead() - has a child or tracee ended; it stays to be waited for
 */
bool host_is_dead(int pid)
{
	struct siginfo info = { };
	long err = host_call(__NR_waitid, P_PID, pid, &info,
			     WEXITED | WNOHANG | WNOWAIT | __WALL, NULL);

	return err == -ECHILD || (!err && info.si_pid == pid);
}

/**
 * host_is_stopped() - has somebody stopped a child, by SIGSTOP; told once a stop
 */
bool host_is_stopped(int pid)
{
	struct siginfo info = { };

	return !host_call(__NR_waitid, P_PID, pid, &info, WSTOPPED | WNOHANG | __WALL, NULL) &&
	       info.si_pid == pid;
}

/**
 * host_seal_fds() - keep these descriptors, as numbers 0 to n - 1, and no other
 * @keep: all above 2
 */
int host_seal_fds(const int *keep, int n)
{
	long err;
	int fd;

	for (fd = 0; fd < n; fd++) {
		err = host_call(__NR_dup2, keep[fd], fd);
		if (err < 0)
			return err;
	}
	err = host_call(__NR_close_range, n, ~0U, 0);
	if (err != -ENOSYS)
		return err;
	for (fd = n; fd < 4096; fd++)	/* a host before Linux 5.9 */
		host_call(__NR_close, fd);
	return 0;
}

int host_getrandom(void *buf, u64 len)
{
	return host_call(__NR_getrandom, buf, len, 0);
}

/**
 * host_cpuid_xstate() - what XSAVE saves here (CPUID leaf 0xd, XGETBV)
 * @size: bytes in the standard format for all that the host has enabled
 * @mask: XCR0
 *
 * Return: 0, or -ENODEV on a CPU without XSAVE.
 */
int host_cpuid_xstate(unsigned int *size, u64 *mask)
{
	unsigned int a = 1, b, c = 0, d, lo, hi;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	if (!(c & (1U << 27)))		/* OSXSAVE */
		return -ENODEV;
	asm volatile("xgetbv" : "=a" (lo), "=d" (hi) : "c" (0));
	a = 0xd;
	c = 0;
	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	*size = b;
	*mask = (u64)hi << 32 | lo;
	return 0;
}
