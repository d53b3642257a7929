/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Defences that a kernel with CONFIG_UML_WEAKEN can be started without, so that
 * tests/hostile can show what each is for. In all other kernels weakened() is
 * false at compile time and nothing of this is left.
 */
#ifndef _ASM_UM_WEAKEN_H
#define _ASM_UM_WEAKEN_H

#include <linux/bits.h>

/* Bits of ORD_WEAK, for the stub. */
#define WEAK_EXIT	0

#ifndef __ASSEMBLY__
#include <linux/types.h>

enum weakness {
	WEAK_NOEXIT = WEAK_EXIT,	/* a signal in the stub does not end the space; keys may add up */
	WEAK_NOKEY,	/* the filter lets mapping calls through without the key */
	WEAK_NOARGS,	/* ... from the stub's instructions, any call */
	WEAK_NOPLACE,	/* ... getppid from anywhere */
	WEAK_NOCLOSE,	/* ... close of any descriptor */
	WEAK_NOSETTLE,	/* pages are freed without a signed answer */
	WEAK_NOLOOK,	/* a runner that does not answer is waited for */
	WEAK_NOWATCH,	/* one that runs on after its answer is not ended */
	WEAK_NORESET,	/* the area of a pooled space is not wiped */
	WEAK_RWORDERS,	/* a space may write to its orders */
	WEAK_NOPROOF,	/* a space is given to the next program without a signed answer */
	WEAK_NOFLAGS,	/* flags of a frame are the program's, all of them */
	WEAK_NOXSTATE,	/* vector state of a frame, whatever its header says */
	WEAK_NOBADIP,	/* a program goes on at addresses that the CPU refuses */
	WEAK_EXAREA,	/* the area of a space is executable */
	WEAK_NOGAPCHECK, /* who stands in a gap is taken back, whosever text was patched */
	WEAK_NOUNPATCH,	/* system calls stay patched when their table is gone */
};

#ifdef CONFIG_UML_WEAKEN
extern u32 weaknesses;
void weaken_init(void);
static inline bool weakened(enum weakness w)
{
	return weaknesses & BIT(w);
}
#else
static inline void weaken_init(void) { }
static __always_inline bool weakened(enum weakness w)
{
	return false;
}
#endif
#endif
#endif
