/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_PHYSMEM_H
#define _ASM_UM_PHYSMEM_H

#include <linux/types.h>
#include <asm/layout.h>

extern int physmem_fd;

int physmem_claim_image(void);
void physmem_init(u64 size);
void physmem_track(void);
void physmem_populate(unsigned long phys, unsigned long len);

#endif
