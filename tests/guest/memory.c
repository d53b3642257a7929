// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: sharing, copying on write, stacks, other processes' memory.
 */
#include "test.h"
#include <sys/resource.h>
#include "exec.h"
#include <setjmp.h>
#include <sys/uio.h>

TEST(cow_both_directions)
{
	enum { N = 64 };
	volatile int *p = ANON(N * PAGE);
	int there[2], back[2];
	char c;

	for (int i = 0; i < N; i++)
		p[i * 1024] = i;
	OK(pipe(there));
	OK(pipe(back));
	CHILD(pid,
		for (int i = 0; i < N; i += 2)
			p[i * 1024] = 1000 + i;
		CHECK_EQ(write(back[1], "a", 1), 1);
		CHECK_EQ(read(there[0], &c, 1), 1);
		/* The parent has meanwhile written to the odd ones. */
		for (int i = 0; i < N; i++)
			CHECK_EQ(p[i * 1024], i % 2 ? i : 1000 + i));
	CHECK_EQ(read(back[0], &c, 1), 1);
	for (int i = 0; i < N; i++)
		CHECK_EQ(p[i * 1024], i);
	for (int i = 1; i < N; i += 2)
		p[i * 1024] = 2000 + i;
	CHECK_EQ(write(there[1], "b", 1), 1);
	WAIT_OK(pid);
	for (int i = 0; i < N; i++)
		CHECK_EQ(p[i * 1024], i % 2 ? 2000 + i : i);
}

/* The last owner writes in place; three generations stay apart. */
TEST(cow_generations)
{
	volatile int *p = ANON(PAGE);

	*p = 1;
	CHILD(a,
		*p = 2;
		CHILD(b,
			CHECK_EQ(*p, 2);
			*p = 3;
			CHILD(c, CHECK_EQ(*p, 3); *p = 4);
			WAIT_OK(c);
			CHECK_EQ(*p, 3));
		WAIT_OK(b);
		CHECK_EQ(*p, 2));
	WAIT_OK(a);
	CHECK_EQ(*p, 1);
	*p = 5;
	CHECK_EQ(*p, 5);
}

/* The kernel's own writes (read into a buffer) copy too. */
TEST(cow_by_system_call)
{
	char *p = ANON(PAGE);
	int fds[2];

	strcpy(p, "before");
	OK(pipe(fds));
	CHECK_EQ(write(fds[1], "after!", 7), 7);
	CHILD(pid, CHECK_EQ(read(fds[0], p, 7), 7); CHECK(!strcmp(p, "after!")));
	WAIT_OK(pid);
	CHECK(!strcmp(p, "before"));
}

static void see_both_ways(volatile int *a, volatile int *b)
{
	a[0] = 1;
	CHECK_EQ(b[0], 1);
	CHILD(pid,
		CHECK_EQ(b[0], 1);
		a[1024] = 2;
		for (int64_t end = now_ns() + 5000000000; b[0] != 3 && now_ns() < end;)
			sched_yield();
		CHECK_EQ(b[0], 3));
	for (int64_t end = now_ns() + 5000000000; b[1024] != 2 && now_ns() < end;)
		sched_yield();
	CHECK_EQ(b[1024], 2);
	a[0] = 3;
	WAIT_OK(pid);
}

/*
 * Where another process had its memory: of its space the page tables can have
 * stayed, with something in them, but nothing may show.
 */
