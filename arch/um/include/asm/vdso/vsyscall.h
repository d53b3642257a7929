/* SPDX-License-Identifier: GPL-2.0 */
/* Where kernel/time/vsyscall.c writes what the vDSO reads. */
#ifndef _ASM_UM_VDSO_VSYSCALL_H
#define _ASM_UM_VDSO_VSYSCALL_H

#ifndef __ASSEMBLY__

#include <linux/timekeeper_internal.h>
#include <vdso/datapage.h>

extern union vdso_data_store um_vdso_data;

static __always_inline struct vdso_data *um_get_k_vdso_data(void)
{
	return um_vdso_data.data;
}
#define __arch_get_k_vdso_data um_get_k_vdso_data

#include <asm-generic/vdso/vsyscall.h>

#endif
#endif
