/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stub of skas0 over seccomp: what the runner of a space executes between
 * two stretches of guest code. Its host signals arrive at rstub_handler, on a
 * stack in the area; the answer is posted in area->trap; then it waits for the
 * next command.
 *
 * Guest code can jump to any instruction here with any registers, can set the
 * trap flag, and can have written anything to the area. What holds whatever it
 * does:
 *
 * - Each host call stands alone here: the filter (engine/filter.c) knows its
 *   address and its arguments. Those that change mappings need the key in the
 *   upper halves of r10 and r8, where the host ignores it.
 * - The key comes from reading a descriptor, which only the instruction at
 *   rstub_key may, into a fixed place. What follows it trusts no register,
 *   uses no stack and no memory that another process could write, and wipes
 *   the key before it does anything else. The kernel hands the key out only
 *   with orders, and sends no kick while they last.
 * - Any signal that comes while the stub runs, but for a kick, ends the space,
 *   here and at once: the key may lie in memory or in the signal's frame, and
 *   the kernel may have taken a forged answer already, so that an answer of
 *   ours would be overlooked.
 * - A runner that carries out orders late, because guest code had forged the
 *   answer to them, could meet the next ones while they are written. It makes
 *   no call unless the orders are still those of the command that it began
 *   with, and it signs for that command only.
 * - No call changes the signal mask, so a kick is never blocked.
 *
 * A kick may hit the stub itself. The handler knows from the address:
 *
 *	rstub_handler ..	an answer is on its way: begin again with it
 *	.Lsaved ..		on its way out after the last kick: go on
 *	rstub_syscall ..	a patched system call, registers all still there:
 *				the kernel takes it for what it is
 *	rstub_wait ..		answered already: wait on
 *	rstub_resume ..	about to run: answer with ANSWER_ABORTED
 *	rstub_ops ..		never, see above: the end
 * No more than one kick is ever under way.
 */
#include <linux/linkage.h>
#include <asm/errno.h>
#include <asm/layout.h>
#include <asm/processor-flags.h>
#include <asm/stub.h>
#include <asm/unistd.h>
#include <asm/weaken.h>

/* Offsets in struct ucontext of the host: uc_mcontext, asm/sigcontext.h. */
#define UC_DI		(40 + 8 * 8)
#define UC_DX		(40 + 12 * 8)
#define UC_CX		(40 + 14 * 8)
#define UC_SP		(40 + 15 * 8)
#define UC_IP		(40 + 16 * 8)

#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define PR_SET_PDEATHSIG 1
#define SIGKILL		9
#define SIGTRAP		5
#define CLONE_PARENT_SIGCHLD (0x8000 + 17)

/*
 * Orders and area lie at a fixed distance from the code. Addresses are formed
 * from the start of the page, so that the link address does not matter.
 */
#define ORD(field)	(.Lstart + (STUB_DATA - STUB_CODE) + ORD_##field)(%rip)
#define AREA(field)	(.Lstart + (STUB_AREA - STUB_CODE) + AREA_##field)(%rip)

	.section .runner.text, "ax"
.Lstart:

/*
 * A host signal: rdi signal, rdx ucontext, rsp frame; kept up to .Lhandler_end,
 * so that the handler can begin again when a kick interrupts it. The next kick
 * may come as soon as area->kicked says that this one has arrived.
 */
SYM_CODE_START(rstub_handler)
	movq	UC_IP(%rdx), %rax
	leaq	.Lstart(%rip), %rcx
	subq	%rcx, %rax
	cmpq	$0x1000, %rax
	jb	.Lin_stub
	movl	%edi, AREA(TYPE)
	cmpl	$STUB_SIG_KICK, %edi
	jne	.Lbases
.Larrived:
	movl	$1, %ecx
	xchgl	%ecx, AREA(KICKED)
.Lbases:
	cmpl	$0, ORD(FSGSBASE)
	je	2f
	rdfsbase %rax
	movq	%rax, AREA(FS)
	rdgsbase %rax
	movq	%rax, AREA(GS)
2:	jmp	rstub_post

	/* rax: the offset of the instruction that was interrupted */
