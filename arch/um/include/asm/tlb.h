/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One range a flush; a space that is about to lose its mm is emptied at once.
 */
#ifndef _ASM_UM_TLB_H
#define _ASM_UM_TLB_H

struct mmu_gather;
static void tlb_flush(struct mmu_gather *tlb);
#define tlb_flush tlb_flush

#include <asm/tlbflush.h>
#include <asm-generic/tlb.h>

void space_flush_exit(struct mm_struct *mm);

static inline void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->fullmm)
		space_flush_exit(tlb->mm);
	else if (tlb->need_flush_all)
		flush_tlb_mm(tlb->mm);
	else if (tlb->end)
		space_flush_range(tlb->mm, tlb->start, tlb->end);
}

#endif
