/* SPDX-License-Identifier: GPL-2.0 */
/* All registers of a guest thread, as engines see them. */
#ifndef _ASM_UM_UREGS_H
#define _ASM_UM_UREGS_H

#include <asm/ptrace.h>

struct space;

/**
 * struct uregs - the registers of a guest thread
 * @gp:		general registers and segment bases
 * @xstate:	floating point and vector state in the standard (not compacted)
 *		XSAVE format, xstate_size bytes
 * @owner:	the space whose runner holds a newer @xstate, or NULL. An engine
 *		sets it when it runs; uregs_fetch() and uregs_drop() clear it.
 * @step:	stop after one instruction
 */
struct uregs {
	struct pt_regs gp;
	void *xstate;
	struct space *owner;
	bool step;
};

/* Size of the XSAVE area of this CPU for what the host lets programs use. */
extern unsigned int xstate_size;
extern u64 xstate_mask;

#endif
