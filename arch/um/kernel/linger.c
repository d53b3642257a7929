// SPDX-License-Identifier: GPL-2.0
/*
 * A task that has woken another goes on for a moment.
 *
 * The scheduler has each task that was woken preempt the one that woke it, as a
 * rule, at the end of that one's system call. Here a switch of tasks is one of
 * host processes too, and costs as much as some ten system calls. A program that
 * fills a pipe wakes its reader with each write: it is cheaper if it fills the
 * pipe first. (Up to Linux 6.5 the scheduler had a "wakeup granularity" of its
 * own, ten times as long as ours, and that was on hardware.)
 *
 * So when the scheduler wants the CPU at the end of a system call, it gets it
 * LINGER_NS later: at the end of another call by then; or with a fault; or, if the
 * program makes no call, as soon as the vCPU has looked in vain for the end of its
 * run (vcpu->owed, engine/runner.c). Whatever the scheduler wants it for, it is
 * owed, and a switch of tasks settles that. Not when a task of a real-time class
 * waits (which only the scheduler's own header can tell), not for what was written
 * to a terminal, and not for a program that shares the vCPU's CPU: nobody would
 * look.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/time64.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/linger.h>
#include <asm/unistd.h>
#include <asm/vcpu.h>
#include "../../../kernel/sched/sched.h"

#define LINGER_NS	(100 * NSEC_PER_USEC)

static bool off __ro_after_init;

static int __init no_linger(char *value)
{
	off = true;
	return 1;
}
__setup("nolinger", no_linger);

/* No task waits that must not; interrupts are disabled. */
static bool may_wait(void)
{
	const struct rq *rq = this_rq();

	return !rq->rt.rt_nr_running && !rq->dl.dl_nr_running;
}

/* What goes to a terminal takes its way through other tasks, to be seen. */
static bool wrote_to_device(const struct pt_regs *regs)
{
	bool device;
	struct fd f;

	if (regs->orig_ax != __NR_write && regs->orig_ax != __NR_writev)
		return false;
	f = fdget(regs->di);
	device = fd_file(f) && S_ISCHR(file_inode(fd_file(f))->i_mode);
	fdput(f);
	return device;
}

/**
 * linger() - may the task go on though the scheduler wants the CPU?
 *
 * At the end of a system call, interrupts enabled: need_resched() is no more set
 * when it may.
 */
void linger(struct vcpu *vcpu, const struct space *space, const struct pt_regs *regs)
{
	bool may = space->spread && !off && !(need_resched() && wrote_to_device(regs));
	unsigned long flags;
	u64 now;

	local_irq_save(flags);
	now = host_monotonic_ns();
	if (!vcpu->owed)
		vcpu->owed = now;
	if (may && now - vcpu->owed < LINGER_NS && may_wait())
		clear_tsk_need_resched(current);
	else
		linger_end(vcpu);
	local_irq_restore(flags);
}
