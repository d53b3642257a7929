// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that only x86-64 has: arch_prctl(2) for the segment bases, and
 * mmap(2) as its ABI has it.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <uapi/asm/prctl.h>
#include <asm/arch_prctl.h>
#include <asm/processor.h>

/**
 * um_arch_prctl() - segment bases of a task; for the guest's ptrace too
 */
long um_arch_prctl(struct task_struct *task, int option, unsigned long arg)
{
	struct pt_regs *regs = task_pt_regs(task);

	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (arg >= TASK_SIZE_MAX)
			return -EPERM;
		if (option == ARCH_SET_FS)
			regs->fs_base = arg;
		else
			regs->gs_base = arg;
		return 0;
	case ARCH_GET_FS:
		return put_user(regs->fs_base, (unsigned long __user *)arg);
	case ARCH_GET_GS:
		return put_user(regs->gs_base, (unsigned long __user *)arg);
	}
	return -EINVAL;
}

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg2)
{
	return um_arch_prctl(current, option, arg2);
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot,
		unsigned long, flags, unsigned long, fd, unsigned long, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	return ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
}
