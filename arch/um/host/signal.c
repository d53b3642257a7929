// SPDX-License-Identifier: GPL-2.0
/*
 * Host signals that the kernel process takes: its timer, its I/O threads'
 * wake-ups, power-off requests, and faults of the kernel itself.
 *
 * Handlers run on a stack of their own (SA_ONSTACK), which so is the vCPU's
 * interrupt stack. Whether an interrupt is taken is decided by vcpu->irq_on, not
 * by the host's mask; but while a handler of an interrupt runs, those of others
 * wait. Each would take a frame of some KiB, several at once where several
 * signals are pending, and a storm of them (the host stops and continues, spaces
 * die in numbers, somebody sends them) would go on until the stack is full.
 * What is raised meanwhile is seen all the same: local_irq_enable() looks at
 * vcpu->pending, not at signals. Faults are taken at any time.
 */
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/ptrace.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include "syscall.h"

/* The frame's layout is the host's ABI, the same as the guest's. */
struct host_ucontext {
	struct ucontext uc;
};

extern void __restore_rt(void);
extern char __host_sleep[], __host_sleep_call[], __host_sleep_out[];

/* What tells of an event, and not of a fault of the code that runs. */
#define EVENTS	(sigmask(HOST_SIG_TIMER) | sigmask(HOST_SIG_IRQ) | sigmask(SIGCHLD) |	\
		 sigmask(SIGWINCH) | sigmask(SIGTERM) | sigmask(SIGINT) | sigmask(SIGHUP))

static int set_action(int signo, void *handler, unsigned long flags)
{
	struct sigaction sa = {
		.sa_handler = handler,
		.sa_flags = flags | SA_RESTORER,
		.sa_restorer = __restore_rt,
		.sa_mask.sig[0] = sigmask(signo) & EVENTS ? EVENTS : 0,
	};

	return host_call(__NR_rt_sigaction, signo, &sa, NULL, sizeof(sigset_t));
}

/**
 * host_signal_handler() - handle a signal, on the stack of host_altstack()
 */
int host_signal_handler(int signo, host_handler_t handler)
{
	return set_action(signo, handler, SA_SIGINFO | SA_ONSTACK | SA_NODEFER);
}

/**
 * host_signal_child_deaths() - SIGCHLD, but for deaths only
 */
int host_signal_child_deaths(host_handler_t handler)
{
	return set_action(SIGCHLD, handler,
			  SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_NOCLDSTOP);
}

/**
 * host_siginfo_from_outside() - was it sent by kill(2) and not by the hardware
 */
bool host_siginfo_from_outside(const struct siginfo *info)
{
	return info->si_code <= 0;
}

/**
 * host_signal_ignore() - ignore a signal
 */
int host_signal_ignore(int signo)
{
	return set_action(signo, SIG_IGN, 0);
}

/**
 * host_signal_default() - give a signal its default action back
 */
int host_signal_default(int signo)
{
	return set_action(signo, SIG_DFL, 0);
}

/**
 * host_altstack() - the stack of this thread's signal handlers
 */
int host_altstack(void *base, u64 size)
{
	stack_t ss = { .ss_sp = base, .ss_size = size };

	return host_call(__NR_sigaltstack, &ss, NULL);
}

/**
 * host_block_all_signals() - for threads that are not vCPUs
 */
int host_block_all_signals(void)
{
	u64 all = ~0ULL;

	return host_call(__NR_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

/**
 * host_unblock_all_signals() - undo host_block_all_signals(), for this thread
 */
int host_unblock_all_signals(void)
{
	u64 none = 0;

	return host_call(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/**
 * host_signal_mask() - which signals of this thread wait, from now on
 */
int host_signal_mask(u64 mask)
{
	return host_call(__NR_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

/**
 * host_signal_get_mask() - which of them wait now
 */
u64 host_signal_get_mask(void)
{
	u64 mask = 0;

	host_call(__NR_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof(mask));
	return mask;
}

/**
 * host_signal_wait() - until one of these signals, which are blocked, is there
 *
 * Return: its number, or -errno: -EINTR.
 */
int host_signal_wait(u64 signals)
{
	return host_call(__NR_rt_sigtimedwait, &signals, NULL, NULL, sizeof(signals));
}

/**
 * host_uc_get_regs() - the registers that a signal interrupted
 */
void host_uc_get_regs(const struct host_ucontext *huc, struct pt_regs *regs)
{
	const struct sigcontext *sc = (const void *)&huc->uc.uc_mcontext;

	*regs = (struct pt_regs) {
		.r8 = sc->r8, .r9 = sc->r9, .r10 = sc->r10, .r11 = sc->r11,
		.r12 = sc->r12, .r13 = sc->r13, .r14 = sc->r14, .r15 = sc->r15,
		.ax = sc->ax, .bx = sc->bx, .cx = sc->cx, .dx = sc->dx,
		.si = sc->si, .di = sc->di, .bp = sc->bp, .sp = sc->sp,
		.ip = sc->ip, .flags = sc->flags, .cs = KERNEL_CS, .orig_ax = -1,
	};
}

/**
 * host_uc_set_ip_sp() - where the interrupted code goes on
 */
void host_uc_set_ip_sp(struct host_ucontext *huc, unsigned long ip, unsigned long sp)
{
	struct sigcontext *sc = (void *)&huc->uc.uc_mcontext;

	sc->ip = ip;
	sc->sp = sp;
}

/**
 * host_uc_leave_sleep() - if it was on its way to host_epoll_sleep(), it does not sleep
 */
void host_uc_leave_sleep(struct host_ucontext *huc)
{
	struct sigcontext *sc = (void *)&huc->uc.uc_mcontext;

	if (sc->ip >= (u64)__host_sleep && sc->ip <= (u64)__host_sleep_call)
		sc->ip = (u64)__host_sleep_out;
}

/**
 * host_siginfo_addr() - the address that a fault was about
 */
unsigned long host_siginfo_addr(const struct siginfo *info)
{
	return (unsigned long)info->si_addr;
}
