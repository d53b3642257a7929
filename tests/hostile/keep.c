// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that were taken away: the attacker says that it gives one up, does not,
 * and goes on reading it while another process gets it.
 */
#include "attack.h"
#include <x86intrin.h>

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

/* Reads from @p on until there is the victim's pattern. */
static void look_for_pattern(volatile uint64_t *p)
{
	uint64_t end = __rdtsc() + 3000 * ticks_per_ms;

	while (__rdtsc() < end)
		for (int i = 0; i < 64; i++)
			if (p[i * PAGE / 8 + 1] == PATTERN) {
				won("another process's memory can be read");
				return;
			}
}

/* Made smaller. */
ATTACK(mremap, 8, "nosettle")
{
	volatile uint64_t *p = ANON(128 * PAGE);
	volatile int *go = SHARED(PAGE);

	CHILD(pid, victim(go));
	(void)pid;
	for (int i = 0; i < 128; i++)
		p[i * PAGE / 8] = 1;
	warm();
	*go = 1;
	post_call(SYS_mremap, (long)p, 128 * PAGE, 64 * PAGE, 0, 0, 0);
	next_command(area()->trap, 1000);
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	look_for_pattern(p + 64 * PAGE / 8);
}

/* The file that it maps becomes shorter, by another process's doing. */
ATTACK(truncate, 8, NULL)
{
	int fd = OK(memfd_create("shared", 0));
	volatile uint64_t *p;
	volatile int *go = SHARED(PAGE);

	OK(ftruncate(fd, 64 * PAGE));
	p = MAP(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHILD(pid, {
		while (!*go)
			sleep_ms(1);
		OK(ftruncate(fd, 0));
		victim(go);
	});
	(void)pid;
	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	warm();
	*go = 1;
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	look_for_pattern(p);
}

/* Another program is executed, and the runner of this one goes on. */
ATTACK(exec, 8, NULL)
{
	static char *argv[] = { "/bin/sleep", "4", NULL };
	volatile uint64_t *p = ANON(64 * PAGE);
	volatile int *go = SHARED(PAGE);

	CHILD(pid, victim(go));
	(void)pid;
	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	warm();
	*go = 1;
	post_call(SYS_execve, (long)argv[0], (long)argv, 0, 0, 0, 0);
	look_for_pattern(p);
}

/* A page that is shared with a child since the fork: the runner writes to it on. */
ATTACK(write_after_fork, 8, NULL)
{
	volatile uint64_t *p = ANON(64 * PAGE);
	pid_t me = getpid();
	volatile int back = 0;
	gregset_t here = {};
	uint64_t was[64];

	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	warm();
	save(here);
	if (back++ == 0) {
		uint64_t end = __rdtsc() + 3000 * ticks_per_ms;

		resume_at = here;
		post_call(SYS_fork, 0, 0, 0, 0, 0, 0);
		next_command(area()->trap, 1000);
		post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
		while (__rdtsc() < end)
			for (int i = 0; i < 64; i++)
				p[i * PAGE / 8]++;
		return;
	}
	/* In the child: what it has, whatever that is since the fork, is its own. */
	if (syscall(SYS_getpid) == me)
		return;
	for (int i = 0; i < 64; i++)
		was[i] = p[i * PAGE / 8];
	for (int64_t end = now_ns() + 2000000000LL; now_ns() < end;)
		for (int i = 0; i < 64; i++)
			if (p[i * PAGE / 8] != was[i]) {
				won("the parent writes to the child's memory, page %d: %lu, %lu", i,
				    was[i], p[i * PAGE / 8]);
				_exit(0);
			}
}

/*
 * A page that is shared with a child since the fork, and replaced by one of its own:
 * the runner reads the old one on, which is the child's alone by then.
 */
ATTACK(read_after_copy, 8, "nosettle")
{
	volatile uint64_t *p = ANON(64 * PAGE);
	volatile int *go = SHARED(PAGE);
	uint64_t end;

	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	CHILD(pid, {
		while (!*go)
			sleep_ms(1);
		sleep_ms(300);
		for (int i = 0; i < 64; i++)
			p[i * PAGE / 8 + 1] = PATTERN;
		sleep_ms(2000);
	});
	(void)pid;
	/* There, to be read. */
	for (int i = 0; i < 64; i++)
		(void)p[i * PAGE / 8];
	warm();
	*go = 1;
	post_fault((uintptr_t)p, true);
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	end = __rdtsc() + 3000 * ticks_per_ms;
	while (__rdtsc() < end)
		if (p[1] == PATTERN) {
			won("what the child has written can be read");
			return;
		}
}

/* No longer to be written to, as everybody can see; the runner writes on. */
ATTACK(mprotect, 8, "nosettle")
{
	volatile uint64_t *p = SHARED(64 * PAGE);
	volatile int *state = SHARED(PAGE);
	uint64_t end;

	CHILD(pid, {
		char maps[8192];
		char line[64];

		snprintf(line, sizeof(line), "%lx-%lx r--s", (unsigned long)p,
			 (unsigned long)p + 64 * PAGE);
		snprintf(maps, sizeof(maps), "/proc/%d/maps", getppid());
		for (int ms = 0; ms < 3000; ms++) {
			char text[8192];

			if (slurp(maps, text, sizeof(text)) > 0 && strstr(text, line)) {
				uint64_t was = p[0];

				sleep_ms(300);
				if (p[0] != was)
					won("a page that is read-only has changed");
				break;
			}
			sleep_ms(1);
		}
		*state = 2;
	});
	(void)pid;
	for (int i = 0; i < 64; i++)
		p[i * PAGE / 8] = 1;
	warm();
	*state = 1;
	post_call(SYS_mprotect, (long)p, 64 * PAGE, PROT_READ, 0, 0, 0);
	next_command(area()->trap, 1000);
	post_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
	end = __rdtsc() + 3500 * ticks_per_ms;
	while (__rdtsc() < end && *state != 2)
		p[0]++;
}
