/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_TRAP_H
#define _ASM_UM_TRAP_H

#include <linux/types.h>

struct pt_regs;
struct trap;
struct mm_struct;

void trap_init_host(void);
void handle_fault(struct pt_regs *regs, const struct trap *trap);
void handle_signal_trap(struct pt_regs *regs, const struct trap *trap);
void fault_in_first(struct pt_regs *regs);
int fault_in_user(struct mm_struct *mm, unsigned long addr, unsigned int access,
		  struct pt_regs *regs);
bool fault_in_guess(struct mm_struct *mm, unsigned long addr, unsigned int access, bool file);
void um_show_regs(const struct pt_regs *regs);
void console_restore(void);

#endif
