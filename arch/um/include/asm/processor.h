/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_PROCESSOR_H
#define _ASM_UM_PROCESSOR_H

#include <linux/cache.h>
#include <asm/layout.h>
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/uregs.h>
#include <asm/vdso/processor.h>

#define TASK_SIZE		TASK_SIZE_MAX
#define STACK_TOP		TASK_SIZE
#define STACK_TOP_MAX		STACK_TOP
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 3)

/**
 * struct thread_struct - the port's part of a task
 * @sp:		kernel stack pointer while another task runs
 * @uregs:	the user registers; kernel threads have none that count
 * @fn:		what a kernel thread runs, with @arg, or NULL
 * @cr2:	address of the last fault, for its signal frame
 * @error_code:	x86 page fault error code of the last fault
 * @trap_nr:	x86 vector of the last fault
 */
struct thread_struct {
	unsigned long sp;
	struct uregs uregs;
	int (*fn)(void *arg);
	void *arg;
	unsigned long cr2;
	unsigned long error_code;
	unsigned long trap_nr;
};

#define INIT_THREAD		{ .sp = 0 }

#define task_pt_regs(t)		(&(t)->thread.uregs.gp)
#define KSTK_EIP(t)		(task_pt_regs(t)->ip)
#define KSTK_ESP(t)		(task_pt_regs(t)->sp)

static __always_inline bool on_thread_stack(void)
{
	return true;
}

struct task_struct;
unsigned long __get_wchan(struct task_struct *p);
void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
void __noreturn user_loop(void);
unsigned long arch_align_stack(unsigned long sp);

#endif
