/* SPDX-License-Identifier: GPL-2.0 */
/* Improved text in the place of a program's; see mm/text.c. */
#ifndef _ASM_UM_TEXT_H
#define _ASM_UM_TEXT_H

#include <linux/mm_types.h>

struct file;
struct text_plan;

void text_begin(struct mm_struct *mm, unsigned long ip);
void text_fork(struct mm_struct *mm);
void text_end(struct mm_struct *mm);
void text_leave(struct mm_struct *mm);
bool text_keeps(const struct mm_struct *mm, unsigned long addr);
void text_check(struct mm_struct *mm, unsigned long addr, unsigned long phys);
unsigned long text_page(const struct mm_struct *mm, unsigned long addr, unsigned long phys);

/* mm/text_elf.c */
int text_read(struct file *file, loff_t at, u32 size, struct text_plan *plan);
int text_list_funcs(const u8 *frames, u32 size, u64 base, u64 text, u32 used,
		    u32 *funcs, u32 max);
void text_read_end(struct text_plan *plan);

#endif
