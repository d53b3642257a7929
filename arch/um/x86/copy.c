// SPDX-License-Identifier: GPL-2.0
/*
 * Long copies from guest programs to the kernel.
 *
 * What is written there, the page cache most of all, is often in none of the CPU's
 * caches. "rep movsb" of a page at a time then waits longer for memory than a loop of
 * AVX, the more so as an atomic operation follows (docs/performance.md). Towards
 * programs, whose buffers are in the cache, it is the quicker of the two.
 *
 * The kernel process has the vector registers to itself, since programs run in other
 * processes; the host saves them in the frame of a signal, so a handler may copy as
 * well. The kernel is compiled without them: no compiler keeps anything there, and no
 * clobber is needed.
 */
#include <linux/math.h>
#include <linux/types.h>
#include <asm/copy.h>
#include <asm/fpu/types.h>
#include <asm/uregs.h>

#define STEP	128

/* @n: not 0, a multiple of STEP. */
static void copy_avx(void *to, const void *from, unsigned long n)
{
	asm volatile("1:\n\t"
		     "vmovdqu (%1), %%ymm0\n\t"
		     "vmovdqu 32(%1), %%ymm1\n\t"
		     "vmovdqu 64(%1), %%ymm2\n\t"
		     "vmovdqu 96(%1), %%ymm3\n\t"
		     "vmovdqu %%ymm0, (%0)\n\t"
		     "vmovdqu %%ymm1, 32(%0)\n\t"
		     "vmovdqu %%ymm2, 64(%0)\n\t"
		     "vmovdqu %%ymm3, 96(%0)\n\t"
		     "add $128, %1\n\t"
		     "add $128, %0\n\t"
		     "sub $128, %2\n\t"
		     "jnz 1b\n\t"
		     "vzeroupper"
		     : "+r" (to), "+r" (from), "+r" (n) : : "memory", "cc");
}

/**
 * copy_to_cold() - copy to memory that may be in no cache
 * @n: bytes; worth it from some 512 on
 *
 * The two places do not overlap.
 */
void copy_to_cold(void *to, const void *from, unsigned long n)
{
	if (likely(xstate_mask & XFEATURE_MASK_YMM) && n >= STEP) {
		unsigned long most = round_down(n, STEP);

		copy_avx(to, from, most);
		to += most;
		from += most;
		n -= most;
	}
	copy_to_warm(to, from, n);
}
