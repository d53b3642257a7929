/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest program's registers, in the order of the host's user_regs_struct
 * (ptrace(2), PTRACE_GETREGS), which is also what the guest's own ptrace and
 * core dumps show. Registers of the kernel itself, of which oopses tell, use
 * the same structure with KERNEL_CS.
 */
#ifndef _ASM_UM_PTRACE_H
#define _ASM_UM_PTRACE_H

#include <uapi/asm/ptrace.h>
#include <asm/processor-flags.h>

#define USER_CS64	0x33
#define USER_SS64	0x2b
#define KERNEL_CS	0x10

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
	unsigned long fs_base, gs_base;
	unsigned long ds, es, fs, gs;
};

#define user_mode(regs)			(((regs)->cs & 3) == 3)
#define instruction_pointer(regs)	((regs)->ip)
#define user_stack_pointer(regs)	((regs)->sp)
#define frame_pointer(regs)		((regs)->bp)
#define profile_pc(regs)		((regs)->ip)
#define current_user_stack_pointer()	((current)->thread.uregs.gp.sp)

/* An interrupt reaches the kernel only where interrupts are enabled. */
#define regs_irqs_disabled(regs)	(0)
#define arch_has_single_step()		(1)

static inline unsigned long regs_return_value(const struct pt_regs *regs)
{
	return regs->ax;
}

static inline bool is_syscall_success(const struct pt_regs *regs)
{
	return regs->ax < -4095UL;
}

static inline void instruction_pointer_set(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
}

static inline void regs_set_return_value(struct pt_regs *regs, unsigned long val)
{
	regs->ax = val;
}

#endif
#endif
