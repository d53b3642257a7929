/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_TIME_H
#define _ASM_UM_TIME_H

#include <linux/types.h>

struct vcpu;

u64 time_enter_idle(struct vcpu *vcpu);
void time_leave_idle(struct vcpu *vcpu);

#endif
