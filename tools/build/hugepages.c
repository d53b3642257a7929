// SPDX-License-Identifier: GPL-2.0
/*
 * hugepages.so: let the compiler take its memory in huge pages.
 *
 * A run of cc1 on a file of the kernel touches 100 MB in 25,000 faults of 4 KiB
 * and is then done. Where transparent huge pages are set to "madvise", as in
 * Debian, the host gives huge pages only to those who ask; cc1 does not, and it
 * takes its memory from mmap(), out of reach of glibc.malloc.hugetlb. This
 * library, by LD_PRELOAD, asks for it: mmap() of 1 MiB or more of private
 * anonymous memory at no certain address comes back at a boundary of 2 MiB and
 * with MADV_HUGEPAGE. Everything else goes to the kernel as it is. Where the
 * host gives no huge pages nothing changes but the addresses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_PAGE	(2UL << 20)
#define LEAST		(1UL << 20)

static void *plain_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

/* Take a huge page more than was asked for, and give back what lies outside. */
static void *aligned_mmap(size_t len, int prot)
{
	char *start = plain_mmap(NULL, len + HUGE_PAGE, prot,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (start == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)start & (HUGE_PAGE - 1);
	if (before)
		munmap(start, before);
	start += before;
	munmap(start + len, HUGE_PAGE - before);
	return start;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	size_t rounded = (len + 4095) & ~4095UL;
	int was = errno;
	void *start;

	if (addr || flags != (MAP_PRIVATE | MAP_ANONYMOUS) ||
	    len < LEAST || len > SIZE_MAX / 2)
		return plain_mmap(addr, len, prot, flags, fd, off);
	start = aligned_mmap(rounded, prot);
	if (start == MAP_FAILED)
		return plain_mmap(addr, len, prot, flags, fd, off);
	madvise(start, rounded, MADV_HUGEPAGE);
	errno = was;
	return start;
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return mmap(addr, len, prot, flags, fd, off);
}
