// SPDX-License-Identifier: GPL-2.0
/*
 * What a process leaves in its space when it ends: spaces are used anew. The
 * first one has secrets in all its registers and at its addresses; the next one
 * looks for them in all that it can read.
 */
#include "attack.h"

#define NOT_SECRET 0xa138a138a138a138ULL	/* its complement */
#define SECRET_PLACE 0x5ec7e7000000ULL

__attribute__((noinline)) static void keep_secret(void)
{
	uint64_t s = ~NOT_SECRET;
	void *p = MAP((void *)SECRET_PLACE, 16 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	syscall(SYS_arch_prctl, 0x1001, SECRET_PLACE + 0x1230);
	for (int i = 0; i < 300; i++)
		__asm__ volatile(
			"movq %0, %%xmm0\n pinsrq $1, %0, %%xmm0\n"
			"movdqa %%xmm0, %%xmm5\n movdqa %%xmm0, %%xmm15\n"
			"mov %0, %%r12\n mov %0, %%r13\n mov %0, %%r14\n mov %0, %%r15\n"
			"mov %0, %%rbx\n mov %0, %%r8\n mov %0, %%r9\n mov %0, %%r10\n"
			"mov $110, %%eax\n syscall\n"
			"movb $1, (%1)\n"
			: : "r"(s), "D"((char *)p + i % 16 * PAGE)
			: "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			  "xmm0", "xmm5", "xmm15", "memory");
	__asm__ volatile("mov %0, %%r12\n mov %0, %%r13\n mov $231, %%eax\n xor %%edi, %%edi\n"
			 "syscall" : : "r"(s) : "rax", "rdi", "r12", "r13");
}

static void look(void)
{
	/* The secret itself must not be in a register of ours. */
	volatile uint64_t not_secret = NOT_SECRET;
	uint64_t vec[2];

	__asm__ volatile("movdqu %%xmm15, %0" : "=m"(vec));
	if (!(~vec[0] ^ not_secret))
		won("a vector register");
	for (uint64_t *p = (void *)ORDERS; p < (uint64_t *)(AREA + AREA_SIZE); p++)
		if (!(~*p ^ not_secret) || *p >> 12 == SECRET_PLACE >> 12)
			won("at %p: %#llx", p, (unsigned long long)*p);
}

ATTACK(registers, 10, "noreset")
{
	for (int i = 0; i < 40; i++) {
		CHILD(pid, keep_secret());
		wait_status(pid, 10);
		CHILD(other, look());
		WAIT_OK(other);
	}
}
