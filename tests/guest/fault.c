// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions: the signal, its code and its address, and ways out of it.
 */
#include "test.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile struct {
	int sig, code;
	uintptr_t addr, rip;
	uint64_t err, trapno, cr2;
} got;

static void escape(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;

	got.sig = sig;
	got.code = si->si_code;
	got.addr = (uintptr_t)si->si_addr;
	got.rip = uc->uc_mcontext.gregs[REG_RIP];
	got.err = uc->uc_mcontext.gregs[REG_ERR];
	got.trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
	got.cr2 = uc->uc_mcontext.gregs[REG_CR2];
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		on_signal(sigs[i], escape, 0);
}

/* The statement must raise this. */
#define RAISES(stmt, want_sig, want_code)					\
	do {									\
		got.sig = 0;							\
		if (!sigsetjmp(back, 1)) {					\
			stmt;							\
			test_fail(__FILE__, __LINE__, "%s raised nothing", #stmt); \
		}								\
		if (got.sig != (want_sig) || got.code != (want_code))		\
			test_fail(__FILE__, __LINE__, "%s: signal %d code %d, wanted " \
				  #want_sig " " #want_code, #stmt, got.sig, got.code); \
	} while (0)

#define READ(p) ((void)*(volatile char *)(p))
#define WRITE(p) (*(volatile char *)(p) = 1)
#define CALL(p) (((void (*)(void))(p))())

TEST(maperr)
{
	char *p = ANON(2 * PAGE);

	catch_all();
	OK(munmap(p, 2 * PAGE));
	RAISES(READ(p + 5), SIGSEGV, SEGV_MAPERR);
	CHECK_EQ(got.addr, p + 5);
	CHECK_EQ(got.cr2, p + 5);
	CHECK_EQ(got.trapno, 14);
	CHECK_EQ(got.err & 6, 4);
	RAISES(WRITE(p + PAGE + 7), SIGSEGV, SEGV_MAPERR);
	CHECK_EQ(got.addr, p + PAGE + 7);
	CHECK_EQ(got.err & 6, 6);
	RAISES(CALL(p), SIGSEGV, SEGV_MAPERR);
	CHECK_EQ(got.addr, p);
	CHECK_EQ(got.rip, p);
	RAISES(READ(16), SIGSEGV, SEGV_MAPERR);
	CHECK_EQ(got.addr, 16);
}

/* Another process had memory there before, and its page tables can have stayed. */
TEST(maperr_where_another_had_memory)
{
	char *p = (char *)0x5000000000;		/* begins a page table */

	for (int i = 0; i < 4; i++) {
		CHILD(other,
			CHECK(MAP(p, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
			*p = 1);
		WAIT_OK(other);
		CHILD(pid,
			catch_all();
			RAISES(READ(p), SIGSEGV, SEGV_MAPERR);
			CHECK_EQ(got.err & 1, 0);
			RAISES(WRITE(p), SIGSEGV, SEGV_MAPERR);
			CHECK_EQ(got.err & 1, 0);
			RAISES(CALL(p), SIGSEGV, SEGV_MAPERR);
			CHECK_EQ(got.err & 1, 0));
		WAIT_OK(pid);
	}
}

TEST(accerr)
{
	char *p = ANON(3 * PAGE);

	catch_all();
	p[PAGE] = 0xc3;
	p[0] = 1;
	OK(mprotect(p, PAGE, PROT_NONE));
	RAISES(READ(p + 9), SIGSEGV, SEGV_ACCERR);
	CHECK_EQ(got.addr, p + 9);
	OK(mprotect(p, PAGE, PROT_READ));
	READ(p);
	RAISES(WRITE(p + 11), SIGSEGV, SEGV_ACCERR);
	CHECK_EQ(got.addr, p + 11);
	CHECK_EQ(got.err & 7, 7);
	RAISES(CALL(p + PAGE), SIGSEGV, SEGV_ACCERR);
	CHECK_EQ(got.addr, p + PAGE);
	/* A page never touched, so that no page table knows of it. */
	RAISES(CALL(p + 2 * PAGE), SIGSEGV, SEGV_ACCERR);
	CHECK_EQ(got.addr, p + 2 * PAGE);
	OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC));
	CALL(p + PAGE);
}

TEST(write_to_program_text)
{
	catch_all();
	RAISES(WRITE((uintptr_t)&test_fail), SIGSEGV, SEGV_ACCERR);
	CHECK_EQ(got.addr, &test_fail);
}

TEST(non_canonical_and_kernel_half)
{
	catch_all();
	RAISES(READ(0x8000000000001000), SIGSEGV, SI_KERNEL);
	CHECK_EQ(got.addr, 0);
	RAISES(WRITE(0x1234567800000000), SIGSEGV, SI_KERNEL);
	RAISES(asm volatile("hlt"), SIGSEGV, SI_KERNEL);
	RAISES(asm volatile("cli"), SIGSEGV, SI_KERNEL);
	RAISES(asm volatile("mov %%cr0, %%rax" : : : "rax"), SIGSEGV, SI_KERNEL);
	RAISES(asm volatile("outb %al, $0x80"), SIGSEGV, SI_KERNEL);
	RAISES(READ(0xffffffff81000000), SIGSEGV, SEGV_MAPERR);
	CHECK_EQ(got.addr, 0xffffffff81000000);
}

/* The highest addresses that a program can name, where a stub may live. */
TEST(top_of_address_space)
{
	catch_all();
	for (uintptr_t p = 0x7ffffffff000; p >= 0x7fffffff0000; p -= PAGE) {
		got.sig = 0;
		if (!sigsetjmp(back, 1)) {
			WRITE(p);
			/* On the host only a stack can lie so high. */
			continue;
		}
		CHECK_EQ(got.sig, SIGSEGV);
		CHECK_EQ(got.addr, p);
	}
	CHECK(mmap((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		   MAP_FIXED, -1, 0) == MAP_FAILED);
	CHECK(mmap((void *)0xffff800000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		   MAP_FIXED, -1, 0) == MAP_FAILED);
	FAILS(write(1, (void *)0x7ffffffff000, 1), EFAULT);
	FAILS(write(1, (void *)0xffff800000000000, 1), EFAULT);
}

TEST(arithmetic)
{
	unsigned int csr, unmasked;
	volatile int zero = 0, one = 1;
	volatile float fzero = 0;

	catch_all();
	RAISES(one = one / zero, SIGFPE, FPE_INTDIV);
	CHECK_EQ(got.addr, got.rip);
	CHECK_EQ(got.trapno, 0);
	asm volatile("stmxcsr %0" : "=m"(csr));
	unmasked = csr & ~(1U << 9) & ~0x3fU;
	asm volatile("ldmxcsr %0" : : "m"(unmasked));
	RAISES(fzero = 1 / fzero, SIGFPE, FPE_FLTDIV);
	CHECK_EQ(got.trapno, 19);
	asm volatile("ldmxcsr %0" : : "m"(csr));

	unsigned short cw, open_cw;

	asm volatile("fnclex; fnstcw %0" : "=m"(cw));
	open_cw = cw & ~4;
	asm volatile("fldcw %0" : : "m"(open_cw));
	RAISES(asm volatile("fldz; fld1; fdivp; fwait"), SIGFPE, FPE_FLTDIV);
	CHECK_EQ(got.trapno, 16);
	asm volatile("fninit");
}

TEST(invalid_opcode)
{
	catch_all();
	RAISES(asm volatile("target_ud: ud2"), SIGILL, ILL_ILLOPN);
	CHECK_EQ(got.addr, got.rip);
	CHECK_EQ(got.trapno, 6);
}

TEST(breakpoint_and_single_step)
{
	catch_all();
	RAISES(asm volatile("int3"), SIGTRAP, SI_KERNEL);
	CHECK_EQ(got.trapno, 3);
	RAISES(asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc"),
	       SIGTRAP, TRAP_TRACE);
	CHECK_EQ(got.trapno, 1);
	/* siglongjmp restores no flags: the trap flag must be off, not sticky. */
	asm volatile("nop; nop; nop");
	CHECK_EQ(got.trapno, 1);
}

TEST(bus_error_past_end)
{
	int fd = OK(memfd_create("short", 0));
	char *p;

	catch_all();
	OK(ftruncate(fd, PAGE));
	p = MAP(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	WRITE(p);
	RAISES(READ(p + PAGE + 3), SIGBUS, BUS_ADRERR);
	CHECK_EQ(got.addr, p + PAGE + 3);
	OK(ftruncate(fd, 0));
	RAISES(WRITE(p + 1), SIGBUS, BUS_ADRERR);
	OK(ftruncate(fd, PAGE));
	WRITE(p + 1);
}

static void fix_up(int sig, siginfo_t *si, void *ucp)
{
	greg_t *regs = ((ucontext_t *)ucp)->uc_mcontext.gregs;

	/* Over the two bytes of "mov (%rax), %ecx", with another result. */
	if (*(uint16_t *)regs[REG_RIP] != 0x088b)
		_exit(3);
	regs[REG_RIP] += 2;
	regs[REG_RCX] = 0x1122334455667788;
	regs[REG_R15] = regs[REG_R14] + 1;
	regs[REG_EFL] |= 1;
}

TEST(handler_changes_registers)
{
	uint64_t rcx = 0, r15;
	unsigned char carry;

	on_signal(SIGSEGV, fix_up, 0);
	for (uint64_t i = 0; i < 100; i++) {
		asm volatile("mov %3, %%r14\n\txor %%r15, %%r15\n\tclc\n\t"
			     "mov (%%rax), %%ecx\n\tsetc %2\n\tmov %%r15, %1"
			     : "+c"(rcx), "=r"(r15), "=&q"(carry) : "r"(i), "a"(16)
			     : "r14", "r15", "cc", "memory");
		CHECK_EQ(rcx, 0x1122334455667788);
		CHECK_EQ(r15, i + 1);
		CHECK_EQ(carry, 1);
	}
}

TEST_LIMIT(siglongjmp_1000, 20)
{
	volatile int times = 0;

	catch_all();
	for (uintptr_t i = 0; i < 1000; i++) {
		RAISES(WRITE(i * 8), SIGSEGV, SEGV_MAPERR);
		CHECK_EQ(got.addr, i * 8);
		times++;
	}
	CHECK_EQ(times, 1000);
}

/* A fault whose signal is blocked, or whose handler faults, is the end. */
TEST(unhandled)
{
	CHILD(plain, WRITE(0));
	WAIT_SIGNAL(plain, SIGSEGV);
	CHILD(blocked,
		sigset_t set;

		catch_all();
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		WRITE(0));
	WAIT_SIGNAL(blocked, SIGSEGV);
	CHILD(ignored, signal(SIGFPE, SIG_IGN); volatile int one = 1, zero = 0; one /= zero);
	WAIT_SIGNAL(ignored, SIGFPE);
	CHILD(bad_stack,
		catch_all();
		asm volatile("mov $8, %rsp; push %rax"));
	WAIT_SIGNAL(bad_stack, SIGSEGV);
}
