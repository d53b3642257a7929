/* SPDX-License-Identifier: GPL-2.0 */
/* The port's part of the vDSO's data page. */
#ifndef _ASM_UM_VDSO_DATA_H
#define _ASM_UM_VDSO_DATA_H

#include <linux/types.h>

/**
 * struct arch_vdso_data - how to read the counter
 * @host_clock:	address of the host's clock_gettime() in every space
 */
struct arch_vdso_data {
	u64 host_clock;
};

#endif
