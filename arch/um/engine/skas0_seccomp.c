// SPDX-License-Identifier: GPL-2.0
/*
 * skas0 over seccomp: every space is a host process with a runner, a thread
 * that executes guest code under a filter which makes each of its system calls
 * a signal. The signal's frame, in pages shared with the kernel, holds the
 * registers; the hand-over is a word of memory (runner.c). The runner changes
 * its own mappings, on orders that guest code cannot give (stub/runner.S).
 *
 * Orders travel with the command to run. Those that take pages away cannot
 * wait for that unless the runner is known to be in the stub: a forged answer
 * would leave guest code running with pages that are somebody else's by then.
 * So space_settle() has them carried out, and the answer signed, before the
 * pages are freed.
 *
 * The vector state stays where the run left it: in the CPU after a patched
 * system call, in the frame after a signal. It is copied only when another
 * thread is to run in the space or when somebody wants to see it. After a
 * patched call the frame of a kick lies where the state to load does: so a kick
 * that is under way is waited for before any is put there, and no other is sent
 * until it is loaded.
 */
#include <linux/audit.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/sigcontext.h>
#include <asm/trapnr.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <asm/weaken.h>
#include <asm/xstate.h>
#include "runner.h"
#include "skas0.h"

/* Flags that guest code has of its own; the rest is as it must be. */
#define USER_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
		    X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | \
		    X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)

struct stub_frame {
	u64 ret;
	struct ucontext uc;
	struct siginfo info;
};

/* Which space runs guest code for a vCPU, for its signal handler. */
static struct space *running[NR_CPUS];

static int __ref start(void)
{
	weaken_init();
	host_raise_nofile();
	spread_init();
	host_pin_to_current_cpu();
	spread_pinned();
	return seed_start();
}

static void space_destroy(struct space *space)
{
	runner_died(space);
	spread_forget(space);
	watch_end(space);
	host_close(space->key_fd);
	area_free(space);
}

static bool space_check(struct space *space)
{
	if (!space->dead && host_is_dead(space->pid))
		runner_died(space);
	return !space->dead;
}

static void put_orders(struct space *space, const struct map_op *ops, unsigned int n)
{
	struct stub_orders *o = space->data;

	BUILD_BUG_ON(ARRAY_SIZE(o->calls) < SPACE_OPS);
	/*
	 * First of all: a runner that should be in the stub and is not could be
	 * reading the calls (see stub/runner.S).
	 */
	WRITE_ONCE(o->calls_for, space->cmd + 1);
	barrier();
	space->takes = false;
	for (unsigned int i = 0; i < n; i++) {
		skas0_encode(&o->calls[i], &ops[i]);
		space->takes |= ops[i].kind != MAP_SET;
	}
	o->nr_calls = n;
}

/* Carry out orders and have it proved. Return: false when they failed. */
static bool update(struct space *space, const struct map_op *ops, unsigned int n)
{
	struct stub_area *a = space->area;

	put_orders(space, ops, n);
	if (!runner_give_key(space) || !runner_do(space, TODO_OPS))
		return true;
	if (runner_signed(space)) {
		space->proven = true;
		return true;
	}
	if (READ_ONCE(a->type) == ANSWER_FAILED)
		return false;
	runner_died(space);
	return true;
}

/*
 * The host has no room for another mapping (vm.max_map_count) or no memory:
 * empty the space; faults fill it again with what is used now.
 */
static void empty(struct space *space)
{
	static const struct map_op all = { .kind = MAP_EMPTY };

	if (!update(space, &all, 1))
		runner_died(space);
}

static void space_update(struct space *space, const struct map_op *ops, unsigned int n)
{
	if (!space->dead && !update(space, ops, n))
		empty(space);
}

static void space_settle(struct space *space)
{
	if (space->proven || weakened(WEAK_NOSETTLE))
		return;
	space_update(space, space->ops, space->nr_ops);
	space->nr_ops = 0;
}

/* What a space's last user left in its area, and where it had what, is secret. */
static void space_reset(struct space *space)
{
	struct stub_orders *o = space->data;

	space->bases_loaded = false;
	space->was_called = false;
	if (weakened(WEAK_NORESET))
		return;
	memset(space->area + AREA_RESULT, 0, (PAGE_SIZE << area_order) - AREA_RESULT);
	memset(o->regs, 0, sizeof(o->regs));
	memset(o->calls, 0, sizeof(o->calls));
	o->ax = 0;
}

