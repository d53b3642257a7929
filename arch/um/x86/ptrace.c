// SPDX-License-Identifier: GPL-2.0
/*
 * ptrace(2) of guest programs by guest programs: registers, floating point
 * state, single steps. Debug registers are not there: reads give 0, writes
 * are refused, and debuggers go on in software.
 */
#include <linux/elf.h>
#include <linux/elfcore.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/arch_prctl.h>
#include <asm/sigcontext.h>
#include <asm/space.h>
#include <asm/user.h>
#include <asm/xstate.h>

enum { REGSET_GENERAL, REGSET_FP, REGSET_XSTATE };

#define FLAG_MASK (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
		   X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | \
		   X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_NT)

/* One word of pt_regs, which has the layout of user_regs_struct. */
static int put_reg(struct pt_regs *regs, unsigned int offset, unsigned long value)
{
	switch (offset) {
	case offsetof(struct pt_regs, cs):
	case offsetof(struct pt_regs, ss):
		/* 64-bit code and its stack are all there is. */
		if ((value & 3) != 3)
			return -EIO;
		return 0;
	case offsetof(struct pt_regs, ds):
	case offsetof(struct pt_regs, es):
	case offsetof(struct pt_regs, fs):
	case offsetof(struct pt_regs, gs):
		if (value && (value & 3) != 3)
			return -EIO;
		/* The flat selectors of 64-bit programs; the host has no others. */
		if (value && value != USER_SS64)
			return -EIO;
		break;
	case offsetof(struct pt_regs, fs_base):
	case offsetof(struct pt_regs, gs_base):
		if (value >= TASK_SIZE_MAX)
			return -EIO;
		break;
	case offsetof(struct pt_regs, flags):
		value = (regs->flags & ~FLAG_MASK) | (value & FLAG_MASK);
		break;
	}
	*(unsigned long *)((void *)regs + offset) = value;
	return 0;
}

static int general_get(struct task_struct *t, const struct user_regset *set, struct membuf to)
{
	return membuf_write(&to, task_pt_regs(t), sizeof(struct pt_regs));
}

static int general_set(struct task_struct *t, const struct user_regset *set, unsigned int pos,
		       unsigned int count, const void *kbuf, const void __user *ubuf)
{
	int err = 0;

	while (count >= sizeof(long) && !err) {
		unsigned long v;

		if (kbuf) {
			v = *(const unsigned long *)kbuf;
			kbuf += sizeof(v);
		} else {
			err = __get_user(v, (const unsigned long __user *)ubuf);
			if (err)
				break;
			ubuf += sizeof(v);
		}
		err = put_reg(task_pt_regs(t), pos, v);
		pos += sizeof(v);
		count -= sizeof(v);
	}
	return err;
}

static int fp_get(struct task_struct *t, const struct user_regset *set, struct membuf to)
{
	struct uregs *u = &t->thread.uregs;

	if (!u->xstate)		/* a worker thread, never in user mode */
		return membuf_zero(&to, sizeof(struct user_i387_struct));
	uregs_fetch(u);
	return membuf_write(&to, u->xstate, sizeof(struct user_i387_struct));
}

static int fp_set(struct task_struct *t, const struct user_regset *set, unsigned int pos,
		  unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct uregs *u = &t->thread.uregs;
	struct user_i387_struct fp;
	struct _xstate *x = u->xstate;
	int err;

	uregs_fetch(u);
	memcpy(&fp, x, sizeof(fp));
	err = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &fp, 0, sizeof(fp));
	if (err)
		return err;
	if (fp.mxcsr & ~xstate_mxcsr_mask())
		return -EINVAL;
	uregs_drop(u);
	memcpy(x, &fp, offsetof(struct _fpstate_64, reserved2));
	x->xstate_hdr.xfeatures |= 3;
	return 0;
}

static int xstate_get(struct task_struct *t, const struct user_regset *set, struct membuf to)
{
	struct uregs *u = &t->thread.uregs;
	struct _xstate *x = u->xstate;

	if (!x)
		return membuf_zero(&to, xstate_size);
	uregs_fetch(u);
	/* Debuggers read XCR0 here. */
	x->fpstate.sw_reserved = (struct _fpx_sw_bytes){ };
	*(u64 *)((void *)x + 464) = xstate_mask;
	return membuf_write(&to, x, xstate_size);
}

