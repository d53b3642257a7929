/* SPDX-License-Identifier: GPL-2.0 */
/* What the stub and the engines agree on. */
#ifndef _ASM_UM_STUB_H
#define _ASM_UM_STUB_H

/* An order in the stub data page: a host system call. */
#define STUB_CALL_SIZE	56

#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm/page.h>

struct stub_call {
	unsigned long nr;
	unsigned long args[6];
};

#define STUB_CALLS	(PAGE_SIZE / sizeof(struct stub_call))

extern char __stub_start[], __stub_end[];
extern char stub_batch[], stub_clone[], stub_enter[];

/* Where a symbol of the stub is in a space. */
#define STUB_ADDR(sym)	(STUB_CODE + ((sym) - __stub_start))

#endif
#endif
