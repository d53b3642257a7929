/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_SWITCH_TO_H
#define _ASM_UM_SWITCH_TO_H

#include <asm/current.h>
#include <asm/um_time.h>

struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);

/* Where the first switch to a task goes, and the C code that it calls. */
void ret_from_fork_asm(void);
void ret_from_fork(struct task_struct *prev);

#define switch_to(prev, next, last)			\
do {							\
	if (unlikely(is_idle_task(prev)))		\
		time_leave_idle(this_vcpu());		\
	this_vcpu()->owed = 0;				\
	set_current(next);				\
	(last) = __switch_to_asm((prev), (next));	\
} while (0)

#endif
