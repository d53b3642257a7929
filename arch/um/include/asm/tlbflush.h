/* SPDX-License-Identifier: GPL-2.0 */
/* Taking pages away from spaces; see mm/space.c. */
#ifndef _ASM_UM_TLBFLUSH_H
#define _ASM_UM_TLBFLUSH_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>

void space_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end);
void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

static inline bool pte_needs_flush(pte_t old, pte_t new)
{
	return !pte_loses_write(old, new);
}
#define pte_needs_flush pte_needs_flush

#define flush_tlb_range(vma, start, end) \
	space_flush_range((vma)->vm_mm, start, end)
#define flush_tlb_page(vma, addr) \
	space_flush_range((vma)->vm_mm, (addr) & PAGE_MASK, ((addr) & PAGE_MASK) + PAGE_SIZE)

#endif