/* The vector state as it lies in the area: guest code may have written it. */
static void copy_xstate(struct space *space, struct uregs *uregs)
{
	struct _xstate *x = uregs->xstate;
	u64 reserved;

	memcpy(x, area_at(space->area, runner_fp), runner_fp_size);
	reserved = x->xstate_hdr.reserved1[0] | x->xstate_hdr.reserved1[1];
	for (int i = 0; i < ARRAY_SIZE(x->xstate_hdr.reserved2); i++)
		reserved |= x->xstate_hdr.reserved2[i];
	if (weakened(WEAK_NOXSTATE))
		return;
	if (reserved || x->fpstate.mxcsr & ~xstate_mxcsr_mask() ||
	    x->xstate_hdr.xfeatures & ~xstate_mask)
		xstate_reset(uregs);
}

static void fetch_xstate(struct space *space, struct uregs *uregs)
{
	struct stub_area *a = space->area;

	if (!runner_settle_kick(space))
		return;
	if (space->xstate_in == XSTATE_IN_CPU && !READ_ONCE(a->spilled) &&
	    !runner_do(space, TODO_SPILL))
		return;
	copy_xstate(space, uregs);
}

/* Put these registers' xstate into the runner; save what it holds. */
static void load_xstate(struct space *space, struct uregs *uregs)
{
	if (space->holds == uregs)
		return;
	if (space->holds) {
		fetch_xstate(space, space->holds);
		if (space->dead)
			return;
		space->holds->owner = NULL;
		space->holds = NULL;
	}
	if (uregs->owner) {
		fetch_xstate(uregs->owner, uregs);
		if (uregs->owner)
			uregs->owner->holds = NULL;
		uregs->owner = NULL;
	}
	if (!runner_settle_kick(space))
		return;
	memcpy(area_at(space->area, runner_fp), uregs->xstate, runner_fp_size);
	space->xstate_in = XSTATE_IN_AREA;
	space->holds = uregs;
	uregs->owner = space;
}

/*
 * Do the registers of the last patched call still hold, but for rax? Then the
 * runner takes them from its area, where guest code may have changed them: they
 * are no more than its own registers. Not one that is to be stepped: the step would
 * be over within the stub.
 */
static bool as_called(struct space *space, const struct uregs *uregs)
{
	const u64 *was = (const u64 *)&space->called, *is = (const u64 *)&uregs->gp;
	u64 differ = 0;

	if (!space->was_called || uregs->step || uregs->gp.flags & X86_EFLAGS_TF)
		return false;
	for (int i = 0; i < STUB_NR_REGS; i++)
		if (i != offsetof(struct pt_regs, ax) / 8 &&
		    i != offsetof(struct pt_regs, orig_ax) / 8)
			differ |= was[i] ^ is[i];
	return !differ;
}

/* What to load with the command to run. */
static unsigned int prepare(struct space *space, struct uregs *uregs)
{
	struct stub_orders *o = space->data;
	struct pt_regs *regs = (struct pt_regs *)o->regs;
	unsigned int todo = TODO_RUN;

	if (as_called(space, uregs)) {
		todo |= TODO_CALLED;
		o->ax = uregs->gp.ax;
	} else {
		memcpy(regs, &uregs->gp, sizeof(o->regs));
		regs->cs = USER_CS64;
		regs->ss = USER_SS64;
		regs->flags = (uregs->gp.flags & USER_FLAGS) | X86_EFLAGS_IF |
			X86_EFLAGS_FIXED | (uregs->step ? X86_EFLAGS_TF : 0);
	}
	space->was_called = false;
	if (space->xstate_in == XSTATE_IN_AREA)
		todo |= TODO_XSTATE;
	if (!space->bases_loaded || space->fs != uregs->gp.fs_base) {
		o->fs = uregs->gp.fs_base;
		todo |= TODO_FS;
	}
	if (!space->bases_loaded || space->gs != uregs->gp.gs_base) {
		o->gs = uregs->gp.gs_base;
		todo |= TODO_GS;
	}
	space->fs = uregs->gp.fs_base;
	space->gs = uregs->gp.gs_base;
	space->bases_loaded = true;
	return todo;
}

static u64 user_flags(u64 flags)
{
	return weakened(WEAK_NOFLAGS) ? flags : (flags & USER_FLAGS) | X86_EFLAGS_IF;
}

