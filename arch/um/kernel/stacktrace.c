// SPDX-License-Identifier: GPL-2.0
/*
 * Stack traces by frame pointers: each frame holds the caller's frame pointer
 * and, above it, the address that the call returns to.
 */
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>
#include <asm/stacktrace.h>

struct frame {
	struct frame *next;
	unsigned long ret;
};

static struct frame *sleeping_frame(struct task_struct *t)
{
	/* __switch_to_asm pushed six registers; rbp is the last it pops. */
	return (struct frame *)((unsigned long *)READ_ONCE(t->thread.sp))[5];
}

static void walk(struct frame *f, stack_trace_consume_fn fn, void *cookie)
{
	struct frame copy;

	for (int depth = 0; f && depth < 64; depth++) {
		if (copy_from_kernel_nofault(&copy, f, sizeof(copy)))
			return;
		if (!__kernel_text_address(copy.ret) || !fn(cookie, copy.ret))
			return;
		if (copy.next <= f)
			return;
		f = copy.next;
	}
}

void arch_stack_walk(stack_trace_consume_fn fn, void *cookie, struct task_struct *task,
		     struct pt_regs *regs)
{
	if (regs)
		walk((struct frame *)regs->bp, fn, cookie);
	else if (task && task != current)
		walk(sleeping_frame(task), fn, cookie);
	else
		walk(__builtin_frame_address(0), fn, cookie);
}

static bool print_frame(void *cookie, unsigned long ret)
{
	printk("%s %pSb\n", (const char *)cookie, (void *)ret);
	return true;
}

/**
 * show_stack() - print a task's calls
 * @task: the task, or NULL for the running one
 * @sp: a frame pointer to start at, or NULL
 */
void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	printk("%sCall Trace:\n", loglvl);
	if (sp)
		walk((struct frame *)sp, print_frame, (void *)loglvl);
	else
		arch_stack_walk(print_frame, (void *)loglvl, task, NULL);
}

static bool first_outside_sched(void *cookie, unsigned long ret)
{
	if (in_sched_functions(ret))
		return true;
	*(unsigned long *)cookie = ret;
	return false;
}

unsigned long __get_wchan(struct task_struct *p)
{
	unsigned long ret = 0;

	if (!try_get_task_stack(p))
		return 0;
	arch_stack_walk(first_outside_sched, &ret, p, NULL);
	put_task_stack(p);
	return ret;
}
