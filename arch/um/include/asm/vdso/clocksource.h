/* SPDX-License-Identifier: GPL-2.0 */
/* The vDSO can read one clock, the host's. */
#ifndef _ASM_UM_VDSO_CLOCKSOURCE_H
#define _ASM_UM_VDSO_CLOCKSOURCE_H

#define VDSO_ARCH_CLOCKMODES	VDSO_CLOCKMODE_HOST

#endif
