/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of the hostile tests: ATTACK(name, seconds, weak) defines a case in
 * which guest code attacks the boundary between runner and kernel.
 *
 * The body runs in a child, which may die, hang or get errors: all of that is
 * well. It says won() when it got what it must never get; then the case fails.
 * Whatever became of it, another guest process must afterwards still run,
 * compute and fork.
 *
 * @weak names the defence (weaken=, CONFIG_UML_WEAKEN) without which the attack
 * wins, or is NULL. On a kernel that is weakened the verdict is turned round:
 * the case passes when the attack won, or when it hung the guest.
 */
#ifndef TESTS_HOSTILE_ATTACK_H
#define TESTS_HOSTILE_ATTACK_H

#include "test.h"
#include <stddef.h>
#include <ucontext.h>

struct attack {
	const char *name, *weak;
};

void attack_run(const char *name, void (*body)(void), int seconds);
__attribute__((format(printf, 1, 2))) void won(const char *fmt, ...);
bool weakened(void);
/* Guest code runs under PTRACE_SYSEMU: there is no area and no key. */
bool over_ptrace(void);

#define ATTACK(name_, seconds_, weak_)						\
	static void attack_##name_(void);					\
	static const struct attack entry_##name_				\
		__attribute__((used, section("attacks"))) = { #name_, weak_ };	\
	TEST_LIMIT(name_, (seconds_) + 20)					\
	{									\
		attack_run(#name_, attack_##name_, seconds_);				\
	}									\
	static void attack_##name_(void)

/* The stub, as guest code finds it. */
#define STUB 0x7c0000000000UL
#define ORDERS (STUB + 0x1000)
#define AREA (STUB + 0x2000)
#define AREA_SIZE area_size()
#define TABLE 0x050f0000UL

#define SIG_KICK 23
#define ANSWER_FAILED 0x101
#define ANSWER_CALL 0x104

struct orders {
	uint32_t cmd, todo, vcpu_sleeps, spin;
	uint64_t ax, fs, gs, frame, fp;
	uint32_t fsgsbase, kick;
	uint64_t regs[21], xmask;
	uint32_t calls_for, weak, nr_calls, parent;
	struct {
		uint64_t nr, args[6];
	} calls[64];
};

struct area {
	uint32_t trap, sleeps, type, kicked, spilled, progress;
	uint64_t result, key, signature, fs, gs, regs[21];
};

#define TODO_OPS 1
#define TODO_RUN 8

static inline volatile struct orders *orders(void)
{
	return (void *)ORDERS;
}

static inline volatile struct area *area(void)
{
	return (void *)AREA;
}

size_t area_size(void);

/* A system call instruction of the stub; @nr -1: it makes any of its orders. */
struct stub_call {
	uintptr_t at;
	int nr;
};
int stub_calls(struct stub_call *calls, int max);
/* The first one of that number. */
uintptr_t stub_call(int nr);
/* The one that carries out orders. */
uintptr_t stub_map_call(void);
/* Of all the code. */
size_t stub_size(void);
/* Where orders begin to be carried out. */
uintptr_t stub_ops(void);

/* Registers in the order of their numbers: ax cx dx bx sp bp si di r8 .. r15. */
struct regs {
	uint64_t r[16], flags;
};
enum { AX, CX, DX, BX, SP, BP, SI, DI, R8, R9, R10, R11, R12, R13, R14, R15 };
__attribute__((noreturn)) void jump(uintptr_t to, const struct regs *regs);

/*
 * Jumps, and comes back as often as the kernel lets the program go on from its
 * last trap: the registers of a run stay in the orders. Return: 0 first of all,
 * then how often.
 */
#define TRAP_HERE(counter) (syscall(SYS_getppid), (counter)++)

/*
 * Touches all pages of the program: where a forged answer has been given, a page
 * fault would be a true one. Done at the start of an attack; a child of it has
 * to do it again.
 */
void warm(void);
/* Posts the trap of a system call and goes on running. */
void post_call(long nr, long a, long b, long c, long d, long e, long f);
/* Set: without waiting for the kernel to see it. */
extern bool post_and_return;
/*
 * Where the kernel lets a program go on whose answer was forged, if that is not
 * to be the call that forged it: as save() has it. That function must not have
 * returned, and save() in it seems to return again.
 */
extern greg_t *resume_at;
__attribute__((returns_twice)) void save(greg_t *gregs);
/* Posts a page fault at @addr and goes on. */
void post_fault(uintptr_t addr, bool write);
/* Runs on until the kernel has given a command beyond @cmd. False: too long. */
bool next_command(uint32_t cmd, int ms);

/* Guest processes other than the attacker do as they should. */
void check_alive(void);
/* Waits for a child, for a while, and then kills it. */
void end_child(pid_t pid, int ms);
/* Time without a system call, a fault, or anything that the kernel could see. */
void spin_ms(int ms);
extern uint64_t ticks_per_ms;
uint64_t rnd(void);
extern uint64_t rnd_state;

#endif
