// SPDX-License-Identifier: GPL-2.0
/*
 * Floating point and vector registers belong to the thread: across system
 * calls, switches, preemption, faults, fork, exec, and signal handlers.
 */
#include "fpregs.h"
#include "exec.h"
#include <pthread.h>
#include <sys/time.h>

TEST(which_registers)
{
	unsigned int a, b, c, d;

	note("xcr0 %#llx, level %d", (unsigned long long)fp_xcr0(), fp_level());
	if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		test_skip("no CPUID leaf 0xd");
	CHECK_GE(b, 576);
	CHECK_GE(c, b);
	CHECK_EQ(a & 3, 3);
}

TEST(across_system_calls)
{
	for (int i = 0; i < 200; i++) {
		FP_KEEPS(i, raw_syscall(SYS_getpid, 0, 0, 0, 0));
		FP_KEEPS(i, raw_syscall(SYS_sched_yield, 0, 0, 0, 0));
	}
	struct timespec ts = { 0, 1000000 };

	FP_KEEPS(3, raw_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0));
}

TEST(across_page_faults)
{
	volatile char *p = ANON(100 * PAGE);

	for (int i = 0; i < 100; i++)
		FP_KEEPS(i, p[i * PAGE] = 1);
}

/* Inlined, and without a vector register in it. */
__attribute__((always_inline)) static inline void spin(int rounds)
{
	for (volatile int i = 0; i < rounds; i++)
		;
}

/* Turns of @us microseconds that only preemption ends. */
static void keep_for(int seed, int turns, int us)
{
	for (int i = 0; i < turns; i++) {
		int64_t end = now_ns() + us * 1000LL;
		struct timespec ts;

		/* Raw calls only: the vDSO may use vector registers. */
		FP_KEEPS(seed + i, spin(20000));
		FP_KEEPS(seed + i, raw_syscall(SYS_sched_yield, 0, 0, 0, 0));
		while (now_ns() < end)
			FP_KEEPS(seed + i, raw_syscall(SYS_clock_gettime, 1, (long)&ts, 0, 0));
	}
}

TEST_LIMIT(between_processes, 30)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = OK(fork());
		if (!pids[i]) {
			keep_for(i * 1000, 60, 1500);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		WAIT_OK(pids[i]);
}

static void *keep_in_thread(void *arg)
{
	keep_for((uintptr_t)arg, 60, 1500);
	return NULL;
}

TEST_LIMIT(between_threads, 30)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, keep_in_thread, (void *)(i * 1000)), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/*
 * From one place, so that a kernel which patches system calls has patched this
 * one: long hot_yield(void). raw_syscall() is no such place.
 */
extern char hot_yield[];

asm(".pushsection .text\n"
    ".balign 16\n"
    "hot_yield:\n"
    "	movl	$24, %eax\n"
    "	syscall\n"
    "	ret\n"
    ".popsection\n");

static int64_t yields_end;

static void *yield_in_thread(void *arg)
{
	/* The compiler takes vector registers for lost here; the kernel may not lose any. */
	long (*yield)(void) = (long (*)(void))hot_yield;

	for (int i = 0; now_ns() < yields_end; i++)
		FP_KEEPS((uintptr_t)arg + i, yield());
	return NULL;
}

/*
 * Threads that take turns, while another program's timer interrupts again and
 * again what makes the next one go on.
 */
TEST_LIMIT(taking_turns, 30)
{
	struct timespec ts = { 0, 30000 };
	pthread_t threads[3];
	pid_t pid;

	yields_end = now_ns() + 3000000000LL;
	pid = OK(fork());
	if (!pid) {
		while (now_ns() < yields_end)
			raw_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0);
		_exit(0);
	}
	for (uintptr_t i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, yield_in_thread, (void *)(i * 1000)), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	WAIT_OK(pid);
}

static volatile int clobbers;

static void clobber(int sig, siginfo_t *si, void *uc)
{
	struct fpregs other;

	fp_pattern(&other, 777 + clobbers++);
	switch (fp_level()) {
	case FP_AVX512:
		fp_load(&other, FP_AVX512);
		break;
	case FP_AVX:
		fp_load(&other, FP_AVX);
		break;
	default:
		fp_load(&other, FP_SSE);
	}
}

TEST(across_signal_handlers)
{
	int pid = getpid(), tid = gettid();

	on_signal(SIGUSR1, clobber, 0);
	for (int i = 0; i < 100; i++)
		FP_KEEPS(i, raw_syscall(SYS_tgkill, pid, tid, SIGUSR1, 0));
	CHECK_EQ(clobbers, 100);
}

TEST(across_timer_signals)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };
	int64_t end;

	on_signal(SIGALRM, clobber, 0);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	for (end = now_ns() + 300000000; now_ns() < end;)
		FP_KEEPS(clobbers, spin(200000));
	CHECK_GE(clobbers, 10);
}

TEST(inherited_over_fork)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = 0;

		/* Both sides come out of it with the registers of before. */
		FP_KEEPS(i + 5, pid = raw_syscall(SYS_clone, SIGCHLD, 0, 0, 0));
		if (pid == 0)
			_exit(0);
		CHECK_GE(pid, 1);
		WAIT_OK(pid);
	}
}

/* Written before any C code that could use the registers could have run. */
EXECED(fp_is_fresh)
{
	uint16_t control;
	uint32_t mxcsr;

	asm volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(control), "=m"(mxcsr));
	if (control != 0x37f)
		return 1;
	if (mxcsr & ~0x3f & ~0x1f80 || (mxcsr & 0x1f80) != 0x1f80)
		return 2;
	if (fp_level() == FP_AVX512) {
		struct fpregs f;

		/* The C library has no use for these before main(). */
		asm volatile(FP_0_7(FP_SAVE_MASK) : : "r"(&f) : "memory");
		if (f.mask[6])
			return 3;
		fp_save(&f, FP_AVX512);
		for (int j = 0; j < 64; j++)
			if (f.vector[30][j])
				return 4;
	}
	return 0;
}

TEST(reset_on_exec)
{
	char *argv[] = { "self", "exec:fp_is_fresh", NULL };
	char *path = SELF;

	CHILD(pid, FP_KEEPS(99, raw_syscall(SYS_execve, (long)path, (long)argv, (long)environ, 0)));
	WAIT_OK(pid);
}
