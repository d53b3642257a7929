/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU: one host thread of the kernel process that runs the guest's kernel.
 * Its %fs points at its struct vcpu for as long as it lives.
 *
 * Interrupts are bits in vcpu->pending. A host signal's handler or an I/O
 * thread sets a bit; disabling interrupts is a store to vcpu->irq_on.
 */
#ifndef _ASM_UM_VCPU_H
#define _ASM_UM_VCPU_H

/* Offsets for assembly and for <asm/current.h>; checked in kernel/vcpu.c. */
#define VCPU_SELF	0
#define VCPU_CURRENT	8
#define VCPU_IRQ_ON	16
#define VCPU_PENDING	20

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct task_struct;
struct pt_regs;

/* The interrupt lines; a bit each in vcpu->pending. */
enum {
	IRQ_TIMER,
	IRQ_CONSOLE,
	IRQ_UBD,
	IRQ_POWER,
	IRQ_WINCH,
	IRQ_SPACE,
	IRQ_NET,
	UM_NR_IRQS
};

/* What vcpu->state says to those who raise an interrupt. */
enum vcpu_state {
	VCPU_KERNEL,	/* in the kernel, or in epoll: a host signal interrupts it */
	VCPU_IDLE,	/* blocked on vcpu->pending: a futex wake ends it */
};

/**
 * struct vcpu - a guest CPU
 * @self:	this structure, for %fs:0
 * @current_task: the task that runs on it
 * @irq_on:	interrupts are enabled
 * @pending:	interrupt lines that are raised; shared with I/O threads
 * @state:	enum vcpu_state; shared with I/O threads
 * @tid:	the host thread
 * @id:		CPU number
 * @runner:	host thread that runs guest code for it now, or 0
 * @deadline:	next timer event, ns of the host's monotonic clock, or 0
 * @armed:	the host timer's expiry, ns of the same clock, or 0
 * @timer:	host timer
 * @owed:	since when the scheduler wants the CPU and is to get it soon, ns of the
 *		host's monotonic clock, or 0: guest code is kicked if it makes no call
 * @copied:	bytes from and to guest programs, by copies that are not small
 */
struct vcpu {
	struct vcpu *self;
	struct task_struct *current_task;
	unsigned int irq_on;
	unsigned int pending;
	unsigned int state;
	int tid;
	int id;
	int runner;
	u64 deadline;
	u64 armed;
	int timer;
	u64 owed;
	unsigned long copied;
};

extern struct vcpu vcpu0;

/**
 * this_vcpu() - the vCPU that runs this code
 */
static __always_inline struct vcpu *this_vcpu(void)
{
	struct vcpu *v;

	asm volatile("movq %%fs:%c1, %0" : "=r" (v) : "i" (VCPU_SELF));
	return v;
}

void vcpu_init(struct vcpu *vcpu, int id);
void vcpu_raise(struct vcpu *vcpu, unsigned int irq);
void vcpu_run_pending(void);
void vcpu_irq_from_user(struct pt_regs *regs);
void vcpu_idle(void);
bool vcpu_is_idle(const struct vcpu *vcpu);
void vcpu_sleep_on(int epfd, int (*event)(u32 id));

#endif
#endif
