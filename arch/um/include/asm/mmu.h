/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_MMU_H
#define _ASM_UM_MMU_H

struct space;

/**
 * struct mm_context - the port's part of an mm
 * @space:	the host process that caches this mm's page tables, or NULL
 * @forked:	fork has just noted each page that it write-protected
 * @vdso:	where exec has mapped the vDSO, for the auxiliary vector
 */
typedef struct mm_context {
	struct space *space;
	bool forked;
	unsigned long vdso;
} mm_context_t;

#endif
