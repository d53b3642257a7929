/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_IRQ_H
#define _ASM_UM_IRQ_H

#include <asm/vcpu.h>

#define NR_IRQS		64

#endif
