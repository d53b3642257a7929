/* SPDX-License-Identifier: GPL-2.0 */
/* The places in a program's text that trap, and ways around; see x86/text_sites.c. */
#ifndef _ASM_UM_TEXT_SITES_H
#define _ASM_UM_TEXT_SITES_H

#include <linux/types.h>

/**
 * struct text_plan - a program's text, to be changed
 * @text:	a copy of it
 * @used:	bytes of it that are the program's
 * @size:	all of it, whole pages; from @used on there are zeros
 * @funcs:	where its functions begin, ascending, below @used
 * @nr_funcs:	how many
 * @cpuid_entry: where to go instead of CPUID, with the way back in rbx; 0: nowhere
 * @syscall_entry: and instead of a system call, with the way back in rcx
 */
struct text_plan {
	u8 *text;
	u32 used, size;
	const u32 *funcs;
	u32 nr_funcs;
	u64 cpuid_entry, syscall_entry;
};

#define TEXT_NO_SITE	U32_MAX

int text_improve(const struct text_plan *plan);
u32 text_site_of(const struct text_plan *plan, u32 thunk);

#endif
