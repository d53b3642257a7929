// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that are none: a runner that says it waits in the stub and runs on,
 * one that does not answer, one that lies about its signals.
 */
#include "attack.h"
#include <x86intrin.h>

static struct timespec nap = { 8, 0 };

/* Sleeps, as the guest's scheduler sees it, and computes. */
ATTACK(sleep_and_run, 10, "nowatch")
{
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	spin_ms(4000);
	won("still runs 4 s after it went to sleep");
}

static int64_t own_cpu_ns(void)
{
	struct timespec ts;

	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Counts @cycles of computing, but for what went by while somebody else ran. */
static void compute(volatile uint64_t *cycles)
{
	static uint64_t last;
	uint64_t now = __rdtsc();

	if (now - last < ticks_per_ms / 20)
		*cycles += now - last;
	last = now;
}

/*
 * Before each sleep as many calls as in a second would have the little that the stub
 * may use behind each of them add up to all of it.
 */
ATTACK(bought_time, 15, "nowatch")
{
	static struct timespec most_of_it = { 0, 850000000 };
	int64_t before = own_cpu_ns(), end = now_ns() + 7000000000LL, ms, known;
	volatile uint64_t cycles = 0;

	while (now_ns() < end) {
		uint32_t cmd;

		for (int i = 0; i < 12000; i++)
			syscall(SYS_getppid);
		post_call(SYS_nanosleep, (long)&most_of_it, 0, 0, 0, 0, 0);
		cmd = area()->trap;
		while (orders()->cmd == cmd)
			compute(&cycles);
	}
	ms = cycles / ticks_per_ms;
	known = (own_cpu_ns() - before) / 1000000;
	note("computed for %lld ms asleep, and %lld", (long long)ms, (long long)known);
	if (ms > 1500)
		won("computed for %lld ms while it slept", (long long)ms);
}

/* Many of them, so that each uses little: together they have the host's CPUs. */
ATTACK(many_sleepers, 30, "nowatch")
{
	enum { MANY = 12 };
	static struct timespec long_nap = { 60, 0 };
	volatile uint64_t *cycles = SHARED(PAGE);
	pid_t pids[MANY];
	uint64_t all = 1, was;

	for (int i = 0; i < MANY; i++) {
		pids[i] = OK(fork());
		if (!pids[i]) {
			warm();
			cycles[i] = 0;
			post_call(SYS_nanosleep, (long)&long_nap, 0, 0, 0, 0, 0);
			for (;;)
				compute(&cycles[i]);
		}
	}
	/* One is ended each second until they use little. */
	for (int64_t end = now_ns() + 15000000000LL; now_ns() < end && all;) {
		int64_t start = now_ns();

		was = 0;
		for (int i = 0; i < MANY; i++)
			was += cycles[i];
		sleep_ms(1000);
		all = -was;
		for (int i = 0; i < MANY; i++)
			all += cycles[i];
		all = all / ticks_per_ms * 100 / ((now_ns() - start) / 1000000);
		if (all < 60)
			all = 0;
	}
	for (int i = 0; i < MANY; i++)
		kill(pids[i], SIGKILL);
	if (all)
		won("programs that sleep have used %llu %% of a CPU for 15 s",
		    (unsigned long long)all);
}

/* Takes back each kick: none is sent while one seems to be under way. */
ATTACK(deaf, 10, "nolook")
{
	for (;;)
		area()->kicked = 0;
}

/* The same, and then has the kernel wait for the kick to arrive. */
ATTACK(deny_kick, 10, "nolook")
{
	volatile char *p = ANON(64 * PAGE);

	for (int i = 0; i < 64; i++) {
		while (!area()->kicked)
			;
		area()->kicked = 0;
		p[i * PAGE] = 1;
	}
}

/* Asks for pages to be taken away, and has no time to do so. */
ATTACK(no_answer, 10, "nolook")
{
	char *p = ANON(PAGE);

	p[0] = 1;
	post_call(SYS_munmap, (long)p, PAGE, 0, 0, 0, 0);
	for (;;)
		;
}

/* And wakes the kernel all the time, which so sees no time pass. */
ATTACK(storm, 10, "nolook")
{
	char *p = ANON(PAGE);
	uint32_t n = 0;

	p[0] = 1;
	post_call(SYS_munmap, (long)p, PAGE, 0, 0, 0, 0);
	next_command(area()->trap, 100);
	for (;;)
		area()->trap = n++ & 0xffff0000;
}

/* Sleeps in the stub though a command waits: nobody wakes it. */
ATTACK(silent_sleep, 10, "nolook")
{
	char *p = ANON(PAGE);
	uint32_t cmd = orders()->cmd;
	struct regs r = { .r = {
		[AX] = SYS_futex, [DI] = AREA + 4, [DX] = 1, [SP] = AREA + 2048,
	} };

	p[0] = 1;
	post_call(SYS_munmap, (long)p, PAGE, 0, 0, 0, 0);
	cmd = area()->trap;
	next_command(cmd, 100);
	r.r[BX] = orders()->cmd;
	area()->trap = cmd;
	area()->sleeps = 1;
	/* The last call of that number in the stub is the one that waits. */
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	for (int i = 0; i < n; i++)
		if (calls[i].nr == SYS_futex && calls[i + 1].nr != SYS_futex)
			jump(calls[i].at, &r);
}

/* Says of orders that they failed, again and again. */
ATTACK(fail_always, 5, NULL)
{
	char *p = ANON(PAGE);

	p[0] = 1;
	post_call(SYS_munmap, (long)p, PAGE, 0, 0, 0, 0);
	for (;;) {
		area()->type = ANSWER_FAILED;
		area()->trap = orders()->cmd;
	}
}

/* Runs beside the attacker: how long it had to wait at most. */
static void beat(volatile int64_t *longest)
{
	int64_t last = now_ns();

	for (;;) {
		int64_t now;

		sleep_ms(1);
		now = now_ns();
		if (now - last > *longest)
			*longest = now - last;
		last = now;
	}
}

/* To block host signals takes a host call. */
ATTACK(block_signals, 10, "noargs")
{
	static uint64_t all = ~0ULL;
	volatile int64_t *longest = SHARED(PAGE);
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	CHILD(beside, beat(longest));
	CHILD(pid, {
		volatile int back = 0;

		warm();
		/* The guest's own mask: no business of the host's. */
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
		if (TRAP_HERE(back) == 0) {
			struct regs r = { .r = {
				[AX] = SYS_rt_sigprocmask, [DI] = SIG_BLOCK,
				[SI] = (uintptr_t)&all, [DX] = 0, [R10] = 8,
				[BX] = orders()->cmd - 1, [SP] = orders()->frame,
			} };

			for (int i = 0; i < n; i++)
				if (calls[i].nr == SYS_futex && calls[i + 1].nr != SYS_futex)
					jump(calls[i].at, &r);
		}
		/* Back: a host call has been made that is not the instruction's. */
		won("came back from rt_sigprocmask() of the host");
		spin_ms(5000);
	});
	end_child(pid, 3000);
	CHILD(spin, {
		warm();
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
		spin_ms(2000);
	});
	end_child(spin, 2500);
	kill(beside, SIGKILL);
	note("beside it somebody waited %lld ms at most", (long long)*longest / 1000000);
	if (*longest > 1500000000)
		won("nobody else ran for %lld ms", (long long)*longest / 1000000);
}
