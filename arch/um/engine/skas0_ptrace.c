// SPDX-License-Identifier: GPL-2.0
/*
 * skas0 over ptrace: every space is a host process, traced by the vCPU's
 * thread. Guest code runs under PTRACE_SYSEMU, where each of its system calls
 * is a stop and none is the host's. The host process itself makes host calls
 * only when it runs the stub, which happens under PTRACE_CONT from one stop to
 * the next with registers that we set.
 *
 * Spaces are clones of one small process, the seed, in which nothing but the
 * stub is mapped: cloning it costs a fraction of cloning the kernel process.
 * PTRACE_O_EXITKILL ends all of them with the kernel process.
 *
 * A kick that comes between the last look at vcpu->pending and the wait is not
 * lost: the host signal's handler asks for a stop (PTRACE_INTERRUPT), which
 * waits in the tracee for its next return to user mode.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/stub.h>
#include <asm/stub_vdso.h>
#include "skas0.h"

/* Status words of wait4(2). */
#define STOPPED(status)		(((status) & 0xff) == 0x7f)
#define STOP_SIGNAL(status)	(((status) >> 8) & 0xff)
#define STOP_EVENT(status)	((status) >> 16)

/* Shared with the seed while it starts; it waits for this. */
static int seed_pid;
static char stub_page[PAGE_SIZE] __aligned(PAGE_SIZE);
static char seed_data[PAGE_SIZE] __aligned(PAGE_SIZE);

/* Wait for a stop. Return: false when the process is gone. */
static bool wait_stop(int pid, int *status)
{
	int err;

	do {
		err = host_wait(pid, status);
	} while (err == -EINTR);
	return err == pid && STOPPED(*status);
}

/*
 * Let a process run the stub until it traps. Kicks and signals from outside
 * may stop it on the way; they wait.
 */
static bool run_stub(int pid, struct pt_regs *regs)
{
	int status;

	regs->orig_ax = -1;
	if (host_ptrace_setregs(pid, regs))
		return false;
	for (;;) {
		if (host_ptrace_resume(pid, PTRACE_CONT, 0) || !wait_stop(pid, &status))
			return false;
		if (!STOP_EVENT(status) && STOP_SIGNAL(status) == SIGTRAP)
			return host_ptrace_getregs(pid, regs) == 0;
		if (!STOP_EVENT(status) && (STOP_SIGNAL(status) == SIGSEGV ||
					    STOP_SIGNAL(status) == SIGBUS ||
					    STOP_SIGNAL(status) == SIGILL))
			return false;
	}
}

static void stub_regs(struct pt_regs *regs, unsigned long ip)
{
	*regs = (struct pt_regs) {
		.ip = ip, .cs = USER_CS64, .ss = USER_SS64, .flags = X86_EFLAGS_IF,
	};
}

static void space_died(struct space *space)
{
	int status;

	if (space->dead)
		return;
	space->dead = true;
	/* Gone already or not: nothing of it stays, no zombie either. */
	host_kill(space->pid, SIGKILL);
	do {
		status = 0;
	} while (host_wait(space->pid, &status) == -EINTR || STOPPED(status));
	if (space->holds) {
		space->holds->owner = NULL;
		space->holds = NULL;
	}
}

/*
 * In the child of the kernel process that becomes the seed. It shares the
 * kernel's data, so it writes nothing but its stack and what it is asked for.
 */
static void __noreturn become_seed(int parent)
{
	host_die_with(parent);
	host_block_all_signals();
	while (!READ_ONCE(seed_pid))
		host_yield();
	stub_vdso_keep();
	if (host_map_shared_new((void *)STUB_CODE, PAGE_SIZE, HOST_PROT_READ | HOST_PROT_EXEC,
				physmem_fd, __pa(stub_page)) ||
	    host_map_shared_new((void *)STUB_DATA, PAGE_SIZE, HOST_PROT_READ, physmem_fd,
				__pa(seed_data)) ||
	    host_seal_fds(&physmem_fd, 1))
		host_exit(1);
	((void (*)(void))STUB_ADDR(stub_enter))();
	unreachable();
}

