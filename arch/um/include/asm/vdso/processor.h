/* SPDX-License-Identifier: GPL-2.0 */
/* For both the kernel and the vDSO. */
#ifndef _ASM_UM_VDSO_PROCESSOR_H
#define _ASM_UM_VDSO_PROCESSOR_H

#ifndef __ASSEMBLY__

static __always_inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

#endif
#endif
