/* SPDX-License-Identifier: GPL-2.0 */
/* Where a host signal handler returns to: rt_sigreturn(2). gdb knows it by this name. */
#include <linux/linkage.h>
#include <asm/unistd.h>

SYM_CODE_START(__restore_rt)
	movl	$__NR_rt_sigreturn, %eax
	syscall
	ud2
SYM_CODE_END(__restore_rt)
