/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What CPUID says, from memory. Programs whose text was changed (text_sites.c) come
 * here instead of to the instruction: eax and ecx as for it, rbx the way back, rdx of
 * no account. All other registers and the flags are as they were afterwards, and so is
 * the stack with the 128 bytes below it.
 *
 * The page lies at STUB_CPUID in every space, read-only. It is guest code in every
 * respect, as the host's vDSO is (engine/stub_vdso.c): no more than what the program
 * could do by itself. What is not in the table the CPU is asked.
 */
#include <linux/linkage.h>
#include <asm/cpuid_page.h>

	.section .cpuid.text, "ax"
SYM_CODE_START(cpuid_entry)
	leaq	-128(%rsp), %rsp
	pushq	%rbx
	pushfq
	pushq	%rsi
	leaq	cpuid_entry + CPUID_TABLE(%rip), %rsi
1:	movl	CPUID_KIND(%rsi), %edx
	testl	%edx, %edx
	jz	3f
	cmpl	CPUID_LEAF(%rsi), %eax
	jne	2f
	cmpl	$CPUID_ANY, %edx
	je	4f
	cmpl	CPUID_SUBLEAF(%rsi), %ecx
	je	4f
2:	addq	$CPUID_SIZE, %rsi
	jmp	1b
3:	cpuid
	jmp	5f
4:	movl	CPUID_AX(%rsi), %eax
	movl	CPUID_BX(%rsi), %ebx
	movl	CPUID_CX(%rsi), %ecx
	movl	CPUID_DX(%rsi), %edx
5:	popq	%rsi
	popfq
	ret	$128
SYM_CODE_END(cpuid_entry)
