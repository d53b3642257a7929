/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_ENTRY_COMMON_H
#define _ASM_UM_ENTRY_COMMON_H

#include <linux/sched.h>
#include <asm/processor.h>

#endif