static int start(void)
{
	int parent = host_getpid(), pid, status, err;

	/*
	 * Kernel and guest code take turns. On one CPU a turn costs two thirds
	 * of what it costs across two; spaces inherit the choice.
	 */
	host_pin_to_current_cpu();
	memcpy(stub_page, __stub_start, __stub_end - __stub_start);
	pid = host_fork();
	if (pid < 0)
		return pid;
	if (!pid)
		become_seed(parent);
	err = host_ptrace_seize(pid);
	if (err) {
		host_kill(pid, SIGKILL);
		return err;
	}
	WRITE_ONCE(seed_pid, pid);
	if (!wait_stop(pid, &status))
		return -EPERM;
	return STOP_SIGNAL(status) == SIGTRAP ? 0 : -ENOMEM;
}

static int space_create(struct space *space)
{
	struct pt_regs regs;
	unsigned long child = 0;
	int status;

	stub_regs(&regs, STUB_ADDR(stub_clone));
	regs.di = CLONE_PARENT | SIGCHLD;
	regs.r12 = __pa(space->data);
	regs.orig_ax = -1;
	if (host_ptrace_setregs(seed_pid, &regs))
		return -ESRCH;
	for (;;) {
		if (host_ptrace_resume(seed_pid, PTRACE_CONT, 0) ||
		    !wait_stop(seed_pid, &status))
			return -ESRCH;
		if (STOP_EVENT(status) == PTRACE_EVENT_FORK ||
		    STOP_EVENT(status) == PTRACE_EVENT_CLONE)
			host_ptrace_eventmsg(seed_pid, &child);
		else if (!STOP_EVENT(status) && STOP_SIGNAL(status) == SIGTRAP)
			break;
	}
	if (!child) {
		host_ptrace_getregs(seed_pid, &regs);
		return (long)regs.ax < 0 ? (int)regs.ax : -EAGAIN;
	}
	/* The child starts with a stop, then maps its data page and traps. */
	space->pid = child;
	space->dead = false;
	if (!wait_stop(child, &status))
		goto dead;
	for (;;) {
		if (host_ptrace_resume(child, PTRACE_CONT, 0) || !wait_stop(child, &status))
			goto dead;
		if (!STOP_EVENT(status) && STOP_SIGNAL(status) == SIGTRAP)
			break;
	}
	if (host_ptrace_getregs(child, &regs) || regs.ax != STUB_DATA) {
		space_died(space);
		return -ENOMEM;
	}
	return 0;
dead:
	space_died(space);
	return -EAGAIN;
}

static void space_destroy(struct space *space)
{
	space_died(space);
}

static bool space_check(struct space *space)
{
	if (!space->dead && host_is_dead(space->pid))
		space_died(space);
	return !space->dead;
}

static void space_update(struct space *space, const struct map_op *ops, unsigned int n)
{
	struct stub_call *calls = space->data;
	static const struct map_op empty = { .kind = MAP_EMPTY };
	struct pt_regs regs;
	unsigned int i;

	BUILD_BUG_ON(SPACE_OPS + 1 > STUB_CALLS);
	BUILD_BUG_ON(sizeof(struct stub_call) != STUB_CALL_SIZE);
	if (space->dead)
		return;
	for (i = 0; i < n; i++)
		skas0_encode(&calls[i], &ops[i]);
	stub_regs(&regs, STUB_ADDR(stub_batch));
	regs.r12 = STUB_DATA;
	regs.r13 = n;
	if (!run_stub(space->pid, &regs)) {
		space_died(space);
		return;
	}
	if (likely(!regs.r13))
		return;

	/*
	 * The host has no room for another mapping (vm.max_map_count) or no
	 * memory: empty the space; faults fill it again with what is used now.
	 */
	skas0_encode(&calls[0], &empty);
	stub_regs(&regs, STUB_ADDR(stub_batch));
	regs.r12 = STUB_DATA;
	regs.r13 = 1;
	if (!run_stub(space->pid, &regs) || regs.r13)
		space_died(space);
}

static void fetch_xstate(struct space *space, struct uregs *uregs)
{
	if (!space->dead)
		host_ptrace_get_xstate(space->pid, uregs->xstate, xstate_size);
}

