/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU's sleep that a descriptor ends: epoll_pwait2(2), unless something is
 * pending. A signal that comes after the look and before the call would find no
 * sleep to end, so its handler has to lead what it interrupted there out of here
 * (host_uc_leave_sleep()).
 *
 * long __host_sleep(int epfd, struct epoll_event *, const struct timespec *,
 *		     const unsigned int *pending)
 */
#include <linux/errno.h>
#include <linux/linkage.h>
#include <asm/unistd.h>

SYM_CODE_START(__host_sleep)
	movq	%rdx, %r10
	movl	$1, %edx		/* an event at most */
	xorl	%r8d, %r8d		/* the mask of signals stays */
	movl	$8, %r9d
	movl	$__NR_epoll_pwait2, %eax
	cmpl	$0, (%rcx)
	jne	__host_sleep_out
SYM_INNER_LABEL(__host_sleep_call, SYM_L_GLOBAL)
	syscall
	ret
SYM_INNER_LABEL(__host_sleep_out, SYM_L_GLOBAL)
	movq	$-EINTR, %rax
	ret
SYM_CODE_END(__host_sleep)
