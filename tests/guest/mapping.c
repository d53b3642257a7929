// SPDX-License-Identifier: GPL-2.0
/*
 * Changes to mappings: what was there before must be gone at once, what is
 * there now must be what is seen.
 */
#include "test.h"
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON_FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static sigjmp_buf back;
static volatile int faulted;

static void escape(int sig, siginfo_t *si, void *uc)
{
	faulted = si->si_code;
	siglongjmp(back, 1);
}

/* The si_code of a read or write, 0 when it works. */
static int probe(volatile char *p, bool write)
{
	faulted = 0;
	on_signal(SIGSEGV, escape, 0);
	on_signal(SIGBUS, escape, 0);
	if (!sigsetjmp(back, 1)) {
		char c = *p;

		if (write)
			*p = c;
	}
	return faulted;
}

#define READS(p) CHECK_EQ(probe(p, false), 0)
#define WRITES(p) CHECK_EQ(probe(p, true), 0)
#define NO_READ(p, code) CHECK_EQ(probe(p, false), code)
#define NO_WRITE(p, code) CHECK_EQ(probe(p, true), code)

/* A write that is refused, whether or not a read is. */
static void no_write_at(char *p)
{
	faulted = 0;
	on_signal(SIGSEGV, escape, 0);
	if (!sigsetjmp(back, 1))
		*(volatile char *)p = 1;
	CHECK_EQ(faulted, SEGV_ACCERR);
}

