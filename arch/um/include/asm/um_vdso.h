/* SPDX-License-Identifier: GPL-2.0 */
/* What the rest of the port needs of kernel/vdso.c. */
#ifndef _ASM_UM_VDSO_H
#define _ASM_UM_VDSO_H

#include <linux/compiler_types.h>
#include <vdso/clocksource.h>
#include <asm/stub_vdso.h>

struct __kernel_timespec;

enum vdso_clock_mode vdso_init_clock(void);
long vdso_host_clock(struct __kernel_timespec __user *ts);

/* The vDSO's ELF image, whole pages: x86/vdso/. */
extern char vdso_image_start[], vdso_image_end[];

#endif
