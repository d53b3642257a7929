/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_PHYSMEM_H
#define _ASM_UM_PHYSMEM_H

#include <linux/types.h>
#include <asm/layout.h>

extern int physmem_fd;

int physmem_claim_image(void);
void physmem_init(u64 size);
void physmem_track(void);
/* Chunks that are populated, and given back, as a whole: 256 KiB. */
#define PHYSMEM_CHUNK_SHIFT	18

void physmem_release(unsigned long phys, unsigned long len);
void physmem_populate(unsigned long phys, unsigned long len);

#endif
