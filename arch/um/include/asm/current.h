/* SPDX-License-Identifier: GPL-2.0 */
/* The running task, one load from the vCPU's structure. */
#ifndef _ASM_UM_CURRENT_H
#define _ASM_UM_CURRENT_H

#include <asm/vcpu.h>

static __always_inline struct task_struct *get_current(void)
{
	struct task_struct *t;

	asm("movq %%fs:%c1, %0" : "=r" (t) : "i" (VCPU_CURRENT));
	return t;
}

static __always_inline void set_current(struct task_struct *t)
{
	asm volatile("movq %0, %%fs:%c1" : : "r" (t), "i" (VCPU_CURRENT) : "memory");
}

#define current get_current()

#endif