.Lin_stub:
	cmpl	$STUB_SIG_KICK, %edi
	jne	.Lnot_kick
	cmpq	$(rstub_syscall_saved - .Lstart), %rax
	jae	.Lsaved
	cmpq	$(rstub_syscall - .Lstart), %rax
	jae	.Lin_call
	cmpq	$(.Lhandler_end - .Lstart), %rax
	jae	.Lleaving
	/* In the handler of another signal. */
	movq	UC_DI(%rdx), %rdi
	movq	UC_SP(%rdx), %rsp
	movq	UC_DX(%rdx), %rdx
	cmpl	$STUB_SIG_KICK, %edi
	je	rstub_handler		/* which says that a kick has arrived */
	movl	$1, %ecx
	xchgl	%ecx, AREA(KICKED)
	jmp	rstub_handler
	/* In a patched call, not all saved: the frame has it. */
.Lin_call:
	movl	%edi, AREA(TYPE)
	jmp	.Larrived
	/* A program that is stepped through a patched system call. */
.Lnot_kick:
	cmpl	$SIGTRAP, %edi
	jne	.Lbad
	cmpq	$(rstub_syscall - .Lstart), %rax
	jne	.Lbad
	movl	$SIGTRAP, AREA(TYPE)
	jmp	.Lbases
.Lbad:
#ifdef CONFIG_UML_WEAKEN
	movl	$0x102, AREA(TYPE)
	testl	$(1 << WEAK_EXIT), ORD(WEAK)
	jnz	rstub_post
#endif
	jmp	rstub_exit
.Lhandler_end:

	/*
	 * From here on the vector state is in the first frame: either it was
	 * there before, and this frame lies below it; or this is that frame.
	 * This frame is needed no more when the next kick may come.
	 */
.Lsaved:
	movl	$1, AREA(SPILLED)
	leaq	rstub_syscall_saved(%rip), %rcx
	cmpq	$(rstub_post - .Lstart), %rax
	jb	.Lleave
	leaq	rstub_post(%rip), %rcx
	cmpq	$(rstub_wait - .Lstart), %rax
	jb	.Lleave
	leaq	rstub_wait(%rip), %rcx
	cmpq	$(rstub_resume - .Lstart), %rax
	jb	.Lleave
	leaq	.Labort(%rip), %rcx
	cmpq	$(rstub_ops - .Lstart), %rax
	jae	.Lbad
.Lleave:
	movq	ORD(FRAME), %rsp
	movl	$1, %eax
	xchgl	%eax, AREA(KICKED)
	jmp	*%rcx
	/* Interrupted at that jump. */
.Lleaving:
	movq	UC_CX(%rdx), %rcx
	jmp	.Lleave
SYM_CODE_END(rstub_handler)

/*
 * A patched system call: rax its number, rcx where it goes on, all other
 * registers as guest code left them.
 */
SYM_CODE_START(rstub_syscall)
	movq	%rsp, 19*8 + AREA(REGS)
	movq	%r15, 0*8 + AREA(REGS)
	movq	%r14, 1*8 + AREA(REGS)
	movq	%r13, 2*8 + AREA(REGS)
	movq	%r12, 3*8 + AREA(REGS)
	movq	%rbp, 4*8 + AREA(REGS)
	movq	%rbx, 5*8 + AREA(REGS)
	movq	%r10, 7*8 + AREA(REGS)
	movq	%r9, 8*8 + AREA(REGS)
	movq	%r8, 9*8 + AREA(REGS)
	movq	%rax, 10*8 + AREA(REGS)
	movq	%rcx, 11*8 + AREA(REGS)
	movq	%rdx, 12*8 + AREA(REGS)
	movq	%rsi, 13*8 + AREA(REGS)
	movq	%rdi, 14*8 + AREA(REGS)
	leaq	AREA(SCRATCH), %rsp
	pushfq
	popq	18*8 + AREA(REGS)