static void regs_of_frame(struct pt_regs *gp, const struct ucontext *uc)
{
	const struct sigcontext *sc = (const void *)&uc->uc_mcontext;

	gp->r8 = sc->r8;
	gp->r9 = sc->r9;
	gp->r10 = sc->r10;
	gp->r11 = sc->r11;
	gp->r12 = sc->r12;
	gp->r13 = sc->r13;
	gp->r14 = sc->r14;
	gp->r15 = sc->r15;
	gp->di = sc->di;
	gp->si = sc->si;
	gp->bp = sc->bp;
	gp->bx = sc->bx;
	gp->dx = sc->dx;
	gp->ax = sc->ax;
	gp->cx = sc->cx;
	gp->sp = sc->sp;
	gp->ip = sc->ip;
	gp->flags = user_flags(sc->flags);
	gp->cs = USER_CS64;
	gp->ss = USER_SS64;
	gp->orig_ax = -1;
}

static void syscall_trap(struct pt_regs *gp, struct trap *trap)
{
	gp->orig_ax = gp->ax;
	trap->type = TRAP_SYSCALL;
}

/* A system call from a patched site; rcx holds where it goes on. */
static void call_trap(struct space *space, struct pt_regs *gp, struct trap *trap)
{
	struct stub_area *a = space->area;

	memcpy(gp, a->regs, sizeof(a->regs));
	gp->flags = user_flags(gp->flags);
	gp->cs = USER_CS64;
	gp->ss = USER_SS64;
	gp->ip = gp->cx;
	gp->r11 = gp->flags;
	space->called = *gp;
	space->was_called = true;
	syscall_trap(gp, trap);
}

static bool between(u64 ip, const char *from, const char *to)
{
	return ip >= RUNNER_ADDR(from) && ip < RUNNER_ADDR(to);
}

static void signal_trap(struct space *space, struct uregs *uregs, struct trap *trap, u32 signo)
{
	struct stub_frame f;
	struct pt_regs *gp = &uregs->gp;
	const struct sigcontext *sc = (const void *)&f.uc.uc_mcontext;

	/* Read once: guest code could be writing it. */
	memcpy(&f, area_at(space->area, runner_frame), sizeof(f));
	regs_of_frame(gp, &f.uc);
	if (uregs->step)
		gp->flags &= ~X86_EFLAGS_TF;
	trap->type = TRAP_KICK;
	trap->signo = signo;
	trap->code = f.info.si_code;
	trap->addr = (unsigned long)f.info.si_addr;

	/* On its way into the stub, with nothing lost yet. */
	if (between(gp->ip, rstub_syscall, rstub_syscall_saved) &&
	    (signo == STUB_SIG_KICK || signo == SIGTRAP)) {
		struct stub_area *a = space->area;

		if (gp->sp - STUB_AREA < STUB_AREA_MAX)
			gp->sp = READ_ONCE(a->regs[offsetof(struct pt_regs, sp) / 8]);
		gp->ip = gp->cx;
		gp->r11 = gp->flags;
		syscall_trap(gp, trap);
		return;
	}
	switch (signo) {
	case SIGSYS:
		if (f.info.si_arch == AUDIT_ARCH_X86_64) {
			trap->by_signal = true;
			syscall_trap(gp, trap);
			return;
		}
		/* int $0x80: to a kernel without 32-bit programs, a #GP. */
		gp->ip -= 2;
		trap->type = TRAP_SIGNAL;
		trap->signo = SIGSEGV;
		trap->code = SI_KERNEL;
		return;
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
		/* What somebody on the host sent by kill(2) is not the guest's. */
		if (trap->code <= 0)
			return;
		trap->type = TRAP_SIGNAL;
		if (signo == SIGSEGV && sc->trapno == X86_TRAP_PF) {
			trap->type = TRAP_FAULT;
			trap->addr = sc->cr2;
			trap->error = sc->err;
		}
	}
}

