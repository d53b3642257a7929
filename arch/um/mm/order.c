// SPDX-License-Identifier: GPL-2.0
/*
 * Pages in ascending order. A run of pages that is contiguous in physmem is
 * mapped into a space with one host call, and pages that a program asks for one
 * after the other are, when the page allocator splits a block for them. But what
 * was freed it keeps for its CPU to give out last in, first out: up to 32 MiB of
 * 256, which come back one by one and in any order. These lists spare a lock, which
 * costs next to nothing where nobody else takes it; so they are left as they are
 * while the machine boots, empty, and every page goes back at once to where it
 * becomes blocks again. Setting vm.percpu_pagelist_high_fraction gives them back.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>

static int __init order_init(void)
{
	struct zone *zone;
	int cpu;

	for_each_populated_zone(zone) {
		for_each_possible_cpu(cpu) {
			struct per_cpu_pages *pages = per_cpu_ptr(zone->per_cpu_pageset, cpu);

			/* As in boot_pageset, mm/page_alloc.c. */
			pages->high = 0;
			pages->high_min = 0;
			pages->high_max = 0;
			pages->batch = 1;
		}
	}
	return 0;
}
late_initcall(order_init);
