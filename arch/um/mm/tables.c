// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables of the host that stay when a space is emptied. To give back the
 * last page of a page table and to make it anew for the next program costs the
 * host more than the page itself, most of all where the host is a virtual
 * machine; and a program that forks again and again uses the same ones.
 *
 * So in each region of a page table that the program touched (the first few),
 * one page is mapped without access, and the rest is taken away around it. That
 * page is the zero page, should anybody ever get at it. Until something else is
 * mapped there it is no hole to mprotect(2), so write access is not taken away
 * there: the page is.
 *
 * Where the host's faults are cheap (host/faults.c) its page tables are, too, and
 * none is kept: the few orders that keep them cost more.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/space.h>

unsigned int tables_max = SPACE_TABLES;

static int __init no_keep_tables(char *value)
{
	tables_max = 0;
	return 1;
}
__setup("nokeeptables", no_keep_tables);

static int __init tables_init(void)
{
	if (!host_faults_dear)
		tables_max = 0;
	return 0;
}
early_initcall(tables_init);

/**
 * tables_touched() - something is to be mapped
 * @addr: where it begins
 */
void tables_touched(struct space *space, unsigned long addr)
{
	struct space_tables *t = &space->touched;
	unsigned int i;

	space->emptied = false;
	addr &= PMD_MASK;
	for (i = 0; i < t->nr; i++)
		if (t->at[i] == addr)
			return;
	if (t->nr >= tables_max)
		return;
	for (i = t->nr++; i && t->at[i - 1] > addr; i--)
		t->at[i] = t->at[i - 1];
	t->at[i] = addr;
}

/**
 * tables_held() - is there a page without access in a range, or can there be
 */
bool tables_held(const struct space *space, unsigned long addr, unsigned long len)
{
	const struct space_tables *t = &space->held;

	for (unsigned int i = 0; i < t->nr; i++)
		if (t->at[i] - addr < len)
			return true;
	return false;
}

static void unset(struct space *space, unsigned long from, unsigned long to)
{
	struct map_op op = { .kind = MAP_UNSET, .addr = from, .len = to - from };

	if (from < to)
		ops_add(space, &op);
}

/**
 * tables_empty() - order all of a space to be taken away but its page tables
 *
 * What was ordered before is of no use any more. Nothing is done for a space
 * that has been emptied since something was mapped.
 */
void tables_empty(struct space *space)
{
	struct space_tables *t = &space->touched;
	unsigned long from = 0;

	BUILD_BUG_ON(2 * SPACE_TABLES + 1 > SPACE_OPS);
	if (space->emptied)
		return;
	space->nr_ops = 0;
	for (unsigned int i = 0; i < t->nr; i++) {
		struct map_op op = {
			.kind = MAP_SET, .addr = t->at[i], .len = PAGE_SIZE,
			.phys = __pa(empty_zero_page),
		};

		ops_add(space, &op);
	}
	for (unsigned int i = 0; i < t->nr; i++) {
		unset(space, from, t->at[i]);
		from = t->at[i] + PAGE_SIZE;
	}
	unset(space, from, TASK_SIZE);
	space->held = *t;
	t->nr = 0;
	space->emptied = true;
}
