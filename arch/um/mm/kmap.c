// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc and module mappings. The kernel process's host mappings follow
 * init_mm's page tables: they are made when the tables change, not by a fault
 * later, and taken away when Linux flushes.
 *
 * It flushes ranges that are far wider than what has gone, thousands of times in
 * a row when BPF programs are freed. So what the host has mapped is noted, a bit
 * a page, and looked at first: a host call for each gap between mappings that
 * live on would make each flush as dear as there are mappings.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/find.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/tlbflush.h>

#define PAGES(start, end)	(((end) - (start)) >> PAGE_SHIFT)

/**
 * struct area - where Linux maps for itself
 * @start, @end: addresses
 * @there:	pages that the host has mapped; not in the guest's memory, of which
 *		16 MiB would be gone, but in the host's, which costs what is used
 * @used:	none beyond so many was ever mapped
 */
static struct area {
	unsigned long start, end;
	unsigned long *there;
	unsigned long used;
} areas[] = {
	{ MODULES_VADDR, MODULES_END },
	{ VMALLOC_START, VMALLOC_END },
};

static void note(unsigned long addr, unsigned long n)
{
	for (int i = 0; i < ARRAY_SIZE(areas); i++) {
		struct area *a = &areas[i];
		unsigned long page = PAGES(a->start, addr);

		if (addr < a->start || addr >= a->end)
			continue;
		if (!a->there)
			a->there = host_map_private(PAGES(a->start, a->end) / BITS_PER_BYTE);
		if (IS_ERR(a->there))
			panic("the host refuses memory (RLIMIT_AS?)");
		bitmap_set(a->there, page, n);
		a->used = max(a->used, page + n);
	}
}

/* The entry of a kernel address, or NULL and where the next could be. */
static pte_t *lookup(unsigned long addr, unsigned long *next)
{
	pgd_t *pgd = pgd_offset_k(addr);
	p4d_t *p4d = p4d_offset(pgd, addr);
	pud_t *pud;
	pmd_t *pmd;

	*next = (addr + PGDIR_SIZE) & PGDIR_MASK;
	if (!p4d_present(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	*next = (addr + PUD_SIZE) & PUD_MASK;
	if (!pud_present(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	*next = (addr + PMD_SIZE) & PMD_MASK;
	if (!pmd_present(*pmd))
		return NULL;
	*next = addr + PAGE_SIZE;
	return pte_offset_kernel(pmd, addr);
}

static unsigned int host_prot(pte_t pte)
{
	return HOST_PROT_READ | (pte_write(pte) ? HOST_PROT_WRITE : 0) |
	       (pte_exec(pte) ? HOST_PROT_EXEC : 0);
}

/**
 * arch_sync_kernel_mappings() - map what init_mm's tables now hold
 */
void arch_sync_kernel_mappings(unsigned long start, unsigned long end)
{
	unsigned long addr = start & PAGE_MASK, next;

	while (addr < end) {
		pte_t *ptep = lookup(addr, &next);
		pte_t pte = ptep ? ptep_get(ptep) : __pte(0);
		unsigned long first = addr, n = 1;

		addr = next;
		if (!pte_present(pte))
			continue;
		/* As many pages as follow each other in physmem too. */
		while (addr < end) {
			pte_t *p = lookup(addr, &next);

			if (!p || pte_val(ptep_get(p)) != pte_val(pte) + n * PAGE_SIZE)
				break;
			n++;
			addr = next;
		}
		if (host_map_shared((void *)first, n * PAGE_SIZE, host_prot(pte), physmem_fd,
				    pte_pfn(pte) << PAGE_SHIFT))
			panic("the host refuses a kernel mapping of %lu pages (vm.max_map_count, RLIMIT_AS?)",
			      n);
		note(first, n);
	}
}

static void unmap(struct area *a, unsigned long start, unsigned long end)
{
	host_unmap((void *)start, end - start);
	bitmap_clear(a->there, PAGES(a->start, start), PAGES(start, end));
}

/* Unmap what the tables do not hold of pages that the host has mapped. */
static void unmap_gaps(struct area *a, unsigned long start, unsigned long end)
{
	unsigned long addr, gap = start, next;

	for (addr = start; addr < end; addr = next) {
		pte_t *ptep = lookup(addr, &next);

		if (ptep && pte_present(ptep_get(ptep))) {
			if (addr > gap)
				unmap(a, gap, addr);
			gap = next;
		}
	}
	if (end > gap)
		unmap(a, gap, end);
}

static void flush_area(struct area *a, unsigned long start, unsigned long end)
{
	unsigned long from, to, last;

	start = max(start & PAGE_MASK, a->start);
	end = min(PAGE_ALIGN(end), a->end);
	if (start >= end)
		return;
	last = min(PAGES(a->start, end), a->used);
	for (from = PAGES(a->start, start); ; from = to) {
		from = find_next_bit(a->there, last, from);
		if (from >= last)
			break;
		to = find_next_zero_bit(a->there, last, from);
		unmap_gaps(a, a->start + (from << PAGE_SHIFT), a->start + (to << PAGE_SHIFT));
	}
}

/**
 * flush_tlb_kernel_range() - unmap what init_mm's tables no longer hold
 *
 * Linux purges lazily: the range may span mappings that live on, and reach
 * into the direct map, which has no tables and never changes.
 */
void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	for (int i = 0; i < ARRAY_SIZE(areas); i++)
		flush_area(&areas[i], start, end);
}
EXPORT_SYMBOL(flush_tlb_kernel_range);
