// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks: their making, their switching, their idling.
 */
#include <linux/entry-common.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/space.h>
#include <asm/switch_to.h>
#include <asm/text.h>
#include <asm/trap.h>
#include <asm/vcpu.h>
#include <asm/xstate.h>

/* What __switch_to_asm pops. */
struct switch_frame {
	unsigned long r15, r14, r13, r12, bx, bp;
	unsigned long ret;
};

int arch_dup_task_struct(struct task_struct *dst, struct task_struct *src)
{
	*dst = *src;
	dst->thread.uregs.xstate = NULL;
	dst->thread.uregs.owner = NULL;
	return 0;
}

/**
 * copy_thread() - the registers and the kernel stack of a new task
 */
int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct switch_frame *frame = task_stack_page(p) + THREAD_SIZE;
	struct thread_struct *t = &p->thread;

	/* Two words keep the stack aligned as a call leaves it. */
	frame = (void *)frame - 16 - sizeof(*frame);
	memset(frame, 0, sizeof(*frame));
	frame->ret = (unsigned long)ret_from_fork_asm;
	t->sp = (unsigned long)frame;
	t->fn = args->fn;
	t->arg = args->fn_arg;
	clear_tsk_thread_flag(p, TIF_SINGLESTEP);
	clear_task_syscall_work(p, SYSCALL_EXIT_TRAP);
	t->uregs.step = false;

	if (p->flags & PF_KTHREAD)
		return 0;
	if (xstate_alloc(&t->uregs))
		return -ENOMEM;
	if (args->fn) {
		memset(&t->uregs.gp, 0, sizeof(t->uregs.gp));
		xstate_reset(&t->uregs);
		return 0;
	}
	uregs_fetch(&current->thread.uregs);
	memcpy(t->uregs.xstate, current->thread.uregs.xstate, xstate_size);
	t->uregs.gp.ax = 0;
	if (args->stack)
		t->uregs.gp.sp = args->stack;
	if (args->flags & CLONE_SETTLS)
		t->uregs.gp.fs_base = args->tls;
	return 0;
}

/**
 * ret_from_fork() - the first C code of every task but the first
 */
void ret_from_fork(struct task_struct *prev)
{
	struct thread_struct *t = &current->thread;

	schedule_tail(prev);
	if (t->fn) {
		int (*fn)(void *arg) = t->fn;

		/* A kernel thread that returns has become a program by exec. */
		t->fn = NULL;
		fn(t->arg);
	}
	if (current->mm->context.space->age != SPACE_USED)
		fault_in_first(&t->uregs.gp);
	syscall_exit_to_user_mode(&t->uregs.gp);
	user_loop();
}

void arch_release_task_struct(struct task_struct *p)
{
	uregs_drop(&p->thread.uregs);
	xstate_free(&p->thread.uregs);
}

void exit_thread(struct task_struct *p)
{
	uregs_drop(&p->thread.uregs);
}

/* A kernel thread that becomes a program has no xstate yet. */
void flush_thread(void)
{
	struct uregs *u = &current->thread.uregs;

	uregs_drop(u);
	if (!u->xstate && xstate_alloc(u)) {
		force_fatal_sig(SIGKILL);
		return;
	}
	xstate_reset(u);
}

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	space_begin(current->mm);
	text_begin(current->mm, ip);
	*regs = (struct pt_regs) {
		.ip = ip, .sp = sp, .flags = X86_EFLAGS_IF,
		.cs = USER_CS64, .ss = USER_SS64, .orig_ax = -1,
	};
}
EXPORT_SYMBOL_GPL(start_thread);

void arch_cpu_idle(void)
{
	vcpu_idle();
}

unsigned long arch_align_stack(unsigned long sp)
{
	if (!(current->personality & ADDR_NO_RANDOMIZE) && randomize_va_space)
		sp -= get_random_u32_below(8192);
	return sp & ~0xfUL;
}
