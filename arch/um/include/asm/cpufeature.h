/* SPDX-License-Identifier: GPL-2.0 */
/* What the tree's x86 headers ask of the CPU: nothing is assumed. */
#ifndef _ASM_UM_CPUFEATURE_H
#define _ASM_UM_CPUFEATURE_H

#include <asm/cpufeatures.h>

#define boot_cpu_has(bit)		(0)
#define static_cpu_has(bit)		(0)
#define cpu_feature_enabled(bit)	(0)

#endif
