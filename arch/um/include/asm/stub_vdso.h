/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's own vDSO in spaces, for the guest's vDSO to read the clock with:
 * see engine/stub_vdso.c. It lies in the stub area, where every seed leaves it
 * when it drops what the host mapped.
 */
#ifndef _ASM_UM_STUB_VDSO_H
#define _ASM_UM_STUB_VDSO_H

#include <asm/layout.h>

#define STUB_VDSO	(STUB_START + 0x100000)
#define STUB_VDSO_END	(STUB_START + 0x800000)

#ifndef __ASSEMBLY__
#include <linux/types.h>

extern unsigned long stub_vdso_clock;

void stub_vdso_keep(void);

/* Is this an instruction of the host's vDSO? */
static inline bool in_stub_vdso(unsigned long ip)
{
	return ip - STUB_VDSO < STUB_VDSO_END - STUB_VDSO;
}

#endif
#endif
