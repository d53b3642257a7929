/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_STACKTRACE_H
#define _ASM_UM_STACKTRACE_H

struct task_struct;
struct pt_regs;

#endif
