/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_ARCH_PRCTL_H
#define _ASM_UM_ARCH_PRCTL_H

struct task_struct;

long um_arch_prctl(struct task_struct *task, int option, unsigned long arg);

#endif
