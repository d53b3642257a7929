/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the host's exec arrives, and the step from the host's stack to the
 * stack of the first task.
 */
#include <linux/init.h>
#include <linux/linkage.h>
#include <asm/thread_info.h>

	__INIT
/* The stack holds argc, argv, envp and the auxiliary vector (x86-64 ABI). */
SYM_CODE_START(_start)
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	boot_main
	ud2
SYM_CODE_END(_start)

/* void boot_enter(void (*fn)(void), void *stack_top) */
SYM_CODE_START(boot_enter)
	movq	%rsi, %rsp
	xorl	%ebp, %ebp
	call	*%rdi
	ud2
SYM_CODE_END(boot_enter)
	.previous
