/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_XSTATE_H
#define _ASM_UM_XSTATE_H

struct uregs;

#include <linux/types.h>

u32 xstate_mxcsr_mask(void);
bool xstate_sse_exception(struct uregs *uregs);
void xstate_init(void);
void xstate_reset(struct uregs *uregs);
int xstate_alloc(struct uregs *uregs);
void xstate_free(struct uregs *uregs);

#endif
