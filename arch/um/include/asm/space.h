/* SPDX-License-Identifier: GPL-2.0 */
/* Spaces as the kernel above the engines uses them; see mm/space.c. */
#ifndef _ASM_UM_SPACE_H
#define _ASM_UM_SPACE_H

#include <asm/engine.h>

struct mm_struct;
struct uregs;

/* Kinds of access, for faults. */
#define ACCESS_READ	1
#define ACCESS_WRITE	2
#define ACCESS_EXEC	4

bool space_fill(struct mm_struct *mm, unsigned long addr, unsigned int access);
void space_sync(struct space *space);
void uregs_fetch(struct uregs *uregs);
void uregs_drop(struct uregs *uregs);
unsigned int space_live(void);

/* The order list, pure; tested by KUnit. */
void ops_set(struct space *space, unsigned long addr, unsigned long phys, unsigned int prot);
bool ops_add(struct space *space, const struct map_op *op);

#endif
