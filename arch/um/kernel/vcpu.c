// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs: how interrupts reach them, and how they sleep.
 *
 * Raising an interrupt sets a bit in vcpu->pending and makes the vCPU look. If
 * it sleeps on that word a futex wake does; else a host signal does, whose
 * handler runs the interrupt at once where interrupts are enabled. Where they
 * are disabled the bit waits for local_irq_enable(). While guest code runs
 * interrupts are disabled, and the handler stops the runner instead.
 *
 * A vCPU that has nothing to do waits for the descriptors of devices itself, so
 * that what comes there (a frame, a key) is in the kernel after one wake-up of the
 * host and not two. A signal ends that sleep as well.
 */
#include <linux/atomic.h>
#include <linux/entry-common.h>
#include <linux/hardirq.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/irq_regs.h>
#include <asm/trap.h>
#include <asm/um_time.h>
#include <asm/vcpu.h>

#define IRQ_STACK_SIZE	(64 * 1024)

struct vcpu vcpu0;
static char irq_stack[IRQ_STACK_SIZE] __aligned(16);
static int kernel_pid __ro_after_init;

/* For vcpu_sleep_on(). */
static int sleep_fd = -1;
static int (*sleep_event)(u32 id) __ro_after_init;

/* Another host thread looks at the vCPU's state after the bit is set. */
static void set_pending(struct vcpu *vcpu, unsigned int irq)
{
	__atomic_fetch_or(&vcpu->pending, 1U << irq, __ATOMIC_SEQ_CST);
}

/**
 * vcpu_raise() - raise an interrupt; from any host thread
 */
void vcpu_raise(struct vcpu *vcpu, unsigned int irq)
{
	set_pending(vcpu, irq);
	if (__atomic_load_n(&vcpu->state, __ATOMIC_SEQ_CST) == VCPU_IDLE)
		host_futex_wake(&vcpu->pending);
	else
		host_tgkill(kernel_pid, vcpu->tid, HOST_SIG_IRQ);
}

static void run_irqs(struct pt_regs *regs)
{
	struct vcpu *vcpu = this_vcpu();
	struct pt_regs *old = set_irq_regs(regs);
	unsigned int pending;

	irq_enter_rcu();
	while ((pending = __atomic_exchange_n(&vcpu->pending, 0, __ATOMIC_SEQ_CST)))
		while (pending) {
			unsigned int irq = __ffs(pending);

			pending &= ~(1U << irq);
			generic_handle_irq(irq);
		}
	irq_exit_rcu();
	set_irq_regs(old);
}

static void irq_entry(struct pt_regs *regs)
{
	irqentry_state_t state = irqentry_enter(regs);

	run_irqs(regs);
	irqentry_exit(regs, state);
}

/**
 * vcpu_run_pending() - run what came in while interrupts were disabled
 *
 * Called by local_irq_enable(), with interrupts enabled.
 */
void vcpu_run_pending(void)
{
	struct vcpu *vcpu = this_vcpu();
	struct pt_regs regs = {
		.cs = KERNEL_CS,
		.ip = (unsigned long)__builtin_return_address(0),
		.bp = (unsigned long)__builtin_frame_address(0),
		.sp = (unsigned long)__builtin_frame_address(0),
	};

	do {
		WRITE_ONCE(vcpu->irq_on, 0);
		irq_entry(&regs);
		WRITE_ONCE(vcpu->irq_on, 1);
		barrier();
	} while (READ_ONCE(vcpu->pending));
}
EXPORT_SYMBOL(vcpu_run_pending);

/**
 * vcpu_irq_from_user() - run what stopped a runner; interrupts are disabled
 */
void vcpu_irq_from_user(struct pt_regs *regs)
{
	if (READ_ONCE(this_vcpu()->pending))
		irq_entry(regs);
	else
		irqentry_exit(regs, irqentry_enter(regs));
}

