// SPDX-License-Identifier: GPL-2.0
/*
 * The loop of every task in user mode: run guest code, handle its trap. It is
 * the same for every engine.
 */
#include <linux/entry-common.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/syscalls.h>
#include <asm/engine.h>
#include <asm/linger.h>
#include <asm/sites.h>
#include <asm/space.h>
#include <asm/syscall.h>
#include <asm/text.h>
#include <asm/trap.h>
#include <asm/um_vdso.h>
#include <asm/vcpu.h>

static void handle_syscall(struct space *space, struct pt_regs *regs, bool by_signal)
{
	long nr = (int)regs->orig_ax;
	struct vcpu *vcpu;

	regs->ax = -ENOSYS;
	syscall_enter_from_user_mode_prepare(regs);
	if (by_signal && engine->syscall_entry)
		sites_note(space, regs->ip);
	if (unlikely(space->sites_live)) {
		sites_check(space);
		sites_before(space, nr, regs);
	}
	nr = syscall_enter_from_user_mode_work(regs, nr);
	if (unlikely(in_stub_vdso(regs->ip)) && nr == __NR_clock_gettime &&
	    (int)regs->di == CLOCK_MONOTONIC) {
		regs->ax = vdso_host_clock((void __user *)regs->si);
	} else if (likely((unsigned long)nr < NR_syscalls)) {
		nr = array_index_nospec(nr, NR_syscalls);
		regs->ax = sys_call_table[nr](regs->di, regs->si, regs->dx,
					      regs->r10, regs->r8, regs->r9);
		if (unlikely(regs->ax == -ENOMEM) && space_refused())
			regs->ax = -EAGAIN;
	}
	space = current->mm->context.space;	/* another one after exec */
	if (unlikely(space->sites_lost && space->sites_live))
		sites_check(space);
	if (unlikely(space->age != SPACE_USED))
		fault_in_first(regs);
	vcpu = this_vcpu();
	if (need_resched() || unlikely(vcpu->owed))
		linger(vcpu, space, regs);
	syscall_exit_to_user_mode(regs);
}

static void handle_trap(struct space *space, struct pt_regs *regs, const struct trap *trap)
{
	irqentry_state_t state;

	if (unlikely(space->sites_live))
		sites_leave_gap(space, regs);

	if (trap->type == TRAP_KICK) {
		vcpu_irq_from_user(regs);
		return;
	}
	state = irqentry_enter(regs);
	local_irq_enable();
	switch (trap->type) {
	case TRAP_FAULT:
		handle_fault(regs, trap);
		break;
	case TRAP_SIGNAL:
		handle_signal_trap(regs, trap);
		break;
	default:
		/* Somebody killed the space; its programs die with it. */
		do_group_exit(SIGKILL);
		break;
	}
	local_irq_disable();
	irqentry_exit(regs, state);
}

/**
 * user_loop() - be a guest program until it ends; interrupts are disabled
 */
void __noreturn user_loop(void)
{
	struct uregs *uregs = &current->thread.uregs;
	struct vcpu *vcpu;
	struct trap trap;

	for (;;) {
		struct space *space = current->mm->context.space;

		if (unlikely(current->ptrace) && current->mm->context.text)
			text_leave(current->mm);
		vcpu = this_vcpu();
		engine->run(vcpu, space, uregs, &trap);
		if (trap.type == TRAP_SYSCALL) {
			handle_syscall(space, &uregs->gp, trap.by_signal);
			continue;
		}
		linger_end(vcpu);
		handle_trap(space, &uregs->gp, &trap);
	}
}
