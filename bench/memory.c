// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - rows: system calls, page faults and mappings.
 *
 * The first rows are system calls of growing weight; clock_gettime, gettimeofday
 * and getcpu go through the C library, thus through a vDSO where there is one.  The touch
 * rows write (or, for a file, read) one byte of every page of a fresh mapping;
 * the mapping calls themselves are not timed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ubench.h"

#define TOUCH_PAGES	4096L	/* 16 MiB: fits a guest of 64 MiB */

static double run_getppid(long n)
{
	double start = now();

	while (n--)
		getppid();
	return now() - start;
}

/* Through the C library's function for calls that have none of their own. */
static double run_syscall(long n)
{
	double start = now();

	while (n--)
		syscall(SYS_getppid);
	return now() - start;
}

static double run_read_byte(long n)
{
	int fd = open("/dev/null", O_RDONLY);
	double start, end;
	char c;

	if (fd < 0)
		die("open /dev/null");
	start = now();
	while (n--)
		if (read(fd, &c, 1))
			die("read of /dev/null");
	end = now();
	close(fd);
	return end - start;
}

static double run_clock_gettime(long n)
{
	struct timespec ts;
	double start = now();

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	return now() - start;
}

static double run_gettimeofday(long n)
{
	struct timeval tv;
	double start = now();

	while (n--)
		gettimeofday(&tv, NULL);
	return now() - start;
}

/* Not sched_getcpu(), which reads what the kernel left for rseq. */
static double run_getcpu(long n)
{
	unsigned int cpu, node;
	double start = now();

	while (n--)
		getcpu(&cpu, &node);
	return now() - start;
}

static double run_stat(long n)
{
	struct stat st;
	double start;

	start = now();
	while (n--)
		if (stat(work_dir, &st))
			die("stat");
	return now() - start;
}

/* Touch n pages, at most TOUCH_PAGES a mapping. */
static double touch(long n, int fd, int advice)
{
	double ns = 0;

	while (n > 0) {
		long pages = n < TOUCH_PAGES ? n : TOUCH_PAGES;
		int prot = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
		int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
		volatile char *p;
		double start;
		long i;

		p = mmap(NULL, pages * PAGE, prot, flags, fd, 0);
		if (p == MAP_FAILED)
			die("mmap");
		/* A kernel without huge pages refuses the advice: as good. */
		if (advice)
			madvise((void *)p, pages * PAGE, advice);
		start = now();
		if (fd < 0)
			for (i = 0; i < pages; i++)
				p[i * PAGE] = 1;
		else
			for (i = 0; i < pages; i++)
				(void)p[i * PAGE];
		ns += now() - start;
		munmap((void *)p, pages * PAGE);
		n -= pages;
	}
	return ns;
}

static double run_touch_4k(long n)
{
	return touch(n, -1, MADV_NOHUGEPAGE);
}

static double run_touch(long n)
{
	return touch(n, -1, 0);
}

static double run_touch_file(long n)
{
	static int fd = -1;

	if (fd < 0)
		fd = make_file("touch", TOUCH_PAGES * PAGE);
	return touch(n, fd, 0);
}

static double run_mmap(long n)
{
	double start = now();

	while (n--) {
		void *p = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || munmap(p, 64 << 10))
			die("mmap and munmap");
	}
	return now() - start;
}

const struct row memory_rows[] = {
	{ "getppid", "ns", 1, 0, 100, 0, run_getppid },
	{ "syscall", "ns", 1, 0, 100, 0, run_syscall },
	{ "read_byte", "ns", 1, 0, 100, 0, run_read_byte },
	{ "clock_gettime", "ns", 1, 0, 100, 0, run_clock_gettime },
	{ "gettimeofday", "ns", 1, 0, 100, 0, run_gettimeofday },
	{ "getcpu", "ns", 1, 0, 100, 0, run_getcpu },
	{ "stat", "ns", 1, 0, 100, 0, run_stat },
	{ "touch_anon_4k", "ns", 1, 0, TOUCH_PAGES / 4, TOUCH_PAGES * 4, run_touch_4k },
	{ "touch_anon", "ns", 1, 0, TOUCH_PAGES, TOUCH_PAGES * 4, run_touch },
	{ "touch_file", "ns", 1, 0, TOUCH_PAGES, TOUCH_PAGES * 4, run_touch_file },
	{ "mmap_munmap", "ns", 1, 0, 100, 0, run_mmap },
	{ }
};
