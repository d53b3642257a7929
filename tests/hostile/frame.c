// SPDX-License-Identifier: GPL-2.0
/*
 * Forged signal frames: the kernel takes registers, vector state and the reason
 * of a trap from memory that guest code can write.
 */
#include "attack.h"
#include <signal.h>
#include <ucontext.h>

static void fill(uint64_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++)
		p[i] = rnd() >> rnd() % 64;
}

/* @forge changes the frame of a trap that is then posted, @times times. */
static void each(int times, void (*forge)(ucontext_t *uc, siginfo_t *si, int i))
{
	for (int i = 0; i < times; i++) {
		CHILD(pid, {
			ucontext_t *uc = (void *)(orders()->frame + 8);
			siginfo_t *si = (void *)(orders()->frame + 8 + 304);

			warm();
			rnd_state += i * 7919;
			getppid();
			forge(uc, si, i);
			__atomic_store_n(&area()->trap, orders()->cmd, __ATOMIC_SEQ_CST);
			spin_ms(30);
		});
		end_child(pid, 100);
	}
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

ATTACK(segments_and_flags, 10, NULL)
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

ATTACK(vector_state, 10, NULL)
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
