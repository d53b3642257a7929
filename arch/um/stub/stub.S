/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stub: one page of code that is in every space, read-only, above
 * TASK_SIZE. Only its tracer makes it run; guest code that jumps here runs
 * under PTRACE_SYSEMU like any guest code, so its system calls are the guest's.
 *
 * It keeps all its state in registers, and reads its orders from the stub data
 * page, which is read-only in the space.
 */
#include <linux/linkage.h>
#include <asm/layout.h>
#include <asm/stub.h>
#include <asm/stub_vdso.h>
#include <asm/unistd.h>

	.section .stub.text, "ax"

/*
 * Carry out r13 orders at r12, each a host system call; then trap. rax is the
 * result and r13 not 0 when one failed, r12 names it. An mprotect that meets a
 * hole becomes a munmap: pages that are taken away are filled again by faults.
 */
SYM_CODE_START(stub_batch)
1:	testq	%r13, %r13
	jz	4f
	movq	0(%r12), %rax
	movq	8(%r12), %rdi
	movq	16(%r12), %rsi
	movq	24(%r12), %rdx
	movq	32(%r12), %r10
	movq	40(%r12), %r8
	movq	48(%r12), %r9
2:	syscall
	cmpq	$-4095, %rax
	jae	5f
3:	addq	$STUB_CALL_SIZE, %r12
	decq	%r13
	jmp	1b
4:	int3
5:	cmpq	$__NR_mprotect, 0(%r12)
	jne	4b
	movl	$__NR_munmap, %eax
	movq	8(%r12), %rdi
	movq	16(%r12), %rsi
	syscall
	cmpq	$-4095, %rax
	jb	3b
	int3
SYM_CODE_END(stub_batch)

/*
 * Clone this process, which the tracer does by setting the registers of
 * clone(2). The child maps its own stub data page, from r12 of the physmem
 * file (descriptor 0); both trap.
 */
SYM_CODE_START(stub_clone)
	movl	$__NR_clone, %eax
	syscall
	testq	%rax, %rax
	jnz	1f
	movl	$__NR_mmap, %eax
	movq	$STUB_DATA, %rdi
	movl	$0x1000, %esi
	movl	$1, %edx		/* PROT_READ */
	movl	$0x8011, %r10d		/* MAP_SHARED | MAP_FIXED | MAP_POPULATE */
	xorl	%r8d, %r8d
	movq	%r12, %r9
	syscall
1:	int3
SYM_CODE_END(stub_clone)

/*
 * The first process comes here from the kernel process's own memory and drops
 * all of that: everything below and above the stub area, in which the host's
 * vDSO is.
 */
SYM_CODE_START(stub_enter)
	movl	$__NR_munmap, %eax
	xorl	%edi, %edi
	movq	$STUB_START, %rsi
	syscall
	movl	$__NR_munmap, %eax
	movq	$STUB_VDSO_END, %rdi
	movq	$0x7ffffffff000, %rsi
	subq	%rdi, %rsi
	syscall
	int3
SYM_CODE_END(stub_enter)
