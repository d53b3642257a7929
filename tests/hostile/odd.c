// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions and states of the CPU that ordinary programs do not use.
 */
#include "attack.h"

static int end_of(void (*body)(void))
{
	CHILD(pid, body());
	for (int ms = 0;; ms++) {
		int status;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (ms == 500)
			kill(pid, SIGKILL);
		sleep_ms(1);
	}
}

static void int80(void)
{
	long nr = 20, got = -1;		/* getpid, for 32-bit programs */

	__asm__ volatile("int $0x80" : "=a"(got) : "0"(nr) : "memory", "r8", "r9", "r10", "r11");
	if (got > 0)
		won("int $0x80 gave %ld", got);
}

static void far_jump(void)
{
	uint8_t *low = MAP((void *)0x10000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_32BIT, -1, 0);
	/* mov $20,%eax; int $0x80; mov %eax,(0x10100); ud2 */
	static const uint8_t code[] = {
		0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xa3, 0, 1, 1, 0, 0x0f, 0x0b,
	};

	memcpy(low, code, sizeof(code));
	__asm__ volatile("push $0x23; push $0x10000; lretq" : : : "memory");
}

static void sysenter(void)
{
	__asm__ volatile("mov $20, %%eax; sysenter" : : : "rax", "rcx", "rdx", "memory");
}

static void jump_far_away(void)
{
	__asm__ volatile("jmp *%0" : : "r"(0x8000000000000000ULL));
}

static void return_far_away(void)
{
	__asm__ volatile("push %0; ret" : : "r"(0x7ffffffff000ULL << 16 | 1));
}

static void iret_far_away(void)
{
	__asm__ volatile("push $0x2b; push %0; push $0x202; push $0x33; push %0; iretq"
			 : : "r"(0xffff800000000000ULL));
}

static void stack_far_away(void)
{
	__asm__ volatile("mov %0, %%rsp; mov $110, %%eax; syscall; push %%rax"
			 : : "r"(0xdead000000000000ULL));
}

static void vsyscall(void)
{
	time_t (*time_of_host)(time_t *) = (void *)0xffffffffff600400;

	time_of_host(NULL);
}

static void segments(void)
{
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%fs; mov %1, %%gs"
			 : : "r"(0x2b), "r"(0x2b));
	__asm__ volatile("mov $110, %%eax; syscall; mov $110, %%eax; syscall; ud2"
			 : : : "rax", "rcx", "r11");
}

static void protection_keys(void)
{
	__asm__ volatile("wrpkru; mov (%%rsp), %%rax" : : "a"(~3), "c"(0), "d"(0));
	getppid();
}

ATTACK(ways_out, 10, NULL)
{
	static void (*const bodies[])(void) = {
		int80, far_jump, sysenter, jump_far_away, return_far_away, iret_far_away,
		stack_far_away, vsyscall, segments, protection_keys,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		int status = end_of(bodies[i]);

		/* Which instruction made a call is not told there: it is one of the guest's. */
		if (over_ptrace() && bodies[i] == int80)
			continue;
		if (!WIFSIGNALED(status) && bodies[i] != vsyscall && bodies[i] != segments &&
		    bodies[i] != protection_keys && bodies[i] != stack_far_away)
			won("body %zu ended with %#x", i, status);
	}
}

/* A program may go on nowhere: that is a fault of its own, which it can handle. */
static void handled(int sig, siginfo_t *si, void *uc)
{
	_exit(42);
}

static void jump_by_handler(int sig, siginfo_t *si, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] = 0x8000000000000000ULL;
}

static void return_nowhere(void)
{
	on_signal(SIGSEGV, handled, 0);
	on_signal(SIGUSR1, jump_by_handler, 0);
	raise(SIGUSR1);
}

ATTACK(go_on_nowhere, 10, "nobadip")
{
	int status = end_of(return_nowhere);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		won("a program that returned nowhere ended with %#x", status);
}

/* Flags that iret refuses or that stop at each instruction: harmless, and kept going. */
static void nested_task(void)
{
	for (int i = 0; i < 500; i++)
		__asm__ volatile("pushfq; orq $0x4000, (%%rsp); popfq\n"
				 "mov $110, %%eax; syscall" : : : "rax", "rcx", "r11", "memory");
}

static void direction(void)
{
	for (int i = 0; i < 500; i++)
		__asm__ volatile("std; mov $110, %%eax; syscall; cld"
				 : : : "rax", "rcx", "r11", "memory");
}

ATTACK(flags, 10, NULL)
{
	CHECK_EQ(end_of(nested_task), 0);
	CHECK_EQ(end_of(direction), 0);
}

/* A header that xrstor refuses, for the state that is loaded next. */
static void bad_header(void)
{
	uint64_t *fp = (void *)orders()->fp;

	for (int i = 64; i < 72; i++)
		fp[i] = ~0ULL;
	area()->spilled = 1;
	for (int i = 0; i < 100; i++) {
		area()->spilled = 1;
		__asm__ volatile("mov $110, %%eax; syscall" : : : "rax", "rcx", "r11", "memory");
	}
}

ATTACK(xrstor, 5, NULL)
{
	end_of(bad_header);
}
