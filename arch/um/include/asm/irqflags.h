/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Disabling interrupts is a store. Enabling them is a store and a look at what
 * came in meanwhile; no host system call in either.
 */
#ifndef _ASM_UM_IRQFLAGS_H
#define _ASM_UM_IRQFLAGS_H

#include <linux/compiler.h>
#include <asm/vcpu.h>

#define ARCH_IRQ_DISABLED	0
#define ARCH_IRQ_ENABLED	1

static __always_inline unsigned long arch_local_save_flags(void)
{
	unsigned int on;

	asm volatile("movl %%fs:%c1, %0" : "=r" (on) : "i" (VCPU_IRQ_ON));
	return on;
}
#define arch_local_save_flags arch_local_save_flags

static __always_inline void arch_local_irq_disable(void)
{
	asm volatile("movl $0, %%fs:%c0" : : "i" (VCPU_IRQ_ON) : "memory");
}
#define arch_local_irq_disable arch_local_irq_disable

static __always_inline void arch_local_irq_enable(void)
{
	unsigned int pending;

	asm volatile("movl $1, %%fs:%c1\n\t"
		     "movl %%fs:%c2, %0"
		     : "=r" (pending)
		     : "i" (VCPU_IRQ_ON), "i" (VCPU_PENDING) : "memory");
	if (unlikely(pending))
		vcpu_run_pending();
}
#define arch_local_irq_enable arch_local_irq_enable

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (flags)
		arch_local_irq_enable();
	else
		arch_local_irq_disable();
}
#define arch_local_irq_restore arch_local_irq_restore

#include <asm-generic/irqflags.h>

#endif