SYM_INNER_LABEL(rstub_syscall_saved, SYM_L_GLOBAL)
	movl	$ANSWER_CALL, AREA(TYPE)
	cmpl	$0, ORD(FSGSBASE)
	je	rstub_post
	rdfsbase %rax
	movq	%rax, AREA(FS)
	rdgsbase %rax
	movq	%rax, AREA(GS)
SYM_CODE_END(rstub_syscall)

/* Post the answer, which area->type tells. */
SYM_CODE_START(rstub_post)
	pushq	$X86_EFLAGS_FIXED	/* above all not NT, which iretq refuses */
	popfq
	movl	ORD(CMD), %ebx
	movl	%ebx, %eax
	xchgl	%eax, AREA(TRAP)
SYM_CODE_END(rstub_post)

/* Wait for a command other than the one that was answered. */
SYM_CODE_START(rstub_wait)
	movl	AREA(TRAP), %ebx
	cmpl	$0, ORD(VCPU_SLEEPS)
	je	1f
	movl	$__NR_futex, %eax
	leaq	AREA(TRAP), %rdi
	movl	$FUTEX_WAKE, %esi
	movl	$1, %edx
	xorl	%r10d, %r10d
	syscall
SYM_INNER_LABEL(rstub_wake_call, SYM_L_GLOBAL)
1:	xorl	%ecx, %ecx
2:	cmpl	%ebx, ORD(CMD)
	jne	4f
	cmpl	%ecx, ORD(SPIN)		/* the kernel may want less by now */
	jbe	3f
	incl	%ecx
	pause
	jmp	2b
3:	movl	$1, %eax
	xchgl	%eax, AREA(SLEEPS)
	cmpl	%ebx, ORD(CMD)
	jne	4f
	movl	$__NR_futex, %eax
	leaq	AREA(SLEEPS), %rdi
	movl	$FUTEX_WAIT, %esi
	movl	$1, %edx
	xorl	%r10d, %r10d
	syscall
SYM_INNER_LABEL(rstub_wait_call, SYM_L_GLOBAL)
	jmp	2b
	/* Not written to in vain: the kernel has this cache line. */
4:	cmpl	$0, AREA(SLEEPS)
	je	6f
	movl	$0, AREA(SLEEPS)
6:	movl	ORD(TODO), %eax
	testl	$TODO_OPS, %eax
	jnz	rstub_ops
	testl	$TODO_SPILL, %eax
	jz	5f
	cmpl	$0, AREA(SPILLED)	/* by the frame of a kick */
	jne	5f
	movq	ORD(FP), %rdi
	movl	ORD(XMASK), %eax
	movl	4 + ORD(XMASK), %edx
	xsave64	(%rdi)
5:	testl	$TODO_RUN, ORD(TODO)
	jnz	rstub_resume
	movl	$ANSWER_DONE, AREA(TYPE)
	jmp	rstub_post
SYM_CODE_END(rstub_wait)

/*
 * Go on with guest code, unless the kernel wants the vCPU back by now: it sends
 * no signal while orders are carried out, before the vector state of TODO_XSTATE
 * is loaded, or while another kick is under way. How far that is it asks only with
 * one of those.
 *
 * After a patched call whose registers still hold (TODO_CALLED) they are where the
 * call has left them, but for rax. iretq would cost a third of such a call.
 */
SYM_CODE_START(rstub_resume)
	movl	ORD(TODO), %eax
	andl	$TODO_XSTATE, %eax
	orl	AREA(SPILLED), %eax
	jz	1f
	movq	ORD(FP), %rdi
	movl	ORD(XMASK), %eax
	movl	4 + ORD(XMASK), %edx
	xrstor64 (%rdi)
	movl	$0, AREA(SPILLED)
1:	testl	$(TODO_OPS | TODO_XSTATE), ORD(TODO)
	jz	1f
	movl	ORD(CMD), %eax
	xchgl	%eax, AREA(PROGRESS)
1:	cmpl	$0, ORD(KICK)
	jne	.Labort
	testl	$TODO_FS, ORD(TODO)
	jz	2f
	movq	ORD(FS), %rsi
	cmpl	$0, ORD(FSGSBASE)
	jne	1f
	movl	$__NR_arch_prctl, %eax
	movl	$ARCH_SET_FS, %edi
	syscall
