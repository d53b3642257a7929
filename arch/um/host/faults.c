// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's page faults cost, measured once at boot.
 *
 * Hosts differ by ten times, and the better way to do things with them. Where
 * page tables are hardware's, a fault costs less than to populate the sixteen
 * pages that the host maps around it, and to take a page away is no trouble for
 * another CPU. On a host that is a virtual machine without such hardware, a
 * fault is dear, as is the first page in a page table; populating is not; and
 * each page that is taken away interrupts all CPUs that are not idle.
 */
#include <linux/compiler.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include "syscall.h"

#define AROUND	SZ_64K	/* the host maps so much with one fault, if it is resident */
#define TRIES	8

bool host_faults_dear = true;

static void *map(int fd, u64 offset, int flags)
{
	return (void *)host_call(__NR_mmap, NULL, AROUND, PROT_READ, MAP_SHARED | flags, fd,
				 offset);
}

/* The least time of a few, in ns; 0 when the host refuses. */
static u64 cost(int fd, u64 offset, int flags, bool touch)
{
	u64 least = 0;

	for (int i = 0; i < TRIES; i++) {
		u64 before = host_monotonic_ns(), took;
		void *p = map(fd, offset + i * AROUND, flags);

		if (IS_ERR(p))
			return 0;
		if (touch)
			READ_ONCE(*(u8 *)p);
		took = host_monotonic_ns() - before;
		host_unmap(p, AROUND);
		if (!least || took < least)
			least = took;
	}
	return least;
}

/**
 * host_measure_faults() - set host_faults_dear
 * @fd: physmem
 * @offset: bytes; from there on 512 KiB are resident, page aligned
 *
 * Takes some 0.1 ms where faults are cheap, 0.4 ms where they are dear.
 */
void host_measure_faults(int fd, u64 offset)
{
	u64 touched = cost(fd, offset, 0, true);
	u64 populated = cost(fd, offset, MAP_POPULATE, false);

	host_faults_dear = !touched || touched > populated + populated / 4;
}
