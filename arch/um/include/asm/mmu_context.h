/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An mm gets its space when it is made and gives it back when it ends. Nothing
 * is switched on a context switch: the space to run is the task's own.
 */
#ifndef _ASM_UM_MMU_CONTEXT_H
#define _ASM_UM_MMU_CONTEXT_H

#include <linux/mm_types.h>
#include <linux/sched.h>

int init_new_context(struct task_struct *task, struct mm_struct *mm);
#define init_new_context init_new_context
void destroy_context(struct mm_struct *mm);
#define destroy_context destroy_context

static inline void switch_mm(struct mm_struct *prev, struct mm_struct *next,
			     struct task_struct *tsk)
{
}

#include <asm-generic/mmu_context.h>

static inline int arch_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm)
{
	oldmm->context.forked = true;
	return 0;
}

static inline void arch_exit_mmap(struct mm_struct *mm)
{
}

static inline bool arch_vma_access_permitted(struct vm_area_struct *vma,
					     bool write, bool execute, bool foreign)
{
	return true;
}

#endif
