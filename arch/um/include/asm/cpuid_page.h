/* SPDX-License-Identifier: GPL-2.0 */
/* The page that answers for CPUID: code, then entries. See x86/cpuid_page.S. */
#ifndef _ASM_UM_CPUID_PAGE_H
#define _ASM_UM_CPUID_PAGE_H

#define CPUID_TABLE	128

#define CPUID_KIND	0
#define CPUID_LEAF	4
#define CPUID_SUBLEAF	8
#define CPUID_AX	12
#define CPUID_BX	16
#define CPUID_CX	20
#define CPUID_DX	24
#define CPUID_SIZE	32

/* The end, a subleaf of its own, or the same whatever ecx is. */
#define CPUID_END	0
#define CPUID_ONE	1
#define CPUID_ANY	2

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct cpuid_answer {
	u32 kind;
	u32 leaf, subleaf;
	u32 ax, bx, cx, dx;
	u32 unused;
};

extern char __cpuid_start[], __cpuid_end[];

void cpuid_learn(void *page);
#endif
#endif