/* Put these registers' xstate into the runner; save what it holds. */
static bool load_xstate(struct space *space, struct uregs *uregs)
{
	if (space->holds == uregs)
		return true;
	if (space->holds) {
		fetch_xstate(space, space->holds);
		space->holds->owner = NULL;
		space->holds = NULL;
	}
	if (uregs->owner) {
		fetch_xstate(uregs->owner, uregs);
		uregs->owner->holds = NULL;
		uregs->owner = NULL;
	}
	if (host_ptrace_set_xstate(space->pid, uregs->xstate, xstate_size))
		return false;
	space->holds = uregs;
	uregs->owner = space;
	return true;
}

/* A selector that the program loaded with privilege 0 cannot be set again. */
static unsigned long selector(unsigned long sel)
{
	return sel ? sel | 3 : 0;
}

static void get_regs(int pid, struct pt_regs *regs)
{
	host_ptrace_getregs(pid, regs);
	regs->ds = selector(regs->ds);
	regs->es = selector(regs->es);
	regs->fs = selector(regs->fs);
	regs->gs = selector(regs->gs);
}

/*
 * The instruction leaves where it goes on in rcx. int $0x80, which a host with
 * 32-bit programs takes for a call as well, does not: to a kernel without them it
 * is a #GP.
 */
static void system_call(struct pt_regs *gp, struct trap *trap)
{
	if (likely(gp->cx == gp->ip)) {
		trap->type = TRAP_SYSCALL;
		return;
	}
	gp->ip -= 2;
	gp->ax = gp->orig_ax;
	gp->orig_ax = -1;
	*trap = (struct trap) { .type = TRAP_SIGNAL, .signo = SIGSEGV, .code = SI_KERNEL };
}

static void run(struct vcpu *vcpu, struct space *space, struct uregs *uregs, struct trap *trap)
{
	int pid = space->pid, status, err;

	trap->type = TRAP_DEAD;
	if (space->nr_ops) {
		space_update(space, space->ops, space->nr_ops);
		space->nr_ops = 0;
	}
	if (space->dead || !load_xstate(space, uregs))
		return;
	uregs->gp.orig_ax = -1;
	if (host_ptrace_setregs(pid, &uregs->gp)) {
		space_died(space);
		return;
	}

	WRITE_ONCE(vcpu->runner, pid);
	barrier();
	if (READ_ONCE(vcpu->pending)) {
		WRITE_ONCE(vcpu->runner, 0);
		trap->type = TRAP_KICK;
		return;
	}
	do {
		err = host_ptrace_resume(pid, uregs->step ? PTRACE_SYSEMU_SINGLESTEP :
				     PTRACE_SYSEMU, 0);
		if (!err && !wait_stop(pid, &status))
			err = -ESRCH;
		/* Nothing may stay behind for the next who runs here. */
	} while (!err && STOP_EVENT(status) && host_ptrace_fault_pending(pid));
	WRITE_ONCE(vcpu->runner, 0);
	if (err) {
		space_died(space);
		return;
	}

	get_regs(pid, &uregs->gp);
	if (STOP_SIGNAL(status) == (SIGTRAP | HOST_PTRACE_SYSCALL_STOP)) {
		system_call(&uregs->gp, trap);
		return;
	}
	uregs->gp.orig_ax = -1;
	trap->type = TRAP_KICK;
	if (STOP_EVENT(status))
		return;
	trap->signo = STOP_SIGNAL(status);
	switch (trap->signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
		/* What somebody on the host sent by kill(2) is not the guest's. */
		if (host_ptrace_siginfo(pid, &trap->code, &trap->addr) || trap->code <= 0)
			return;
		trap->type = TRAP_SIGNAL;
		if (trap->signo == SIGSEGV && (trap->code == SEGV_MAPERR ||
					       trap->code == SEGV_ACCERR))
			trap->type = TRAP_FAULT;
		return;
	}
}

static void kick(struct vcpu *vcpu)
{
	host_ptrace_interrupt(vcpu->runner);
}

const struct engine engine_skas0_ptrace = {
	.name = "SKAS0",
	.transport = "ptrace",
	.by_ptrace = true,
	.probe = skas0_probe,
	.start = start,
	.space_create = space_create,
	.space_destroy = space_destroy,
	.space_check = space_check,
	.space_update = space_update,
	.run = run,
	.fetch_xstate = fetch_xstate,
	.kick = kick,
};
