// SPDX-License-Identifier: GPL-2.0
/*
 * The key of the orders. It is handed out while guest code may still run, which
 * has forged the answer to the command before; so guest code chooses when it is
 * fetched, and in what state.
 */
#include "attack.h"

static struct timespec nap = { 0, 30000000 };

/* Anything in the area that is not small, no address and no text: a key? */
static bool looks_like_a_key(uint64_t v)
{
	return v >> 56 && v >> 56 != 0xff && (v & 0xff00ff00ff00ff) &&
	       __builtin_popcountll(v) > 12;
}

/*
 * Leaves one key unfetched, so that the next one adds to it. Their sum is no
 * key; the call that uses it is trapped; the frame of that signal holds it.
 */
static void twice(uint64_t *found)
{
	struct regs r = { .r = { [SP] = orders()->frame - 4096 } };
	volatile char *p = ANON(2 * PAGE);
	volatile int back = 0;
	gregset_t here = {};

	save(here);
	if (back++ == 0) {
		memset((void *)(AREA + 1024), 0, AREA_SIZE - 1024);
		area()->key = 0;
		post_fault((uintptr_t)p, true);
		post_fault((uintptr_t)p + PAGE, true);
		/* That the kernel has read the answer can be seen. */
		post_and_return = true;
		resume_at = here;
		post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
		while (orders()->vcpu_sleeps)
			;
		spin_ms(5);
		jump(stub_ops(), &r);
	}
	/* The frame of the signal: r13 and r14 as the stub had them. */
	for (uint64_t *q = (void *)(AREA + 32); q < (uint64_t *)(AREA + AREA_SIZE); q++) {
		uint64_t lo = q[1], hi = q[0];

		if (q == (void *)(AREA + 32) && looks_like_a_key(*q))
			found[0] = *q;
		if (lo && hi && !(lo & 0xffffffff) && !(hi & 0xffffffff) && looks_like_a_key(lo >> 32 | hi))
			found[1] = lo >> 32 | hi;
	}
}

ATTACK(key_twice, 30, "noexit")
{
	uint64_t *found = SHARED(PAGE);

	for (int i = 0; i < 8; i++) {
		CHILD(pid, warm(); twice(found));
		end_child(pid, 600);
		if (found[0] || found[1]) {
			won("twice the key: %#llx %#llx", (unsigned long long)found[0],
			    (unsigned long long)found[1]);
			return;
		}
	}
}

/*
 * Has the orders of one command under way when the kernel writes the next ones:
 * the stub's answer must not count for those. A race that takes a second CPU.
 */
static void late(volatile uint64_t *kept, int delay)
{
	struct regs r = { .r = { [SP] = AREA + 2048 } };
	volatile uint64_t *p = ANON(17 * PAGE);
	volatile int faults = 0, calls = 0;
	gregset_t here = {};

	save(here);
	if (calls++ == 0) {
		post_fault((uintptr_t)p, true);
		/* The stub was early, and guest code was let go on. */
		if (faults++)
			_exit(1);
		post_and_return = true;
		resume_at = here;
		post_call(SYS_munmap, (long)p, PAGE, 0, 0, 0, 0);
		while (orders()->vcpu_sleeps)
			;
		for (volatile int i = 0; i < delay; i++)
			;
		jump(stub_ops(), &r);
	}
	/* The kernel has unmapped it: is it still there? */
	*p;
	*kept += 1;
}

ATTACK(late_orders, 15, NULL)
{
	volatile uint64_t *kept = SHARED(PAGE);
	int64_t end = now_ns() + 6000000000LL;

	for (int i = 0; now_ns() < end && !*kept; i++) {
		CHILD(pid, warm(); late(kept, i % 64 * 200));
		end_child(pid, 300);
	}
	if (*kept)
		won("a page that was unmapped can be read");
}
