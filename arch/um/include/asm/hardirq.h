/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_HARDIRQ_H
#define _ASM_UM_HARDIRQ_H

#include <asm-generic/hardirq.h>

#endif
