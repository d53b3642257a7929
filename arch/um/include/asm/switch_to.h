/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_SWITCH_TO_H
#define _ASM_UM_SWITCH_TO_H

#include <asm/current.h>

struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);

#define switch_to(prev, next, last)			\
do {							\
	set_current(next);				\
	(last) = __switch_to_asm((prev), (next));	\
} while (0)

#endif
