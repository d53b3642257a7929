/* SPDX-License-Identifier: GPL-2.0 */
/* What a program touches after a fork; see mm/habit.c. */
#ifndef _ASM_UM_HABIT_H
#define _ASM_UM_HABIT_H

#include <linux/mm_types.h>

void habit_init(struct mm_struct *mm, struct mm_struct *parent);
void habit_end(struct mm_struct *mm);
void habit_learn(struct mm_struct *mm, unsigned long addr, unsigned int access);
void habit_forked(struct mm_struct *mm, bool child);

#endif
