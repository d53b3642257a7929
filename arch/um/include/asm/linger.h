/* SPDX-License-Identifier: GPL-2.0 */
/* A task that has woken another goes on for a moment; see kernel/linger.c. */
#ifndef _ASM_UM_LINGER_H
#define _ASM_UM_LINGER_H

#include <linux/sched.h>
#include <asm/vcpu.h>

struct pt_regs;
struct space;

void linger(struct vcpu *vcpu, const struct space *space, const struct pt_regs *regs);

/**
 * linger_end() - the scheduler gets now what it is owed
 */
static inline void linger_end(struct vcpu *vcpu)
{
	if (likely(!vcpu->owed))
		return;
	vcpu->owed = 0;
	set_tsk_need_resched(current);
}

#endif
