// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of guest programs that are no memory accesses, and faults of the
 * kernel itself. The latter arrive as host signals on the interrupt stack; an
 * oops goes on, outside the handler, on the stack where the fault happened.
 */
#include <linux/extable.h>
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/extable.h>
#include <asm/host.h>
#include <asm/trap.h>
#include <asm/trapnr.h>
#include <asm/vcpu.h>
#include <asm/xstate.h>

/**
 * handle_signal_trap() - a synchronous host signal becomes the guest's
 */
void handle_signal_trap(struct pt_regs *regs, const struct trap *trap)
{
	struct thread_struct *t = &current->thread;
	static const u8 vector[] = {
		[SIGFPE] = X86_TRAP_MF, [SIGILL] = X86_TRAP_UD,
		[SIGBUS] = X86_TRAP_AC, [SIGSEGV] = X86_TRAP_GP,
	};
	void __user *addr = (void __user *)trap->addr;
	int code = trap->code;

	t->error_code = 0;
	if (trap->signo == SIGTRAP) {
		t->trap_nr = code == SI_KERNEL ? X86_TRAP_BP : X86_TRAP_DB;
		if (code == SI_KERNEL) {
			force_sig(SIGTRAP);
			return;
		}
		force_sig_fault(SIGTRAP, code, (void __user *)regs->ip);
		return;
	}
	t->trap_nr = vector[trap->signo];
	if (trap->signo == SIGFPE)
		t->trap_nr = code == FPE_INTDIV || code == FPE_INTOVF ? X86_TRAP_DE :
			     xstate_sse_exception(&t->uregs) ? X86_TRAP_XF : X86_TRAP_MF;
	if (code == SI_KERNEL)
		force_sig(trap->signo);
	else
		force_sig_fault(trap->signo, code, addr);
}

/**
 * um_show_regs() - print registers
 */
void um_show_regs(const struct pt_regs *regs)
{
	pr_emerg("RIP: %04lx:%pS\n", regs->cs & 0xffff,
		 user_mode(regs) ? NULL : (void *)regs->ip);
	pr_emerg("RIP: %016lx RSP: %016lx EFLAGS: %08lx\n", regs->ip, regs->sp, regs->flags);
	pr_emerg("RAX: %016lx RBX: %016lx RCX: %016lx\n", regs->ax, regs->bx, regs->cx);
	pr_emerg("RDX: %016lx RSI: %016lx RDI: %016lx\n", regs->dx, regs->si, regs->di);
	pr_emerg("RBP: %016lx R08: %016lx R09: %016lx\n", regs->bp, regs->r8, regs->r9);
	pr_emerg("R10: %016lx R11: %016lx R12: %016lx\n", regs->r10, regs->r11, regs->r12);
	pr_emerg("R13: %016lx R14: %016lx R15: %016lx\n", regs->r13, regs->r14, regs->r15);
}

void show_regs(struct pt_regs *regs)
{
	show_regs_print_info(KERN_DEFAULT);
	um_show_regs(regs);
	if (!user_mode(regs))
		show_stack(NULL, (unsigned long *)regs->bp, KERN_DEFAULT);
}

/* An access that may fault says in the exception table where to go on. */
static bool repair(struct pt_regs *regs)
{
	const struct exception_table_entry *e = search_exception_tables(regs->ip);

	if (!e)
		return false;
	regs->ip = (unsigned long)&e->fixup + e->fixup;
	return true;
}

static const char *const fault_name[] = {
	[SIGSEGV] = "unable to handle a page fault",
	[SIGBUS] = "bus error (is the host out of memory?)",
	[SIGILL] = "invalid opcode",
	[SIGFPE] = "divide error",
	[SIGTRAP] = "breakpoint",
};

/* What the handler leaves for oops_continue(). */
static struct {
	struct pt_regs regs;
	int signo;
	unsigned long addr;
	bool outside;
} oops;

/* The oops itself, on the stack of the code that faulted. */
static void __noreturn oops_continue(void)
{
	static int count;
	bool in_irq = in_interrupt();

	if (oops.outside)
		panic("killed by signal %d from outside", oops.signo);
	oops_enter();
	console_verbose();
	bust_spinlocks(1);
	pr_emerg("BUG: kernel %s, address %016lx\n", fault_name[oops.signo], oops.addr);
	pr_emerg("Oops: signal %d [#%d]\n", oops.signo, ++count);
	print_modules();
	show_regs(&oops.regs);
	bust_spinlocks(0);
	add_taint(TAINT_DIE, LOCKDEP_NOW_UNRELIABLE);
	oops_exit();
	if (in_irq)
		panic("Fatal exception in interrupt");
	if (this_vcpu()->runner)
		panic("Fatal exception while guest code runs");
	if (panic_on_oops)
		panic("Fatal exception");
	make_task_dead(SIGSEGV);
}

/* A fault of the kernel: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP. */
static void host_fault(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	struct pt_regs regs;

	host_uc_get_regs(uc, &regs);
	if (!host_siginfo_from_outside(info) && repair(&regs)) {
		host_uc_set_ip_sp(uc, regs.ip, regs.sp);
		return;
	}
	oops.regs = regs;
	oops.signo = signo;
	oops.outside = host_siginfo_from_outside(info);
	oops.addr = host_siginfo_addr(info);
	/* As if the faulting code had called it: below its red zone, aligned. */
	host_uc_set_ip_sp(uc, (unsigned long)oops_continue, ((regs.sp - 256) & ~15UL) - 8);
}

/**
 * trap_init_host() - take the host signals that tell of faults of the kernel
 */
void __init trap_init_host(void)
{
	host_signal_handler(SIGSEGV, host_fault);
	host_signal_handler(SIGBUS, host_fault);
	host_signal_handler(SIGILL, host_fault);
	host_signal_handler(SIGFPE, host_fault);
	host_signal_handler(SIGTRAP, host_fault);
	host_signal_ignore(SIGPIPE);
}

/**
 * copy_nofault() - copy between kernel addresses that may not be there
 *
 * Return: bytes that were not copied.
 */
unsigned long copy_nofault(void *to, const void *from, unsigned long n)
{
	asm volatile("1:	rep movsb\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D" (to), "+S" (from), "+c" (n) : : "memory");
	return n;
}
EXPORT_SYMBOL(copy_nofault);
