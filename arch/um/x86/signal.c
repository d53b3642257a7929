// SPDX-License-Identifier: GPL-2.0
/*
 * Signals of guest programs: the frame on their stack, which is the x86-64 ABI
 * (asm/sigcontext.h, asm/ucontext.h), and the way back.
 *
 * From the stack pointer up: return address, ucontext, siginfo; then, aligned
 * to 64, the XSAVE area, followed by a magic word.
 */
#include <linux/entry-common.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <asm/sigcontext.h>
#include <asm/sites.h>
#include <asm/space.h>
#include <asm/syscall.h>
#include <asm/ucontext.h>
#include <asm/xstate.h>

struct rt_sigframe {
	char __user *pretcode;
	struct ucontext uc;
	struct siginfo info;
};

/* Flags that a program may change. */
#define FIX_EFLAGS (X86_EFLAGS_AC | X86_EFLAGS_OF | X86_EFLAGS_DF | X86_EFLAGS_TF | \
		    X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF | X86_EFLAGS_PF | \
		    X86_EFLAGS_CF | X86_EFLAGS_RF)

#define UC_FLAGS (UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS)

static int save_xstate(void __user *to)
{
	struct uregs *u = &current->thread.uregs;
	struct _xstate *x;
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = xstate_size + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = xstate_mask,
		.xstate_size = xstate_size,
	};

	uregs_fetch(u);
	x = u->xstate;
	x->fpstate.sw_reserved = sw;
	if (__copy_to_user(to, x, xstate_size) ||
	    __put_user(FP_XSTATE_MAGIC2, (u32 __user *)(to + xstate_size)))
		return -EFAULT;
	return 0;
}

/*
 * The program may have written anything there. The state is taken whole when
 * both magic words are there, else only its first 512 bytes; the host checks
 * the rest when it is loaded.
 */
static int restore_xstate(const void __user *from)
{
	struct uregs *u = &current->thread.uregs;
	struct _xstate *x;
	struct _fpx_sw_bytes sw;
	u32 magic2 = 0;
	u64 reserved;

	if (!from) {
		uregs_drop(u);
		xstate_reset(u);
		return 0;
	}
	if ((unsigned long)from & 63 || !access_ok(from, xstate_size + FP_XSTATE_MAGIC2_SIZE))
		return -EFAULT;
	uregs_fetch(u);
	uregs_drop(u);
	x = u->xstate;
	if (__copy_from_user(&sw, from + offsetof(struct _fpstate_64, sw_reserved), sizeof(sw)))
		return -EFAULT;
	if (sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size >= sizeof(struct _xstate) &&
	    sw.xstate_size <= xstate_size &&
	    __get_user(magic2, (u32 __user *)(from + sw.xstate_size)))
		return -EFAULT;
	xstate_reset(u);
	if (magic2 == FP_XSTATE_MAGIC2) {
		if (__copy_from_user(x, from, sw.xstate_size))
			goto fault;
		x->xstate_hdr.xfeatures &= sw.xfeatures & xstate_mask;
	} else {
		if (__copy_from_user(x, from, 512))
			goto fault;
		x->xstate_hdr.xfeatures = 3;
	}
	reserved = x->xstate_hdr.reserved1[0] | x->xstate_hdr.reserved1[1];
	for (int i = 0; i < ARRAY_SIZE(x->xstate_hdr.reserved2); i++)
		reserved |= x->xstate_hdr.reserved2[i];
	if (reserved || x->fpstate.mxcsr & ~xstate_mxcsr_mask()) {
		xstate_reset(u);
		return -EINVAL;
	}
	x->fpstate.sw_reserved.xfeatures = xstate_mask;
	return 0;
fault:
	/* What came in before the fault is not checked. */
	xstate_reset(u);
	return -EFAULT;
}

static int save_sigcontext(struct sigcontext_64 __user *sc, struct pt_regs *regs,
			   void __user *fp, unsigned long mask)
{
	struct thread_struct *t = &current->thread;
	struct sigcontext_64 c = {
		.r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11,
		.r12 = regs->r12, .r13 = regs->r13, .r14 = regs->r14, .r15 = regs->r15,
		.di = regs->di, .si = regs->si, .bp = regs->bp, .bx = regs->bx,
		.dx = regs->dx, .ax = regs->ax, .cx = regs->cx, .sp = regs->sp,
		.ip = regs->ip, .flags = regs->flags, .cs = regs->cs, .ss = regs->ss,
		.err = t->error_code, .trapno = t->trap_nr, .oldmask = mask,
		.cr2 = t->cr2, .fpstate = (u64)fp,
	};

	return __copy_to_user(sc, &c, sizeof(c)) ? -EFAULT : 0;
}

static int restore_sigcontext(struct pt_regs *regs, const struct sigcontext_64 __user *sc)
{
	struct sigcontext_64 c;

	if (__copy_from_user(&c, sc, sizeof(c)))
		return -EFAULT;
	regs->r8 = c.r8;
	regs->r9 = c.r9;
	regs->r10 = c.r10;
	regs->r11 = c.r11;
	regs->r12 = c.r12;
	regs->r13 = c.r13;
	regs->r14 = c.r14;
	regs->r15 = c.r15;
	regs->di = c.di;
	regs->si = c.si;
	regs->bp = c.bp;
	regs->bx = c.bx;
	regs->dx = c.dx;
	regs->ax = c.ax;
	regs->cx = c.cx;
	regs->sp = c.sp;
	regs->ip = c.ip;
	regs->flags = (regs->flags & ~FIX_EFLAGS) | (c.flags & FIX_EFLAGS);
	regs->cs = USER_CS64;
	regs->ss = USER_SS64;
	regs->orig_ax = -1;
	return restore_xstate((const void __user *)c.fpstate);
}