static int xstate_set(struct task_struct *t, const struct user_regset *set, unsigned int pos,
		      unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct uregs *u = &t->thread.uregs;
	struct _xstate *x = u->xstate;
	u64 bad = 0;
	void *copy;
	int err;

	if (pos || count != xstate_size)
		return -EFAULT;
	copy = kmalloc(xstate_size, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	err = user_regset_copyin(&pos, &count, &kbuf, &ubuf, copy, 0, xstate_size);
	if (!err) {
		struct _xstate *c = copy;

		bad = c->xstate_hdr.xfeatures & ~xstate_mask;
		bad |= c->xstate_hdr.reserved1[0] | c->xstate_hdr.reserved1[1];
		for (int i = 0; i < ARRAY_SIZE(c->xstate_hdr.reserved2); i++)
			bad |= c->xstate_hdr.reserved2[i];
		if (bad || c->fpstate.mxcsr & ~xstate_mxcsr_mask())
			err = -EINVAL;
	}
	if (!err) {
		uregs_drop(u);
		memcpy(x, copy, xstate_size);
	}
	kfree(copy);
	return err;
}

static struct user_regset regsets[] = {
	[REGSET_GENERAL] = {
		.core_note_type = NT_PRSTATUS,
		.n = sizeof(struct pt_regs) / sizeof(long),
		.size = sizeof(long), .align = sizeof(long),
		.regset_get = general_get, .set = general_set,
	},
	[REGSET_FP] = {
		.core_note_type = NT_PRFPREG,
		.n = sizeof(struct user_i387_struct) / sizeof(long),
		.size = sizeof(long), .align = sizeof(long),
		.regset_get = fp_get, .set = fp_set,
	},
	[REGSET_XSTATE] = {
		.core_note_type = NT_X86_XSTATE,
		.size = sizeof(u64), .align = sizeof(u64),
		.regset_get = xstate_get, .set = xstate_set,
	},
};

static const struct user_regset_view view = {
	.name = "x86_64", .e_machine = EM_X86_64,
	.regsets = regsets, .n = ARRAY_SIZE(regsets),
};

static int __init size_xstate_regset(void)
{
	regsets[REGSET_XSTATE].n = xstate_size / sizeof(u64);
	return 0;
}
early_initcall(size_xstate_regset);

const struct user_regset_view *task_user_regset_view(struct task_struct *task)
{
	return &view;
}

void user_enable_single_step(struct task_struct *t)
{
	set_tsk_thread_flag(t, TIF_SINGLESTEP);
	/* A stepped system call reports a step when it is done. */
	set_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	t->thread.uregs.step = true;
}

void user_disable_single_step(struct task_struct *t)
{
	clear_tsk_thread_flag(t, TIF_SINGLESTEP);
	clear_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	t->thread.uregs.step = false;
}

void ptrace_disable(struct task_struct *t)
{
	user_disable_single_step(t);
}

/* A word of struct user: the registers are its first part. */
static long peek_user(struct task_struct *t, unsigned long addr, unsigned long __user *to)
{
	unsigned long v = 0;

	if (addr & 7 || addr >= sizeof(struct user))
		return -EIO;
	if (addr < sizeof(struct pt_regs))
		v = *(unsigned long *)((void *)task_pt_regs(t) + addr);
	return put_user(v, to);
}

static long poke_user(struct task_struct *t, unsigned long addr, unsigned long value)
{
	if (addr & 7 || addr >= sizeof(struct user))
		return -EIO;
	if (addr < sizeof(struct pt_regs))
		return put_reg(task_pt_regs(t), addr, value);
	/* Debug registers may be cleared; there is nothing to set. */
	if (addr >= offsetof(struct user, u_debugreg[0]) &&
	    addr <= offsetof(struct user, u_debugreg[7]) && !value)
		return 0;
	return -EIO;
}

long arch_ptrace(struct task_struct *t, long request, unsigned long addr, unsigned long data)
{
	void __user *p = (void __user *)data;

	switch (request) {
	case PTRACE_PEEKUSR:
		return peek_user(t, addr, p);
	case PTRACE_POKEUSR:
		return poke_user(t, addr, data);
	case PTRACE_GETREGS:
		return copy_regset_to_user(t, &view, REGSET_GENERAL, 0,
					   sizeof(struct pt_regs), p);
	case PTRACE_SETREGS:
		return copy_regset_from_user(t, &view, REGSET_GENERAL, 0,
					     sizeof(struct pt_regs), p);
	case PTRACE_GETFPREGS:
		return copy_regset_to_user(t, &view, REGSET_FP, 0,
					   sizeof(struct user_i387_struct), p);
	case PTRACE_SETFPREGS:
		return copy_regset_from_user(t, &view, REGSET_FP, 0,
					     sizeof(struct user_i387_struct), p);
	case PTRACE_ARCH_PRCTL:
		/* Here the value comes in addr's place and the option in data's. */
		return um_arch_prctl(t, data, addr);
	}
	return ptrace_request(t, request, addr, data);
}
