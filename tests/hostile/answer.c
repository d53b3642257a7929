// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that are none: a runner that says it waits in the stub and runs on,
 * one that does not answer, one that lies about its signals.
 */
#include "attack.h"

static struct timespec nap = { 8, 0 };

/* Sleeps, as the guest's scheduler sees it, and computes. */
ATTACK(sleep_and_run, 10, "nowatch")
{
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	spin_ms(4000);
	won("still runs 4 s after it went to sleep");
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

/* To block host signals takes a host call. */
ATTACK(block_signals, 5, "noargs")
{
	static uint64_t all = ~0ULL;
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);
	volatile int back = 0;

	/* The guest's own mask: no business of the host's. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
	if (TRAP_HERE(back) == 0) {
		struct regs r = { .r = {
			[AX] = SYS_rt_sigprocmask, [DI] = SIG_BLOCK, [SI] = (uintptr_t)&all,
			[DX] = 0, [R10] = 8, [BX] = orders()->cmd - 1, [SP] = AREA + 2048,
		} };

		for (int i = 0; i < n; i++)
			if (calls[i].nr == SYS_futex && calls[i + 1].nr != SYS_futex)
				jump(calls[i].at, &r);
	}
	/* Back: a host call has been made that is not the instruction's. */
	won("came back from rt_sigprocmask() of the host");
	spin_ms(100);
}