static int setup_rt_frame(struct ksignal *ksig, struct pt_regs *regs)
{
	struct rt_sigframe __user *frame;
	unsigned long sp = sigsp(regs->sp - 128, ksig);	/* below the red zone */
	sigset_t *set = sigmask_to_save();
	void __user *fp;

	if (!(ksig->ka.sa.sa_flags & SA_RESTORER))
		return -EFAULT;
	sp = round_down(sp - xstate_size - FP_XSTATE_MAGIC2_SIZE, 64);
	fp = (void __user *)sp;
	/* The ABI: at the handler's entry rsp + 8 is a multiple of 16. */
	sp = round_down(sp - sizeof(*frame), 16) - 8;
	frame = (void __user *)sp;
	/* A frame that leaves the alternate stack would damage what is below it. */
	if (on_sig_stack(regs->sp) && !on_sig_stack(sp))
		return -EFAULT;
	if (!access_ok(frame, xstate_size + sizeof(*frame) + 256))
		return -EFAULT;

	if (save_xstate(fp) ||
	    (ksig->ka.sa.sa_flags & SA_SIGINFO &&
	     copy_siginfo_to_user(&frame->info, &ksig->info)) ||
	    __put_user(UC_FLAGS, &frame->uc.uc_flags) ||
	    __put_user(NULL, &frame->uc.uc_link) ||
	    __save_altstack(&frame->uc.uc_stack, regs->sp) ||
	    save_sigcontext((void __user *)&frame->uc.uc_mcontext, regs, fp, set->sig[0]) ||
	    __copy_to_user(&frame->uc.uc_sigmask, set, sizeof(*set)) ||
	    __put_user((char __user *)ksig->ka.sa.sa_restorer, &frame->pretcode))
		return -EFAULT;

	/* A handler starts with a fresh state; the frame has the program's. */
	uregs_drop(&current->thread.uregs);
	xstate_reset(&current->thread.uregs);
	regs->di = ksig->sig;
	regs->ax = 0;
	regs->si = (unsigned long)&frame->info;
	regs->dx = (unsigned long)&frame->uc;
	regs->ip = (unsigned long)ksig->ka.sa.sa_handler;
	regs->sp = sp;
	regs->cs = USER_CS64;
	regs->ss = USER_SS64;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	return 0;
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct rt_sigframe __user *frame = (void __user *)(regs->sp - sizeof(long));
	sigset_t set;

	current->restart_block.fn = do_no_restart_syscall;
	if (!access_ok(frame, sizeof(*frame)) ||
	    __copy_from_user(&set, &frame->uc.uc_sigmask, sizeof(set)))
		goto bad;
	set_current_blocked(&set);
	if (restore_sigcontext(regs, (void __user *)&frame->uc.uc_mcontext))
		goto bad;
	if (restore_altstack(&frame->uc.uc_stack))
		goto bad;
	return regs->ax;
bad:
	force_sig(SIGSEGV);
	return 0;
}

static void handle_signal(struct ksignal *ksig, struct pt_regs *regs)
{
	bool stepping = test_thread_flag(TIF_SINGLESTEP);

	if (syscall_get_nr(current, regs) != -1) {
		switch (syscall_get_error(current, regs)) {
		case -ERESTART_RESTARTBLOCK:
		case -ERESTARTNOHAND:
			regs->ax = -EINTR;
			break;
		case -ERESTARTSYS:
			if (!(ksig->ka.sa.sa_flags & SA_RESTART)) {
				regs->ax = -EINTR;
				break;
			}
			fallthrough;
		case -ERESTARTNOINTR:
			regs->ax = regs->orig_ax;
			regs->ip -= 2;
			break;
		}
	}
	rseq_signal_deliver(ksig, regs);
	signal_setup_done(setup_rt_frame(ksig, regs), ksig, stepping);
}

/**
 * arch_do_signal_or_restart() - deliver a signal, or restart a system call
 */
void arch_do_signal_or_restart(struct pt_regs *regs)
{
	struct space *space = current->mm ? current->mm->context.space : NULL;
	struct ksignal ksig;

	/* Before a tracer can look. */
	if (space && space->sites_live)
		sites_check(space);
	if (get_signal(&ksig)) {
		handle_signal(&ksig, regs);
		return;
	}
	if (syscall_get_nr(current, regs) != -1) {
		switch (syscall_get_error(current, regs)) {
		case -ERESTARTNOHAND:
		case -ERESTARTSYS:
		case -ERESTARTNOINTR:
			regs->ax = regs->orig_ax;
			regs->ip -= 2;
			break;
		case -ERESTART_RESTARTBLOCK:
			regs->ax = __NR_restart_syscall;
			regs->ip -= 2;
			break;
		}
	}
	restore_saved_sigmask();
}