TEST(protection_round)
{
	char *p = ANON(4 * PAGE);

	memset(p, 'a', 4 * PAGE);
	for (int i = 0; i < 20; i++) {
		OK(mprotect(p, 4 * PAGE, PROT_READ));
		READS(p);
		NO_WRITE(p, SEGV_ACCERR);
		OK(mprotect(p + PAGE, PAGE, RW));
		WRITES(p + PAGE);
		NO_WRITE(p + 2 * PAGE, SEGV_ACCERR);
		OK(mprotect(p, 4 * PAGE, PROT_NONE));
		for (int j = 0; j < 4; j++)
			NO_READ(p + j * PAGE, SEGV_ACCERR);
		OK(mprotect(p, 4 * PAGE, RW));
		for (int j = 0; j < 4; j++) {
			WRITES(p + j * PAGE);
			CHECK_EQ(p[j * PAGE + 100], 'a');
		}
	}
	OK(munmap(p, PAGE));
	FAILS(mprotect(p, 2 * PAGE, PROT_READ), ENOMEM);
	FAILS(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
}

static sigjmp_buf out;
static volatile int denied;

static void stop_writing(int sig, siginfo_t *si, void *uc)
{
	denied = si->si_code;
	siglongjmp(out, 1);
}

static void *write_on(void *arg)
{
	volatile long *word = arg;

	if (!sigsetjmp(out, 1))
		for (;;)
			++*word;
	return NULL;
}

TEST(protected_under_a_writer)
{
	char *p = ANON(3 * PAGE);
	volatile long *word = (long *)(p + PAGE);

	on_signal(SIGSEGV, stop_writing, 0);
	for (int round = 0; round < 20; round++) {
		pthread_t writer;
		long last;

		/* A neighbour that was read only, or not at all. */
		p[0] = round;
		(void)*(volatile char *)(p + 2 * PAGE);
		*word = denied = 0;
		CHECK_EQ(pthread_create(&writer, NULL, write_on, (void *)word), 0);
		while (*word < 1000)
			sched_yield();
		OK(mprotect(p, 3 * PAGE, PROT_READ));
		last = *word;
		CHECK_EQ(pthread_join(writer, NULL), 0);
		CHECK_EQ(denied, SEGV_ACCERR);
		CHECK_EQ(*word, last);
		CHECK_EQ(p[0], round);
		OK(mprotect(p, 3 * PAGE, RW));
	}
}

TEST(protected_then_forked)
{
	char *p = ANON(8 * PAGE);
	int status;

	for (int i = 0; i < 8; i += 2)
		p[i * PAGE] = i + 1;
	OK(mprotect(p, 8 * PAGE, PROT_READ));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(p[i * PAGE], i % 2 ? 0 : i + 1);
	for (int round = 0; round < 3; round++) {
		pid_t pid = OK(fork());

		if (!pid) {
			NO_WRITE(p, SEGV_ACCERR);
			OK(mprotect(p, 8 * PAGE, RW));
			for (int i = 0; i < 8; i++)
				p[i * PAGE] += 100;
			_exit(0);
		}
		OK(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
		NO_WRITE(p + 2 * PAGE, SEGV_ACCERR);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(p[i * PAGE], i % 2 ? 0 : i + 1);
		/* Once, it may be written to between two forks. */
		OK(mprotect(p + 4 * PAGE, PAGE, round == 1 ? RW : PROT_READ));
		if (round == 1)
			WRITES(p + 4 * PAGE);
		OK(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
	}
}

TEST(unmap_then_touch)
{
	for (int i = 0; i < 50; i++) {
		char *p = ANON(3 * PAGE);

		memset(p, i, 3 * PAGE);
		OK(munmap(p + PAGE, PAGE));
		NO_READ(p + PAGE, SEGV_MAPERR);
		NO_WRITE(p + PAGE, SEGV_MAPERR);
		CHECK_EQ(p[0], i);
		CHECK_EQ(p[2 * PAGE], i);
		OK(munmap(p, 3 * PAGE));
		NO_READ(p, SEGV_MAPERR);
		NO_READ(p + 2 * PAGE, SEGV_MAPERR);
	}
}

TEST(fixed_replaces)
{
	char *p = ANON(3 * PAGE);
	int fd = OK(memfd_create("f", 0));

	CHECK_EQ(write(fd, "file", 5), 5);
	memset(p, 'x', 3 * PAGE);
	CHECK(MAP(p + PAGE, PAGE, RW, ANON_FIXED, -1, 0) == p + PAGE);
	CHECK_EQ(p[PAGE], 0);
	p[PAGE] = 'y';
	CHECK(MAP(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == p + PAGE);
	CHECK(!strcmp(p + PAGE, "file"));
	NO_WRITE(p + PAGE, SEGV_ACCERR);
	CHECK_EQ(p[0], 'x');
	CHECK_EQ(p[2 * PAGE], 'x');
	FAILS(mmap(p, PAGE, RW, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EEXIST);
	CHECK_EQ(p[0], 'x');
	OK(munmap(p, PAGE));
	CHECK(MAP(p, PAGE, RW, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p);
	CHECK_EQ(p[0], 0);
}

TEST(mremap)
{
	char *p = ANON(4 * PAGE), *q, *target = ANON(16 * PAGE);

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = i + 1;
	OK(munmap(p + 2 * PAGE, 2 * PAGE));
	q = (void *)OK(mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
	CHECK_EQ(q[0], 1);
	CHECK_EQ(q[PAGE], 2);
	CHECK_EQ(q[7 * PAGE], 0);
	if (q != p)
		NO_READ(p, SEGV_MAPERR);
	memset(target, 'z', 16 * PAGE);
	CHECK(mremap(q, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
	      target + PAGE);
	NO_READ(q, SEGV_MAPERR);
	NO_READ(q + 7 * PAGE, SEGV_MAPERR);
	CHECK_EQ(target[PAGE], 1);
	CHECK_EQ(target[2 * PAGE], 2);
	CHECK_EQ(target[8 * PAGE], 0);
	CHECK_EQ(target[9 * PAGE], 'z');
	CHECK_EQ(target[0], 'z');
	CHECK(mremap(target + PAGE, 8 * PAGE, PAGE, 0) == target + PAGE);
	NO_READ(target + 2 * PAGE, SEGV_MAPERR);
	FAILS(mremap(target, PAGE, 4 * PAGE, 0), ENOMEM);
	q = (void *)OK(mremap(target, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	CHECK_EQ(q[0], 'z');
	CHECK_EQ(target[0], 0);
}

/* mov $value, %eax; ret */
static void emit(char *p, int value)
{
	p[0] = 0xb8;
	memcpy(p + 1, &value, 4);
	p[5] = 0xc3;
}

static int execute(char *p)
{
	return ((int (*)(void))p)();
}

TEST(code_made_at_run_time)
{
	char *p = ANON(2 * PAGE), *w, *x;
	int fd = OK(memfd_create("code", 0));

	for (int i = 0; i < 100; i++) {
		OK(mprotect(p, 2 * PAGE, RW));
		emit(p, i);
		emit(p + PAGE, -i);
		OK(mprotect(p, 2 * PAGE, PROT_READ | PROT_EXEC));
		CHECK_EQ(execute(p), i);
		CHECK_EQ(execute(p + PAGE), -i);
	}
	OK(mprotect(p, PAGE, RW | PROT_EXEC));
	for (int i = 0; i < 100; i++) {
		emit(p, i * 3);
		CHECK_EQ(execute(p), i * 3);
	}
	/* The same memory written at one address and executed at another. */
	OK(ftruncate(fd, PAGE));
	w = MAP(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	x = MAP(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	for (int i = 0; i < 100; i++) {
		emit(w, i * 7);
		CHECK_EQ(execute(x), i * 7);
	}
	/* A child's new code is its own. */
	CHILD(pid, emit(p, 1); CHECK_EQ(execute(p), 1));
	WAIT_OK(pid);
	CHECK_EQ(execute(p), 297);
}

TEST(madvise_dontneed)
{
	int fd = OK(memfd_create("f", 0));
	char *p = ANON(8 * PAGE), *f;

	for (int i = 0; i < 20; i++) {
		memset(p, 'a', 8 * PAGE);
		OK(madvise(p + PAGE, 6 * PAGE, MADV_DONTNEED));
		for (int j = 0; j < 8; j++)
			CHECK_EQ(p[j * PAGE], j == 0 || j == 7 ? 'a' : 0);
	}
	OK(ftruncate(fd, PAGE));
	CHECK_EQ(pwrite(fd, "disk", 4, 0), 4);
	f = MAP(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	f[0] = 'r';
	OK(madvise(f, PAGE, MADV_DONTNEED));
	CHECK_EQ(f[0], 'd');
	f = MAP(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	OK(madvise(f, PAGE, MADV_REMOVE));
	CHECK_EQ(f[0], 0);
}

TEST(fork_advice)
{
	char *p = ANON(2 * PAGE);

	memset(p, 'a', 2 * PAGE);
	OK(madvise(p, PAGE, MADV_DONTFORK));
	OK(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
	CHILD(pid, CHECK_EQ(p[PAGE], 0); NO_READ(p, SEGV_MAPERR));
	WAIT_OK(pid);
	CHECK_EQ(p[0], 'a');
	CHECK_EQ(p[PAGE], 'a');
}

TEST(mincore_and_populate)
{
	unsigned char in[4];
	char *p = ANON(4 * PAGE);

	OK(madvise(p, 4 * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL ? 0 : -1);
	p[PAGE] = 1;
	OK(mincore(p, 4 * PAGE, in));
	CHECK_EQ(in[0] & 1, 0);
	CHECK_EQ(in[1] & 1, 1);
	p = MAP(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	OK(mincore(p, 4 * PAGE, in));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(in[i] & 1, 1);
	OK(munmap(p, 4 * PAGE));
	FAILS(mincore(p, PAGE, in), ENOMEM);
}

/* The zero page first, read only; then a page of one's own. */
TEST(read_then_write)
{
	volatile char *p = ANON(100 * PAGE);

	for (int i = 0; i < 100; i++)
		CHECK_EQ(p[i * PAGE], 0);
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = i;
	for (int i = 0; i < 100; i++)
		CHECK_EQ(p[i * PAGE], i);
}

/*
 * A program that goes through a file in order may be given pages before it
 * asks for them; never ones that are not there, or that changed.
 */
TEST(a_file_in_order)
{
	enum { BLOCKS = 16, PAGES = 16 * BLOCKS, LESS = PAGES - 21 };
	int fd = OK(memfd_create("order", 0));
	char buf[PAGE], *p, *anon;

	for (int i = 0; i < PAGES; i++) {
		memset(buf, i % 251, PAGE);
		CHECK_EQ(write(fd, buf, PAGE), PAGE);
	}
	p = MAP(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
	/* One's own pages, others and a hole lie in the way. */
	for (int i = 5; i < PAGES; i += 37)
		p[i * PAGE] = 'x';
	anon = p + 100 * PAGE;
	CHECK_EQ(mmap(anon, PAGE, RW, ANON_FIXED, -1, 0), anon);
	OK(mprotect(p + 120 * PAGE, PAGE, PROT_NONE));
	OK(munmap(p + 150 * PAGE, PAGE));
	OK(ftruncate(fd, LESS * PAGE));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < PAGES; i++) {
			char *at = p + i * PAGE;
			int own = i % 37 == 5 && i < LESS;

			if (i == 120)
				NO_READ(at, SEGV_ACCERR);
			else if (i == 150)
				NO_READ(at, SEGV_MAPERR);
			else if (i >= LESS)
				NO_READ(at, BUS_ADRERR);
			else if (i == 100)
				CHECK_EQ(*at, 0);
			else
				CHECK_EQ(*at & 255, own ? 'x' : i % 251);
			if (i < LESS && i != 100 && i != 120 && i != 150)
				CHECK_EQ(at[PAGE - 1] & 255, i % 251);
		}
		OK(madvise(p, 100 * PAGE, MADV_DONTNEED));
		for (int i = 5; i < 100; i += 37)
			p[i * PAGE] = 'x';
	}

	/* What is ahead is written and cut off by others in the meantime. */
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(p[i * PAGE + 1] & 255, i % 251);
		if (i == 33) {
			OK(ftruncate(fd, 60 * PAGE));
			CHECK_EQ(pwrite(fd, "new", 3, 50 * PAGE), 3);
		}
		if (i == 49)
			break;
	}
	CHECK_EQ(p[50 * PAGE], 'n');
	NO_READ(p + 60 * PAGE, BUS_ADRERR);
}

TEST(lock_and_bad_arguments)
{
	char *p = ANON(4 * PAGE);

	OK(mlock(p, 4 * PAGE));
	OK(munlock(p, 4 * PAGE));
	FAILS(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	FAILS(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	FAILS(mmap((void *)1, PAGE, RW, ANON_FIXED, -1, 0), EINVAL);
	FAILS(mmap(NULL, 1UL << 47, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	FAILS(munmap(p + 1, PAGE), EINVAL);
}

/* Linux's answer without the option; another kernel, the host, may have it. */
TEST(userfaultfd_is_absent)
{
	int fd;

	if (in_guest()) {
		FAILS(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), ENOSYS);
		return;
	}
	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	CHECK(fd >= 0 || errno == ENOSYS || errno == EPERM || errno == EINVAL);
}

static const char fortytwo[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* mov $42,%eax; ret */

static void runs_only(char *p, bool read_first)
{
	int (*call)(void) = (void *)p;
	int before = 0;

	OK(mprotect(p, 2 * PAGE, PROT_EXEC));
	if (read_first) {
		before = probe(p, false);
		CHECK(!before || before == SEGV_ACCERR || before == SEGV_PKUERR);
	}
	CHECK_EQ(call(), 42);
	no_write_at(p);
	if (read_first)
		CHECK_EQ(probe(p, false), before);
	CHECK_EQ(call(), 42);
	/* A page that was never there is no way round. */
	no_write_at(p + PAGE);
	OK(mprotect(p, PAGE, PROT_READ));
	READS(p);
	faulted = 0;
	on_signal(SIGSEGV, escape, 0);
	if (!sigsetjmp(back, 1))
		call();
	CHECK_EQ(faulted, SEGV_ACCERR);
	OK(mprotect(p, PAGE, PROT_EXEC));
	CHECK_EQ(call(), 42);
}

/*
 * Memory that may only be executed: it runs, a write is refused, a read is
 * refused (a CPU with protection keys) or works, but is no other after it ran.
 * A child has it once more, in a space where nothing is yet.
 */
TEST(execute_only)
{
	for (int read_first = 0; read_first < 2; read_first++) {
		char *p = ANON(2 * PAGE);

		memcpy(p, fortytwo, sizeof(fortytwo));
		CHILD(pid, runs_only(p, read_first));
		WAIT_OK(pid);
		runs_only(p, read_first);
		OK(munmap(p, 2 * PAGE));
	}
}
