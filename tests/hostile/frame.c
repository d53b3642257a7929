// SPDX-License-Identifier: GPL-2.0
/*
 * Forged signal frames: the kernel takes registers, vector state and the reason
 * of a trap from memory that guest code can write. What it took is seen by a
 * tracer: segments, flags and the header of the vector state must be such as a
 * program can have. A program beside keeps its registers.
 */
#include "attack.h"
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

static void fill(uint64_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++)
		p[i] = rnd() >> rnd() % 64;
}

/* All that a program can set, with those that are always set. */
#define FLAGS 0x250fd7UL

static uint64_t parts(void)
{
	uint32_t lo, hi;

	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/* What the kernel took for registers and vector state of a program. */
static void judge(pid_t pid)
{
	static uint64_t state[2048];
	struct iovec iov = { state, sizeof(state) };
	struct user_regs_struct r;
	uint64_t reserved = 0;

	if (ptrace(PTRACE_GETREGS, pid, 0, &r) || ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov))
		return;
	if (r.cs != 0x33 || r.ss != 0x2b)
		won("cs is %#llx, ss %#llx", r.cs, r.ss);
	if (r.eflags & ~FLAGS || !(r.eflags & 0x200))
		won("the flags are %#llx", r.eflags);
	/* xcomp_bv: the format is the standard one. */
	for (int i = 65; i < 72; i++)
		reserved |= state[i];
	if (reserved || state[64] & ~parts())
		won("the header has the parts %#lx, and reserved bits %#lx", state[64], reserved);
	if (state[3] & 0xffff0000)
		won("mxcsr is %#x", (uint32_t)state[3]);
}

/* Registers of a program beside, from call to call and while it is interrupted. */
static void keep_registers(void)
{
	static const uint64_t mine[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };

	for (uint64_t i = 1;; i++) {
		uint64_t r12, r15, bx, vec[2], vec15[2];

		__asm__ volatile(
			"movdqu %[mine], %%xmm0\n movdqu %[mine], %%xmm15\n"
			"mov %[i], %%r12\n mov %[i], %%r15\n mov %[i], %%rbx\n"
			"mov $24, %%eax\n syscall\n"		/* sched_yield */
			"mov $2000, %%ecx\n 1: dec %%ecx\n jnz 1b\n"
			"mov %%r12, %[r12]\n mov %%r15, %[r15]\n mov %%rbx, %[bx]\n"
			"movdqu %%xmm0, %[vec]\n movdqu %%xmm15, %[vec15]\n"
			: [r12] "=m"(r12), [r15] "=m"(r15), [bx] "=m"(bx), [vec] "=m"(vec),
			  [vec15] "=m"(vec15)
			: [i] "r"(i), [mine] "m"(mine)
			: "rax", "rbx", "rcx", "r11", "r12", "r15", "xmm0", "xmm15", "memory");
		if (r12 != i || r15 != i || bx != i || memcmp(vec, mine, 16) ||
		    memcmp(vec15, mine, 16))
			won("registers of another program have changed");
	}
}

static void too_long(int sig, siginfo_t *si, void *uc)
{
}

/*
 * From stop to stop until it is gone, for a while: each is looked at. Without a
 * clock: whoever wakes has the attacker kicked, and so writes to its frame.
 */
static void watch(pid_t pid)
{
	static const struct itimerval limit = { .it_value.tv_usec = 200000 };
	int status, sig;

	on_signal(SIGALRM, too_long, 0);
	setitimer(ITIMER_REAL, &limit, NULL);
	for (int stops = 0; stops < 12; stops++) {
		if (waitpid(pid, &status, __WALL) != pid)
			break;
		if (!WIFSTOPPED(status))
			return;
		judge(pid);
		sig = WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP ? 0 :
			WSTOPSIG(status) & 0x7f;
		ptrace(PTRACE_SYSCALL, pid, 0, sig == SIGTRAP ? 0 : sig);
	}
	kill(pid, SIGKILL);
	wait_status(pid, 10);
}

/*
 * Gives the answer and lets the stub wake the kernel and wait: by a kernel that is
 * woken by its clock we would be kicked, and the frame written to once more.
 */
static void answer_and_wait(void)
{
	uint32_t cmd = orders()->cmd;
	struct regs r = { .r = {
		[AX] = SYS_futex, [DI] = AREA, [SI] = 1, [DX] = 1, [BX] = cmd,
		[SP] = orders()->frame,
	} };
	uintptr_t wake = stub_call(SYS_futex);

	__atomic_store_n(&area()->trap, cmd, __ATOMIC_SEQ_CST);
	jump(wake, &r);
}