static void answer(struct space *space, struct uregs *uregs, struct trap *trap)
{
	struct stub_area *a = space->area;
	u32 type = READ_ONCE(a->type);

	trap->type = TRAP_KICK;
	switch (type) {
	case ANSWER_CALL:
		space->xstate_in = READ_ONCE(a->spilled) ? XSTATE_IN_AREA : XSTATE_IN_CPU;
		call_trap(space, &uregs->gp, trap);
		break;
	case ANSWER_ABORTED:
		/* Nothing ran; what was loaded, nobody knows. */
		if (READ_ONCE(a->spilled))
			space->xstate_in = XSTATE_IN_AREA;
		space->bases_loaded = false;
		return;
	case ANSWER_FAILED:
		space->bases_loaded = false;
		empty(space);
		return;
	default:
		if (type > SIGSYS)
			goto dead;
		space->xstate_in = XSTATE_IN_AREA;
		signal_trap(space, uregs, trap, type);
	}
	/* A program that could have loaded them itself. */
	if (((struct stub_orders *)space->data)->fsgsbase) {
		space->fs = READ_ONCE(a->fs);
		space->gs = READ_ONCE(a->gs);
		uregs->gp.fs_base = space->fs;
		uregs->gp.gs_base = space->gs;
	}
	return;
dead:
	runner_died(space);
	trap->type = TRAP_DEAD;
}

/* Addresses that the CPU refuses to jump to: the fault is the program's. */
static bool bad_ip(struct uregs *uregs, struct trap *trap)
{
	if (likely(uregs->gp.ip < 1UL << 47) || weakened(WEAK_NOBADIP))
		return false;
	*trap = (struct trap) { .type = TRAP_SIGNAL, .signo = SIGSEGV, .code = SI_KERNEL };
	return true;
}

static void run(struct vcpu *vcpu, struct space *space, struct uregs *uregs, struct trap *trap)
{
	struct stub_orders *o = space->data;
	unsigned int todo;

	*trap = (struct trap) { .type = TRAP_DEAD };
	if (space->dead || bad_ip(uregs, trap))
		return;
	load_xstate(space, uregs);
	if (space->dead)
		return;
	spread_choose(vcpu, space);
	if (unlikely(list_empty(&space->watch.list)))
		watch_begin(space);

	/* From here on the vCPU's signal handler may kick. */
	if (READ_ONCE(o->kick))
		WRITE_ONCE(o->kick, 0);
	space->run_cmd = space->cmd + 1;
	space->quiet = space->nr_ops || space->xstate_in == XSTATE_IN_AREA;
	running[vcpu->id] = space;
	barrier();
	WRITE_ONCE(vcpu->runner, space->pid);
	barrier();
	if (READ_ONCE(vcpu->pending)) {
		WRITE_ONCE(vcpu->runner, 0);
		trap->type = TRAP_KICK;
		return;
	}
	todo = prepare(space, uregs);
	if (space->nr_ops) {
		put_orders(space, space->ops, space->nr_ops);
		space->nr_ops = 0;
		runner_give_key(space);
		todo |= TODO_OPS;
	}
	space->proven = false;
	if (!space->dead) {
		space->brief = vcpu->owed ? vcpu->tid : 0;
		runner_post(space, todo);
		spread_posted(space);
		runner_wait(space);
		space->brief = 0;
	}
	WRITE_ONCE(vcpu->runner, 0);
	if (!space->dead)
		answer(space, uregs, trap);
}

/*
 * No signal while orders are carried out or the vector state is loaded, and
 * never two under way: the stub looks at orders->kick when it is done with any.
 */
static void kick(struct vcpu *vcpu)
{
	struct space *space = running[vcpu->id];
	struct stub_orders *o = space->data;
	struct stub_area *a = space->area;

	__atomic_store_n(&o->kick, 1, __ATOMIC_SEQ_CST);
	if (space->quiet && __atomic_load_n(&a->progress, __ATOMIC_SEQ_CST) != space->run_cmd)
		return;
	if (space->kick_out && !__atomic_load_n(&a->kicked, __ATOMIC_SEQ_CST))
		return;
	space->kick_out = true;
	__atomic_store_n(&a->kicked, 0, __ATOMIC_SEQ_CST);
	host_tgkill(space->pid, space->pid, STUB_SIG_KICK);
}

static unsigned long syscall_entry(void)
{
	return RUNNER_ADDR(rstub_syscall);
}

const struct engine engine_skas0_seccomp = {
	.name = "SKAS0",
	.transport = "seccomp",
	.syscall_entry = syscall_entry,
	.cpuid_page = seed_cpuid_page,
	.probe = skas0_probe_seccomp,
	.start = start,
	.space_create = seed_clone,
	.space_destroy = space_destroy,
	.space_check = space_check,
	.space_reset = space_reset,
	.space_update = space_update,
	.space_settle = space_settle,
	.run = run,
	.fetch_xstate = fetch_xstate,
	.kick = kick,
};
