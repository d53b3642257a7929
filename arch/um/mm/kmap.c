// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc and module mappings. The kernel process's host mappings follow
 * init_mm's page tables: they are made when the tables change, not by a fault
 * later, and taken away when Linux flushes.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/tlbflush.h>

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
	}
}

/* Unmap what the tables do not hold in a range of one area. */
static void unmap_gaps(unsigned long start, unsigned long end)
{
	unsigned long addr = start, gap = start, next;

	while (addr < end) {
		pte_t *ptep = lookup(addr, &next);

		if (ptep && pte_present(ptep_get(ptep))) {
			if (addr > gap)
				host_unmap((void *)gap, addr - gap);
			gap = next;
		}
		addr = next;
	}
	if (end > gap)
		host_unmap((void *)gap, end - gap);
}

static void flush_area(unsigned long start, unsigned long end, unsigned long area_start,
		       unsigned long area_end)
{
	start = max(start & PAGE_MASK, area_start);
	end = min(PAGE_ALIGN(end), area_end);
	if (start < end)
		unmap_gaps(start, end);
}

/**
 * flush_tlb_kernel_range() - unmap what init_mm's tables no longer hold
 *
 * Linux purges lazily: the range may span mappings that live on, and reach
 * into the direct map, which has no tables and never changes.
 */
void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	flush_area(start, end, MODULES_VADDR, MODULES_END);
	flush_area(start, end, VMALLOC_START, VMALLOC_END);
}
EXPORT_SYMBOL(flush_tlb_kernel_range);
