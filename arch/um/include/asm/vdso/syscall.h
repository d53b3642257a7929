/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest program's system call, made by the vDSO on its behalf. This is guest
 * code, in a space: the instruction traps into the guest's kernel like any
 * other of the program, and never is a call of the host.
 */
#ifndef _ASM_UM_VDSO_SYSCALL_H
#define _ASM_UM_VDSO_SYSCALL_H

static __always_inline long vdso_syscall(long nr, long a, const void *b)
{
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b)
		     : "rcx", "r11", "memory");
	return ret;
}

#endif
