// SPDX-License-Identifier: GPL-2.0
/*
 * The area overwritten at random: in one's own time, and by a second thread
 * while the first one makes system calls and faults. And the fuzzer, which does
 * all of it together with jumps into the stub.
 */
#include "attack.h"
#include <pthread.h>

static void scribble(int writes)
{
	for (int i = 0; i < writes; i++) {
		size_t at = rnd() % 4 ? rnd() % 512 : rnd() % AREA_SIZE;
		uint64_t value = rnd() >> rnd() % 64;

		switch (rnd() % 4) {
		case 0:
			*(volatile uint64_t *)(AREA + (at & ~7UL)) = value;
			break;
		case 1:
			*(volatile uint32_t *)(AREA + (at & ~3UL)) = orders()->cmd + rnd() % 3 - 1;
			break;
		case 2:
			*(volatile uint32_t *)(AREA + (at & ~3UL)) = rnd() % 0x120;
			break;
		default:
			*(volatile uint8_t *)(AREA + at) = value;
		}
	}
}

static void use_kernel(void)
{
	char *p;

	switch (rnd() % 5) {
	case 0:
		getppid();
		break;
	case 1:
		p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			break;
		p[rnd() % (8 * PAGE)] = 1;
		munmap(p, 8 * PAGE);
		break;
	case 2:
		sched_yield();
		break;
	case 3:
		usleep(10);
		break;
	default:
		spin_ms(1);
	}
}

ATTACK(random_writes, 15, NULL)
{
	for (int i = 0; i < 60; i++) {
		CHILD(pid, {
			rnd_state += i * 104729;
			for (int k = 0; k < 300; k++) {
				scribble(1 + rnd() % 8);
				use_kernel();
			}
		});
		end_child(pid, 150);
	}
}

static void *scribbler(void *arg)
{
	for (;;)
		scribble(50);
	return arg;
}

ATTACK(second_thread, 15, NULL)
{
	for (int i = 0; i < 30; i++) {
		CHILD(pid, {
			pthread_t t;

			rnd_state += i * 15485863;
			if (pthread_create(&t, NULL, scribbler, NULL))
				_exit(0);
			for (int k = 0; k < 300; k++)
				use_kernel();
		});
		end_child(pid, 200);
	}
}

static void fuzz_once(void)
{
	struct regs r;
	int n = rnd() % 4;

	warm();
	for (int i = 0; i < n; i++) {
		scribble(rnd() % 20);
		use_kernel();
	}
	if (rnd() % 4 == 0) {
		post_fault((uintptr_t)ANON(PAGE), rnd() % 2);
		scribble(rnd() % 4);
	}
	if (rnd() % 4 == 0)
		post_call(rnd() % 2 ? SYS_sched_yield : SYS_munmap, 0x10000000 + rnd() % 64 * PAGE,
			  PAGE, 0, 0, 0, 0);
	for (int i = 0; i < 16; i++)
		switch (rnd() % 4) {
		case 0:
			r.r[i] = rnd();
			break;
		case 1:
			r.r[i] = rnd() % 256;
			break;
		case 2:
			r.r[i] = STUB + rnd() % (2 * PAGE + AREA_SIZE);
			break;
		default:
			r.r[i] = AREA + rnd() % AREA_SIZE;
		}
	r.flags = 0x202 | (rnd() % 8 ? 0 : rnd() & 0x244dd5);
	if (rnd() % 2)
		r.r[AX] = orders()->calls[rnd() % 4].nr;
	jump(rnd() % 3 ? STUB + rnd() % stub_size() : stub_ops() + rnd() % 64, &r);
}

/* LONG=1 among the kernel's arguments is in init's environment. */
ATTACK(fuzz, getenv("LONG") ? 600 : 20, NULL)
{
	int seconds = getenv("LONG") ? 590 : 19, n = 0;
	int64_t end = now_ns() + seconds * 1000000000LL;
	uint64_t seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)now_ns();

	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 0);
	note("SEED=%#llx", (unsigned long long)seed);
	while (now_ns() < end) {
		/* Some at once: the pool of spaces is used anew. */
		pid_t pids[3];

		for (int i = 0; i < 3; i++) {
			pids[i] = OK(fork());
			if (!pids[i]) {
				rnd_state = (seed + n + i) * 0x9e3779b97f4a7c15 | 1;
				rnd();
				fuzz_once();
			}
		}
		for (int i = 0; i < 3; i++)
			end_child(pids[i], 6);
		n += 3;
		if (n % 300 == 0)
			check_alive();
	}
	note("%d children", n);
}
