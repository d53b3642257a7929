// SPDX-License-Identifier: GPL-2.0
/*
 * Forks, again and again: what parent and child touch after one is brought in
 * early at the next, and must be theirs all the same.
 */
#include "test.h"
#include <stdio.h>
#include <pthread.h>

enum { ROUNDS = 150, PAGES = 40 };	/* some forks more than habits last */

/* A page of the program's own data, a private mapping of its file. */
static int data[3 * 1024] __attribute__((aligned(4096))) = { 1, 2, 3 };

static uint32_t seed = 1;

static uint32_t rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* Pages here and there, some next to each other, and the program's data. */
static int *word_of(int *anon, int i)
{
	return i < PAGES - 2 ? &anon[(i * 3 - i % 2) * 1024] : &data[(i - PAGES + 3) * 1024];
}

static void each_has_its_own(int rounds, int *anon)
{
	int want[PAGES], i;

	for (i = 0; i < PAGES; i++)
		*word_of(anon, i) = want[i] = i;
	for (int round = 0; round < rounds; round++) {
		/* Mostly the same pages, as in a shell, but not always. */
		uint32_t child = 0x55555 ^ (rnd() % 4 ? 0 : rnd());
		uint32_t parent = 0x33333 ^ (rnd() % 4 ? 0 : rnd());
		int gate[2];
		pid_t pid;
		char c;

		OK(pipe(gate));
		pid = OK(fork());
		if (!pid) {
			OK(close(gate[1]));
			for (i = 0; i < PAGES; i++)
				if (child >> i % 20 & 1)
					*word_of(anon, i) += 100000;
			/* Until the parent has written. */
			CHECK_EQ(read(gate[0], &c, 1), 0);
			for (i = 0; i < PAGES; i++)
				CHECK_EQ(*word_of(anon, i),
					 want[i] + (child >> i % 20 & 1 ? 100000 : 0));
			_exit(0);
		}
		for (i = 0; i < PAGES; i++)
			if (parent >> i % 20 & 1)
				*word_of(anon, i) = want[i] = rnd() % 100000;
		OK(close(gate[1]));
		OK(close(gate[0]));
		WAIT_OK(pid);
		for (i = 0; i < PAGES; i++)
			CHECK_EQ(*word_of(anon, i), want[i]);
	}
}

TEST(each_has_its_own)
{
	each_has_its_own(ROUNDS, ANON(PAGES * 3 * PAGE));
}

/* Of a program with much memory, the pages stay in the space to be read. */
TEST(each_has_its_own_of_much)
{
	const int much = 2000;
	volatile char *fill = ANON(much * PAGE);

	for (int i = 0; i < much; i++)
		fill[i * PAGE] = i;
	each_has_its_own(ROUNDS / 3, ANON(PAGES * 3 * PAGE));
	for (int i = 0; i < much; i++)
		CHECK_EQ(fill[i * PAGE], (char)i);
}

/* Habits know addresses; what is there may be something else by now. */
TEST(what_was_there_is_gone)
{
	char *p = ANON(8 * PAGE), path[] = "/tmp/gone-XXXXXX";
	int fd = OK(mkstemp(path));
	struct stat before, after;

	OK(ftruncate(fd, PAGE));
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < 3; i++) {
			for (int k = 0; k < 8; k++)
				p[k * PAGE] = k;
			CHILD(pid, memset(p, 1, 8 * PAGE));
			WAIT_OK(pid);
		}
	/* Of a file, shared; read only; without access; nothing at all. */
	CHECK(MAP(p, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	OK(mprotect(p + 3 * PAGE, PAGE, PROT_NONE));
	OK(munmap(p + 4 * PAGE, PAGE));
	OK(fstat(fd, &before));
	sleep_ms(30);
	CHILD(same,
		CHECK_EQ(p[0], 0);
		CHECK_EQ(p[2 * PAGE], 2);
		CHECK_EQ(p[7 * PAGE], 7));
	WAIT_OK(same);
	OK(fstat(fd, &after));
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	for (int k = 1; k < 5; k++) {
		int want = k == 1 ? SIGBUS : SIGSEGV, status;
		pid_t pid = OK(fork());

		if (!pid) {
			p[k * PAGE] = 1;
			_exit(0);
		}
		status = wait_status(pid, 10);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), want);
	}
	CHECK_EQ(p[2 * PAGE], 2);
	OK(unlink(path));
}

static volatile int stop;

static void *write_on(void *p)
{
	volatile long *word = p;

	while (!stop)
		for (int k = 0; k < 4; k++)
			word[k * 512]++;
	return NULL;
}

/* A thread that writes while another forks changes nothing for the child. */
TEST(nothing_moves_for_the_child)
{
	volatile long *word = ANON(4 * PAGE);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, write_on, (void *)word), 0);
	for (int round = 0; round < 60; round++) {
		CHILD(pid,
			long seen[4];

			for (int k = 0; k < 4; k++)
				seen[k] = word[k * 512];
			sleep_ms(2);
			for (int k = 0; k < 4; k++)
				CHECK_EQ(word[k * 512], seen[k]));
		WAIT_OK(pid);
	}
	stop = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* kB of huge pages in the mapping at @addr, as /proc/self/smaps has it. */
static long huge_kb(void *addr)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool inside = false;
	char line[512];
	long kb = -1;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)addr && (uintptr_t)addr < to;
		if (inside && sscanf(line, "AnonHugePages: %ld kB", &kb) == 1)
			break;
	}
	fclose(f);
	return kb;
}

/*
 * What is brought in before a child's first instruction, as the last child had
 * written there, leaves a huge page whole that it shares.
 */
TEST(huge_page_is_shared_whole)
{
	size_t size = 2 << 20;
	char *all = ANON(2 * size);
	char *p = (char *)(((uintptr_t)all + size - 1) & ~(size - 1));

	OK(madvise(p, size, MADV_HUGEPAGE));
	p[0] = 1;
	if (huge_kb(p) < 2048)
		test_skip("there are no huge pages");
	for (int i = 0; i < 4; i++) {
		CHILD(pid,
			CHECK_EQ(huge_kb(p), 2048);
			p[i * PAGE] = 2;
			CHECK_EQ(p[i * PAGE], 2));
		WAIT_OK(pid);
	}
}
