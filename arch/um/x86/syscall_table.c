// SPDX-License-Identifier: GPL-2.0
/*
 * The system call table, from the tree's own list for x86-64 (generated as
 * asm/syscalls_64.h). What needs hardware of its own is not there.
 */
#include <linux/cache.h>
#include <linux/linkage.h>
#include <linux/types.h>

typedef long (*sys_call_ptr_t)(unsigned long, unsigned long, unsigned long,
			       unsigned long, unsigned long, unsigned long);

#define sys_ioperm	sys_ni_syscall
#define sys_iopl	sys_ni_syscall
#define sys_modify_ldt	sys_ni_syscall

/* Every entry is called with six words, whatever it declares. */
#define __SYSCALL_NORETURN __SYSCALL
#define __SYSCALL(nr, sym) \
	long sym(unsigned long, unsigned long, unsigned long, \
		 unsigned long, unsigned long, unsigned long);
#include <asm/syscalls_64.h>
#undef __SYSCALL

#define __SYSCALL(nr, sym) sym,
const sys_call_ptr_t sys_call_table[] ____cacheline_aligned = {
#include <asm/syscalls_64.h>
};
