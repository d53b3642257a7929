/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The switch between two kernel stacks: what the x86-64 ABI lets a function
 * change is saved by its caller, the rest here.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>

/* struct task_struct *__switch_to_asm(prev, next); returns prev */
SYM_FUNC_START(__switch_to_asm)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, TASK_THREAD_SP(%rdi)
	movq	TASK_THREAD_SP(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rdi, %rax
	ret
SYM_FUNC_END(__switch_to_asm)

/* Where a new task's stack makes __switch_to_asm return to. */
SYM_CODE_START(ret_from_fork_asm)
	movq	%rax, %rdi
	call	ret_from_fork
	ud2
SYM_CODE_END(ret_from_fork_asm)