TEST(memory_of_the_last_owner)
{
	const uintptr_t region = 0x5000000000;	/* begins a page table */
	const size_t size = 4 * PAGE;
	char *want = ANON(PAGE), *p = (char *)region;

	memset(want, 0x5a, PAGE);
	for (int i = 0; i < 8; i++) {
		CHILD(first,
			CHECK(MAP(p, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
			memset(p, 0xa5, size));
		WAIT_OK(first);
		CHILD(second,
			int fds[2];

			CHECK(MAP(p, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
			/* The kernel writes it, so the program has not touched it ... */
			OK(pipe(fds));
			CHECK_EQ(write(fds[1], want, PAGE), PAGE);
			CHECK_EQ(read(fds[0], p, PAGE), PAGE);
			/* ... when it is to become read-only. */
			CHILD(third, CHECK_EQ(memcmp(p, want, PAGE), 0));
			CHECK_EQ(memcmp(p, want, PAGE), 0);
			WAIT_OK(third);
			CHECK_EQ(p[PAGE], 0);
			p[0] = 1;
			CHECK_EQ(p[0] + p[1], 1 + 0x5a));
		WAIT_OK(second);
	}
}

TEST(shared_mappings)
{
	char path[] = "/tmp/shared-XXXXXX";
	int fd = OK(mkstemp(path));
	int memfd = OK(memfd_create("shared", 0));
	volatile int *anon = SHARED(2 * PAGE), *a, *b;
	int word;

	see_both_ways(anon, anon);
	OK(unlink(path));
	OK(ftruncate(fd, 2 * PAGE));
	OK(ftruncate(memfd, 2 * PAGE));
	for (int i = 0; i < 2; i++) {
		a = MAP(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, i ? fd : memfd, 0);
		b = MAP(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, i ? fd : memfd, 0);
		see_both_ways(a, b);
		CHECK_EQ(pread(i ? fd : memfd, &word, 4, PAGE), 4);
		CHECK_EQ(word, 2);
		word = 77;
		CHECK_EQ(pwrite(i ? fd : memfd, &word, 4, 0), 4);
		CHECK_EQ(a[0], 77);
		CHECK_EQ(b[0], 77);
		OK(msync((void *)a, PAGE, MS_SYNC));
	}
}

TEST(private_file_mapping)
{
	int fd = OK(memfd_create("private", 0));
	char *a, *b;

	CHECK_EQ(write(fd, "one", 4), 4);
	a = MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	b = MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(!strcmp(a, "one"));
	strcpy(b, "two");
	/* Until it is written to, ours is the file's page. */
	CHECK(!strcmp(a, "two"));
	a[0] = 'T';
	strcpy(b, "six");
	CHECK(!strcmp(a, "Two"));
	CHECK(!strcmp(b, "six"));
}

static int deep(int n)
{
	volatile char frame[3000];

	frame[0] = n;
	frame[2999] = n;
	return n ? deep(n - 1) + frame[0] - frame[2999] + 1 : 0;
}

TEST(stack_grows)
{
	/* 6 MB under the usual limit of 8. */
	CHECK_EQ(deep(2000), 2000);
}

static sigjmp_buf back;
static volatile uintptr_t handler_sp, fault_addr;

static void overflowed(int sig, siginfo_t *si, void *uc)
{
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	fault_addr = (uintptr_t)si->si_addr;
	siglongjmp(back, 1);
}

TEST(stack_overflow_on_alternate_stack)
{
	stack_t ss = { .ss_sp = ANON(16 * PAGE), .ss_size = 16 * PAGE };

	OK(sigaltstack(&ss, NULL));
	on_signal(SIGSEGV, overflowed, SA_ONSTACK);
	for (int i = 0; i < 3; i++) {
		handler_sp = 0;
		if (!sigsetjmp(back, 1))
			deep(1 << 30);
		CHECK_GE(handler_sp, (uintptr_t)ss.ss_sp);
		CHECK_LT(handler_sp, (uintptr_t)ss.ss_sp + ss.ss_size);
		CHECK_LT(fault_addr, (uintptr_t)&ss);
	}
	/* And without one, it is the end. */
	CHILD(pid, signal(SIGSEGV, SIG_DFL); deep(1 << 30));
	WAIT_SIGNAL(pid, SIGSEGV);
}

TEST(brk_moves)
{
	char *start = (char *)syscall(SYS_brk, 0);

	CHECK_EQ(syscall(SYS_brk, start + 10 * PAGE), start + 10 * PAGE);
	memset(start, 1, 10 * PAGE);
	CHECK_EQ(syscall(SYS_brk, start), start);
	CHECK_EQ(syscall(SYS_brk, start + 10 * PAGE), start + 10 * PAGE);
	/* What was given back comes again as zeroes. */
	for (unsigned long i = PAGE; i < 10 * PAGE; i += PAGE)
		CHECK_EQ(start[i], 0);
}

TEST(process_vm_and_proc_mem)
{
	char *p = ANON(2 * PAGE), buf[32] = "";
	char path[64];
	struct iovec local = { buf, 16 };
	struct iovec remote = { p + PAGE - 8, 16 };
	int fd;

	strcpy(p + PAGE - 8, "over the edge");
	CHILD(pid, pause_forever());
	memset(p, 'x', 2 * PAGE);
	CHECK_EQ(OK(process_vm_readv(pid, &local, 1, &remote, 1, 0)), 16);
	CHECK(!strcmp(buf, "over the edge"));
	strcpy(buf, "written by us");
	CHECK_EQ(OK(process_vm_writev(pid, &local, 1, &remote, 1, 0)), 16);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(OK(process_vm_readv(pid, &local, 1, &remote, 1, 0)), 16);
	CHECK(!strcmp(buf, "written by us"));
	CHECK_EQ(p[PAGE], 'x');
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = OK(open(path, O_RDWR));
	CHECK_EQ(pread(fd, buf, 7, (off_t)(p + PAGE - 8)), 7);
	CHECK(!strncmp(buf, "written", 7));
	OK(kill(pid, SIGKILL));
	WAIT_SIGNAL(pid, SIGKILL);
	/* /proc/self/mem writes even to what is read-only (and copies it). */
	fd = OK(open("/proc/self/mem", O_RDWR));
	OK(mprotect(p, PAGE, PROT_READ));
	CHECK_EQ(pwrite(fd, "forced", 7, (off_t)p), 7);
	CHECK(!strcmp(p, "forced"));
	OK(munmap(p, PAGE));
	FAILS(pwrite(fd, "x", 1, (off_t)p), EIO);
}

static long resident_pages(void)
{
	char buf[64];
	int fd = OK(open("/proc/self/statm", O_RDONLY));
	ssize_t n = OK(read(fd, buf, sizeof(buf) - 1));

	OK(close(fd));
	buf[n] = 0;
	return strtol(strchr(buf, ' '), NULL, 10);
}

EXECED(read_here_and_there)
{
	volatile char *p = ANON(128UL << 20);
	long before = resident_pages();

	for (int i = 0; i < 64; i++)
		CHECK_EQ(p[i * (2UL << 20) + 12345], 0);
	/* A page for each at most: the host counts even that of zeros. */
	CHECK(resident_pages() - before < 512);
	return 0;
}

/* An array that a new program reads and never fills is no memory. */
TEST(reading_takes_none)
{
	CHILD(pid, execl(SELF, "self", "exec:read_here_and_there", NULL));
	WAIT_OK(pid);
}

static long faults(void)
{
	struct rusage ru;

	OK(getrusage(RUSAGE_SELF, &ru));
	return ru.ru_minflt;
}

/*
 * A page that was written once is there for reads and writes: no trap is taken
 * only to note that it was accessed or made dirty, not even after somebody has
 * cleared these bits (as reclaim does).
 */
TEST(accessed_and_dirty_bits_are_free)
{
	enum { PAGES = 2000 };
	volatile char *p = ANON(PAGES * PAGE);
	long before;

	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	for (int round = 0; round < 3; round++) {
		before = faults();
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE + 8] = p[i * PAGE] + 1;
		CHECK_LT(faults() - before, PAGES / 100);
		/* Clears the accessed bits of all pages. */
		CHECK_EQ(spew("/proc/self/clear_refs", "1"), 0);
		OK(madvise((void *)p, PAGES * PAGE, MADV_COLD));
	}
}
