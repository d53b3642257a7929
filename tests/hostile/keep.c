// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that were taken away: the attacker says that it gives one up, does not,
 * and goes on reading it while another process gets it.
 */
#include "attack.h"

#define PATTERN 0x7369687420736920ULL

static struct timespec nap = { 3, 0 };

/* Fills fresh pages with the pattern, for two seconds. */
static void victim(volatile int *go)
{
	int64_t end;

	while (!*go)
		sleep_ms(1);
	end = now_ns() + 2000000000LL;
	while (now_ns() < end) {
		uint64_t *p = ANON(128 * PAGE);

		for (size_t i = 0; i < 128 * PAGE / 8; i++)
			p[i] = PATTERN - 1 + (p[i] == 0);
		munmap(p, 128 * PAGE);
	}
}

static void keep(long nr, long advice)
{
	volatile uint64_t *p = ANON(64 * PAGE);
	volatile int *go = SHARED(PAGE);
	uint32_t cmd;

	CHILD(pid, victim(go));
	(void)pid;
	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	/* What the fork has made read-only. */
	warm();
	*go = 1;
	post_call(nr, (long)p, 64 * PAGE, advice, 0, 0, 0);
	cmd = area()->trap;
	next_command(cmd, 1000);
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	for (;;)
		for (int i = 0; i < 64; i++)
			if (p[i * PAGE / 8 + 1] == PATTERN) {
				won("another process's memory can be read");
				return;
			}
}

ATTACK(munmap, 6, "nosettle")
{
	keep(SYS_munmap, 0);
}

ATTACK(dontneed, 6, "nosettle")
{
	keep(SYS_madvise, MADV_DONTNEED);
}

