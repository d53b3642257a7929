// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPU says of itself, asked once for all programs (cpuid_page.S). The same answer
 * would come the next time, but for the number of the host's CPU, which is no business of
 * a guest's programs.
 */
#include <linux/build_bug.h>
#include <linux/mm.h>
#include <linux/stddef.h>
#include <asm/cpuid_page.h>

#define MAX_ANSWERS	((PAGE_SIZE - CPUID_TABLE) / CPUID_SIZE - 1)
#define SUBLEAVES	8	/* of one leaf; what is beyond, the CPU is asked */
#define LEAVES		0x40	/* of one range */
#define EXTENDED	0x80000000

static struct cpuid_answer ask(u32 leaf, u32 subleaf)
{
	struct cpuid_answer a = { .leaf = leaf, .subleaf = subleaf };

	asm volatile("cpuid"
		     : "=a" (a.ax), "=b" (a.bx), "=c" (a.cx), "=d" (a.dx)
		     : "a" (leaf), "c" (subleaf));
	return a;
}

/* Leaves whose answer depends on ecx, in the manuals of Intel and AMD. */
static bool has_subleaves(u32 leaf)
{
	switch (leaf) {
	case 0x4: case 0x7: case 0xb: case 0xd: case 0xf: case 0x10: case 0x12: case 0x14:
	case 0x17: case 0x18: case 0x1a: case 0x1b: case 0x1d: case 0x1e: case 0x1f:
	case 0x20: case 0x23: case 0x24:
	case 0x8000001d: case 0x80000020: case 0x80000026:
		return true;
	}
	return leaf > 0x24 && leaf < EXTENDED;
}

static unsigned int learn(struct cpuid_answer *to, unsigned int n, u32 first)
{
	u32 last = min(ask(first, 0).ax, first + LEAVES);

	for (u32 leaf = first; leaf <= last && leaf >= first; leaf++) {
		bool many = has_subleaves(leaf);

		for (u32 sub = 0; sub < (many ? SUBLEAVES : 1) && n < MAX_ANSWERS; sub++) {
			to[n] = ask(leaf, sub);
			to[n].kind = many ? CPUID_ONE : CPUID_ANY;
			n++;
			/* An empty one is the last, but for the state components of 0xd. */
			if (leaf != 0xd && !(to[n - 1].ax | to[n - 1].bx | to[n - 1].cx))
				break;
		}
	}
	return n;
}

/**
 * cpuid_learn() - fill in the table
 * @page: a copy of cpuid_page.S; a program that reads an unfinished one asks the CPU
 */
void cpuid_learn(void *page)
{
	struct cpuid_answer *to = page + CPUID_TABLE;

	BUILD_BUG_ON(sizeof(*to) != CPUID_SIZE);
	BUILD_BUG_ON(offsetof(struct cpuid_answer, subleaf) != CPUID_SUBLEAF);
	BUILD_BUG_ON(offsetof(struct cpuid_answer, dx) != CPUID_DX);
	learn(to, learn(to, 0, 0), EXTENDED);
}
