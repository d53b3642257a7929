/* SPDX-License-Identifier: GPL-2.0 */
/* Long copies. */
#ifndef _ASM_UM_COPY_H
#define _ASM_UM_COPY_H

void copy_to_cold(void *to, const void *from, unsigned long n);

/**
 * copy_to_warm() - copy to memory that is in a cache; the two do not overlap
 *
 * The CPU's own beats a loop on CPUs since 2013.
 */
static inline void copy_to_warm(void *to, const void *from, unsigned long n)
{
	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (n) : : "memory");
}

#endif