SYM_INNER_LABEL(rstub_fs_call, SYM_L_GLOBAL)
	jmp	2f
1:	wrfsbase %rsi
2:	testl	$TODO_GS, ORD(TODO)
	jz	4f
	movq	ORD(GS), %rsi
	cmpl	$0, ORD(FSGSBASE)
	jne	3f
	movl	$__NR_arch_prctl, %eax
	movl	$ARCH_SET_GS, %edi
	syscall
SYM_INNER_LABEL(rstub_gs_call, SYM_L_GLOBAL)
	jmp	4f
3:	wrgsbase %rsi
4:	testl	$TODO_CALLED, ORD(TODO)
	jnz	.Lcalled
	leaq	ORD(REGS), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	leaq	8(%rsp), %rsp
	iretq
	/* As by sysret: rcx where it goes on, r11 the flags. */
.Lcalled:
	leaq	18*8 + AREA(REGS), %rsp
	popfq
	movq	18*8 + AREA(REGS), %r11
	movq	0*8 + AREA(REGS), %r15
	movq	1*8 + AREA(REGS), %r14
	movq	2*8 + AREA(REGS), %r13
	movq	3*8 + AREA(REGS), %r12
	movq	4*8 + AREA(REGS), %rbp
	movq	5*8 + AREA(REGS), %rbx
	movq	7*8 + AREA(REGS), %r10
	movq	8*8 + AREA(REGS), %r9
	movq	9*8 + AREA(REGS), %r8
	movq	11*8 + AREA(REGS), %rcx
	movq	12*8 + AREA(REGS), %rdx
	movq	13*8 + AREA(REGS), %rsi
	movq	14*8 + AREA(REGS), %rdi
	movq	ORD(AX), %rax
	movq	19*8 + AREA(REGS), %rsp
	jmp	*%rcx
.Labort:
	movl	$ANSWER_ABORTED, AREA(TYPE)
	jmp	rstub_post
SYM_CODE_END(rstub_resume)

/*
 * Carry out orders. r14 and r13 are the halves of the key, shifted to where the
 * filter looks for them; r15 the command; r12 and ebx the calls; rbp where to
 * go on.
 */
SYM_CODE_START(rstub_ops)
	xorl	%eax, %eax
	movl	$STUB_FD_KEY, %edi
	leaq	AREA(KEY), %rsi
	movl	$8, %edx
	syscall
SYM_INNER_LABEL(rstub_key, SYM_L_GLOBAL)
	cmpq	$8, %rax
	jne	rstub_exit
	movq	AREA(KEY), %r13
	movq	$0, AREA(KEY)
	movq	%r13, %r14
	shlq	$32, %r14
	shrq	$32, %r13
	shlq	$32, %r13
	movl	ORD(CMD), %r15d
	leaq	.Lops_done(%rip), %rbp
	testl	$TODO_CLONE, ORD(TODO)
	jnz	rstub_clone
.Lcalls:
	leaq	ORD(CALLS), %r12
	movl	ORD(NR_CALLS), %ebx
1:	subl	$1, %ebx
	js	4f
	movq	0(%r12), %rax
	movq	8(%r12), %rdi
	movq	16(%r12), %rsi
	movq	24(%r12), %rdx
	movq	32(%r12), %r10
	movq	40(%r12), %r8
	movq	48(%r12), %r9
	orq	%r14, %r10
	orq	%r13, %r8
	cmpl	ORD(CALLS_FOR), %r15d
	jne	rstub_exit
	syscall
SYM_INNER_LABEL(rstub_map_call, SYM_L_GLOBAL)
	cmpq	$-4095, %rax
	jae	2f
	addq	$STUB_CALL_SIZE, %r12
	jmp	1b
	/* An mprotect that meets a hole becomes a munmap. */
2:	cmpq	$__NR_mprotect, 0(%r12)
	jne	3f
	cmpq	$-ENOMEM, %rax
	jne	3f
	movl	$__NR_munmap, %eax
	movq	8(%r12), %rdi
	movq	16(%r12), %rsi
	movq	%r14, %r10
	movq	%r13, %r8
	cmpl	ORD(CALLS_FOR), %r15d
	jne	rstub_exit
	syscall
