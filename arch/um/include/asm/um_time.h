/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_TIME_H
#define _ASM_UM_TIME_H

struct vcpu;

void time_leave_idle(struct vcpu *vcpu);

#endif