/* A host signal for this vCPU. */
static void host_interrupt(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	struct vcpu *vcpu = this_vcpu();

	host_uc_leave_sleep(uc);
	if (signo == HOST_SIG_TIMER)
		set_pending(vcpu, IRQ_TIMER);
	if (READ_ONCE(vcpu->irq_on)) {
		struct pt_regs regs;

		host_uc_get_regs(uc, &regs);
		while (READ_ONCE(vcpu->pending)) {
			WRITE_ONCE(vcpu->irq_on, 0);
			irq_entry(&regs);
			WRITE_ONCE(vcpu->irq_on, 1);
			barrier();
		}
	} else if (READ_ONCE(vcpu->runner)) {
		engine->kick(vcpu);
	}
}

/**
 * vcpu_sleep_on() - have idle vCPUs wait for descriptors, too
 * @epfd: of epoll
 * @event: what is done with one that is ready; returns the interrupt, or -1
 */
void __init vcpu_sleep_on(int epfd, int (*event)(u32 id))
{
	sleep_event = event;
	sleep_fd = epfd;
}

/* Return: whether this host can do that. */
static bool idle_on_events(struct vcpu *vcpu)
{
	u64 deadline = time_enter_idle(vcpu), now = host_monotonic_ns();
	u64 ns = !deadline ? U64_MAX : deadline > now ? deadline - now : 0;
	u32 id;
	int n = host_epoll_sleep(sleep_fd, &vcpu->pending, ns, &id);
	int irq = n > 0 ? sleep_event(id) : n ? -1 : IRQ_TIMER;

	if (irq >= 0)
		set_pending(vcpu, irq);
	return n >= 0 || n == -EINTR;
}

/**
 * vcpu_idle() - sleep until an interrupt; interrupts are disabled
 */
void vcpu_idle(void)
{
	struct vcpu *vcpu = this_vcpu();

	if (sleep_fd >= 0) {
		if (idle_on_events(vcpu))
			return;
		sleep_fd = -1;		/* a host before Linux 5.11 */
	}
	__atomic_store_n(&vcpu->state, VCPU_IDLE, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&vcpu->pending, __ATOMIC_SEQ_CST)) {
		int err = host_futex_wait(&vcpu->pending, 0, time_enter_idle(vcpu));

		if (err == -ETIMEDOUT)
			set_pending(vcpu, IRQ_TIMER);
	}
	__atomic_store_n(&vcpu->state, VCPU_KERNEL, __ATOMIC_SEQ_CST);
}

/**
 * vcpu_is_idle() - has it nothing to run; from any host thread
 *
 * A hint: it may have by the time of the return.
 */
bool vcpu_is_idle(const struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->current_task) == idle_task(vcpu->id);
}

/**
 * vcpu_init() - make the calling host thread a vCPU
 *
 * The task that runs is init_task. Called before anything that uses current
 * or disables interrupts.
 */
void __init vcpu_init(struct vcpu *vcpu, int id)
{
	BUILD_BUG_ON(offsetof(struct vcpu, self) != VCPU_SELF);
	BUILD_BUG_ON(offsetof(struct vcpu, current_task) != VCPU_CURRENT);
	BUILD_BUG_ON(offsetof(struct vcpu, irq_on) != VCPU_IRQ_ON);
	BUILD_BUG_ON(offsetof(struct vcpu, pending) != VCPU_PENDING);

	vcpu->self = vcpu;
	vcpu->current_task = &init_task;
	vcpu->id = id;
	vcpu->tid = host_gettid();
	kernel_pid = host_getpid();
	host_set_fs_base(vcpu);
	/* Whoever started us may have blocked or ignored what we live on. */
	host_unblock_all_signals();
	host_signal_default(SIGCHLD);
	host_altstack(irq_stack, IRQ_STACK_SIZE);
	host_signal_handler(HOST_SIG_IRQ, host_interrupt);
	host_signal_handler(HOST_SIG_TIMER, host_interrupt);
}