SYM_INNER_LABEL(rstub_unmap_call, SYM_L_GLOBAL)
	cmpq	$-4095, %rax
	jae	3f
	addq	$STUB_CALL_SIZE, %r12
	jmp	1b
3:	testl	$TODO_CLONE, ORD(TODO)
	jnz	rstub_exit
	movl	$ANSWER_FAILED, AREA(TYPE)
	jmp	.Lwiped
4:	jmp	*%rbp

	/* The kernel waits for the signature unless guest code is to run. */
.Lops_done:
	movl	$ANSWER_DONE, AREA(TYPE)
	testl	$TODO_RUN, ORD(TODO)
	jnz	5f
	shrq	$32, %r14
	orq	%r13, %r14
	xorq	%r15, %r14
	movq	%r14, AREA(SIGNATURE)
.Lwiped:
	xorl	%r14d, %r14d
	xorl	%r13d, %r13d
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	jmp	rstub_post
5:	xorl	%r14d, %r14d
	xorl	%r13d, %r13d
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	jmp	rstub_resume

/*
 * The seed makes a space: the child takes the descriptor of its key, its own
 * area and its own orders, and answers its first command.
 */
rstub_clone:
	movl	$__NR_recvmsg, %eax
	movl	$STUB_FD_SEED, %edi
	leaq	AREA(MSG), %rsi
	xorl	%edx, %edx
	syscall
SYM_INNER_LABEL(rstub_recv_call, SYM_L_GLOBAL)
	testq	%rax, %rax
	jle	6f
	movl	$__NR_clone, %eax
	movl	$CLONE_PARENT_SIGCHLD, %edi
	xorl	%esi, %esi
	xorl	%edx, %edx
	movq	%r14, %r10
	movq	%r13, %r8
	syscall
SYM_INNER_LABEL(rstub_clone_call, SYM_L_GLOBAL)
	testq	%rax, %rax
	jz	7f
6:	movq	%rax, AREA(RESULT)
	movl	$__NR_close, %eax
	movl	$STUB_FD_NEW, %edi
	syscall
SYM_INNER_LABEL(rstub_close_call1, SYM_L_GLOBAL)
	jmp	.Lops_done

7:	movl	$__NR_prctl, %eax
	movl	$PR_SET_PDEATHSIG, %edi
	movl	$SIGKILL, %esi
	syscall
SYM_INNER_LABEL(rstub_prctl_call, SYM_L_GLOBAL)
	movl	$__NR_getppid, %eax
	syscall
SYM_INNER_LABEL(rstub_getppid_call, SYM_L_GLOBAL)
	cmpl	%eax, ORD(PARENT)
	jne	rstub_exit
	movl	$__NR_dup2, %eax
	movl	$STUB_FD_NEW, %edi
	movl	$STUB_FD_KEY, %esi
	syscall
SYM_INNER_LABEL(rstub_dup_call, SYM_L_GLOBAL)
	movl	$__NR_close, %eax
	movl	$STUB_FD_NEW, %edi
	syscall
SYM_INNER_LABEL(rstub_close_call2, SYM_L_GLOBAL)
	movl	$__NR_close, %eax
	movl	$STUB_FD_SEED, %edi
	syscall
SYM_INNER_LABEL(rstub_close_call3, SYM_L_GLOBAL)
	leaq	9f(%rip), %rbp
	jmp	.Lcalls
	/* Not signed: the area is the child's own now, and guest code comes. */
9:	movl	$ANSWER_DONE, AREA(TYPE)
	jmp	.Lwiped
SYM_CODE_END(rstub_ops)

/* The space's end. */
SYM_CODE_START(rstub_exit)
	movl	$__NR_exit_group, %eax
	movl	$1, %edi
	syscall
SYM_INNER_LABEL(rstub_exit_call, SYM_L_GLOBAL)
	jmp	rstub_exit
SYM_CODE_END(rstub_exit)
