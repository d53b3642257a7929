/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Start a host thread that shares everything with the kernel process:
 * int __host_clone(flags, stack_top, fn, arg). The child starts on its own
 * stack, calls fn(arg), and ends the thread with what that returns.
 */
#include <linux/linkage.h>
#include <asm/unistd.h>

SYM_CODE_START(__host_clone)
	movq	%rdx, %r8		/* fn */
	movq	%rcx, %r9		/* arg */
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	movl	$__NR_clone, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	xorl	%ebp, %ebp
	andq	$-16, %rsp
	movq	%r9, %rdi
	call	*%r8
	movl	%eax, %edi
	movl	$__NR_exit, %eax
	syscall
	ud2
SYM_CODE_END(__host_clone)