/* @forge changes the frame of a trap that is then posted, @times times. */
static void each(int times, void (*forge)(ucontext_t *uc, siginfo_t *si, int i))
{
	CHILD(beside, keep_registers());

	for (int i = 0; i < times; i++) {
		CHILD(pid, {
			ucontext_t *uc = (void *)(orders()->frame + 8);
			siginfo_t *si = (void *)(orders()->frame + 8 + 304);

			warm();
			rnd_state += i * 7919;
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			raise(SIGSTOP);
			syscall(SYS_getppid);
			forge(uc, si, i);
			answer_and_wait();
		});
		watch(pid);
	}
	kill(beside, SIGKILL);
	wait_status(beside, 10);
}

static void all_registers(ucontext_t *uc, siginfo_t *si, int i)
{
	static const int types[] = { 31, 11, 5, 8, 4, 7, 23, 9, 0, 64, 0x104, 0x103, 0x101, 0x100 };

	fill((void *)uc, 304);
	fill((void *)si, 128);
	if (i % 2)
		si->si_code = 1;
	area()->type = types[i % ARRAY_SIZE(types)];
}

ATTACK(registers, 15, NULL)
{
	each(56, all_registers);
}

/* Privileges, the trap and nested-task flags, segments of the kernel's. */
static void segments(ucontext_t *uc, siginfo_t *si, int i)
{
	greg_t *g = uc->uc_mcontext.gregs;

	memset(si, 0, 128);
	si->si_code = 1;
	si->si_arch = 0xc000003e;
	g[REG_EFL] = 1ULL << i % 22 | 0x3000;
	g[REG_CSGSFS] = i % 3 ? 0x0010001000100010 : 0xffffffffffffffff;
	g[REG_RAX] = SYS_getpid;
	area()->type = SIGSYS;
}

ATTACK(segments_and_flags, 10, "noflags")
{
	each(22, segments);
}

static void addresses(ucontext_t *uc, siginfo_t *si, int i)
{
	static const uint64_t where[] = {
		STUB, ORDERS, AREA, 0x7c8000000000, 0x7d8000000000, 0x7d8000001000,
		1ULL << 47, ~0xfffULL, 0xffff800000000000, 0, 0x7bfffffff000,
	};
	greg_t *g = uc->uc_mcontext.gregs;

	memset(si, 0, 128);
	si->si_code = i % 2 ? SEGV_ACCERR : SEGV_MAPERR;
	si->si_addr = (void *)where[i % ARRAY_SIZE(where)];
	g[REG_CR2] = where[i % ARRAY_SIZE(where)];
	g[REG_TRAPNO] = 14;
	g[REG_ERR] = rnd() & 0x1f;
	if (i % 3 == 0)
		g[REG_RIP] = where[rnd() % ARRAY_SIZE(where)];
	if (i % 3 == 1)
		g[REG_RSP] = where[rnd() % ARRAY_SIZE(where)];
	area()->type = SIGSEGV;
}

ATTACK(fault_addresses, 10, NULL)
{
	each(33, addresses);
}

static void vectors(ucontext_t *uc, siginfo_t *si, int i)
{
	uint64_t *fp = (void *)orders()->fp;

	memset(si, 0, 128);
	si->si_code = 1;
	si->si_arch = 0xc000003e;
	uc->uc_mcontext.gregs[REG_RAX] = i % 2 ? SYS_fork : SYS_sched_yield;
	/* mxcsr, xfeatures, xcomp_bv, reserved */
	if (i % 4 == 0)
		((uint32_t *)fp)[6] = ~0;
	if (i % 4 == 1)
		fp[64] = ~0ULL;
	if (i % 4 == 2)
		fp[65] = 1ULL << 63 | 7;
	if (i % 4 == 3)
		fill(fp + 64, 64);
	area()->spilled = 1;
	area()->type = SIGSYS;
}

ATTACK(vector_state, 10, "noxstate")
{
	each(24, vectors);
}

/* A stack in the area: host and stub write their frames where we want them. */
ATTACK(stack_in_area, 10, NULL)
{
	for (int i = 0; i < 64; i++) {
		CHILD(pid, {
			uint64_t sp = AREA + i * 256 + rnd() % 2 * 8;

			warm();
			__asm__ volatile(
				"mov %0, %%rsp\n"
				"mov $0x123, %%rdi\n"
				"mov (%%rdi), %%rax\n"
				"1: jmp 1b" : : "r"(sp) : "memory");
		});
		end_child(pid, 100);
	}
}
