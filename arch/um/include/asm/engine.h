/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An engine is a way to run guest code. The kernel above it is one loop: run,
 * then handle the trap. An engine knows nothing of Linux tasks.
 */
#ifndef _ASM_UM_ENGINE_H
#define _ASM_UM_ENGINE_H

#include <linux/types.h>
#include <asm/uregs.h>
#include <asm/vcpu.h>

/* What ended a run of guest code. */
enum trap_type {
	TRAP_SYSCALL,	/* a system call, its number in gp.orig_ax */
	TRAP_FAULT,	/* a memory access that the space does not allow */
	TRAP_SIGNAL,	/* another synchronous signal: #DE, #UD, #BP, ... */
	TRAP_KICK,	/* an interrupt waits for this vCPU */
	TRAP_DEAD,	/* the space is gone: killed by the host or a person */
};

/**
 * struct trap - why a run ended
 * @type:	what happened
 * @signo:	for TRAP_FAULT and TRAP_SIGNAL, the signal
 * @code:	its si_code
 * @addr:	its si_addr; for TRAP_FAULT the address of the access
 * @error:	for TRAP_FAULT, the CPU's page fault error code where the engine
 *		can know it, else 0; it has bit 2 set (user) when it is there
 * @by_signal:	for TRAP_SYSCALL, a jump to engine->syscall_entry would be cheaper
 */
struct trap {
	enum trap_type type;
	int signo;
	int code;
	unsigned long addr;
	unsigned long error;
	bool by_signal;
};

enum map_kind { MAP_SET, MAP_UNSET, MAP_READONLY, MAP_EMPTY };

#define MAP_PROT_READ	1
#define MAP_PROT_WRITE	2
#define MAP_PROT_EXEC	4

/**
 * struct map_op - an order to change a space
 * @kind:	MAP_SET maps physmem, MAP_UNSET takes pages away, MAP_READONLY
 *		takes write access away (and may take the pages away), MAP_EMPTY
 *		takes everything away
 * @prot:	MAP_SET, MAP_READONLY: the access that is allowed, MAP_PROT_*
 * @addr:	guest address, page aligned, below TASK_SIZE
 * @len:	bytes, whole pages
 * @phys:	MAP_SET: guest-physical address
 */
struct map_op {
	u8 kind;
	u8 prot;
	unsigned long addr;
	unsigned long len;
	unsigned long phys;
};

/* Where the vector state of a guest thread is that a runner holds. */
enum xstate_place { XSTATE_IN_CPU, XSTATE_IN_AREA };

/* Its program runs in it; has just forked; has not run in it yet. */
enum space_age { SPACE_USED, SPACE_FORKED, SPACE_NEW };

/* Orders that wait for the space to run; a run of pages is one order. */
#define SPACE_OPS	64

/* Page tables that stay when it is emptied, by the first address of each; ascending. */
#define SPACE_TABLES	8

struct space_tables {
	unsigned int nr;
	unsigned long at[SPACE_TABLES];
};

/**
 * struct nearness - is its program better off on the vCPU's CPU; see engine/near.c
 * @watched:	it shares much data with the kernel
 * @near:	it is to be on the vCPU's CPU
 * @trying:	where it is now was not known, or not for long, to be quicker
 * @runs:	that much data came before, in this trial
 * @others:	runs before which it did not, since the last one of those
 * @keep:	trials, from one try of the other way to the next
 * @left:	those that are left
 * @time:	of all these runs, in CPU cycles
 * @bytes:	that were copied before them
 * @cost:	CPU cycles for a KiB, on two CPUs and on one; 0: nobody knows
 */
struct nearness {
	bool watched;
	bool near;
	bool trying;
	u8 runs;
	u8 others;
	u16 keep;
	u16 left;
	u64 time;
	u64 bytes;
	u64 cost[2];
};

/**
 * struct space - a guest address space as the host holds it
 * @pid:	host process, or 0
 * @dead:	the host process is gone
 * @holds:	whose xstate its runner holds, or NULL
 * @age:	what its program is about to do
 * @data:	the page of orders, read-only in the space
 * @ahead:	the next fault's block of addresses, if the program goes on in order
 * @next_write:	where the next fault is, if the program writes in order
 * @in_order:	faults that were where the last one said, one after the other
 * @touched:	which page tables its program has needed
 * @held:	those that a page without access holds, unless it was replaced
 * @emptied:	nothing was mapped since the orders to empty it
 * @stack:	of the program that had it last: whose fork has use for @held
 * @nr_ops:	orders in @ops
 * @ops:	orders not yet carried out
 * @area:	skas0 over seccomp: the runner's pages, which guest code can write
 * @key_fd:	where its key is handed out
 * @cmd:	number of the last command
 * @run_cmd:	number of the last command to run
 * @quiet:	it is not kicked before its orders are carried out and its vector
 *		state is loaded
 * @proven:	its runner is known to wait in the stub, since the last run
 * @kick_out:	a kick was sent that may not have arrived
 * @takes:	the orders that it was given last take pages away
 * @brief:	the host thread of the vCPU that is to be interrupted when its run does
 *		not end soon, or 0
 * @spread:	its runner is on another CPU than the vCPU
 * @batch:	its runner interrupts no other thread when it is woken
 * @talk:	of its last 256 runs, those that soon ended in the kernel again
 * @posted:	when it was let run, in CPU cycles
 * @near:	what is known of the data that its program shares with the kernel
 * @xstate_in:	where the state of @holds is: in the CPU or in @area
 * @bases_loaded: @fs and @gs are what the runner has loaded
 * @called:	registers of the patched call that ended the last run
 * @was_called:	@called holds, and so does the runner's own copy
 * @watch:	skas0 over seccomp: its CPU time, and what it was given; see
 *		watch_runners.c
 * @sites:	patched system calls of its program, or NULL
 * @sites_off:	none may be patched (any more)
 * @sites_live:	its text may hold patches
 * @sites_lost:	their table is no longer mapped
 * @hot:	where system calls came from lately, and how often
 * @pooled_as:	the how manieth it was to come into the pool, the last time
 * @list:	in the pool of spaces that nobody uses
 * @all:	in the list of all spaces
 */
struct space {
	int pid;
	bool dead;
	enum space_age age;
	struct uregs *holds;
	void *data;
	unsigned long ahead;
	unsigned long next_write;
	unsigned int in_order;
	struct space_tables touched, held;
	bool emptied;
	unsigned long stack;
	unsigned int nr_ops;
	struct map_op ops[SPACE_OPS];
	void *area;
	int key_fd;
	u32 cmd;
	u32 run_cmd;
	bool quiet;
	bool proven;
	bool kick_out;
	bool bases_loaded;
	bool takes;
	int brief;
	bool spread;
	bool batch;
	unsigned int talk;
	u64 posted;
	struct nearness near;
	enum xstate_place xstate_in;
	unsigned long fs, gs;
	struct pt_regs called;
	bool was_called;
	struct sites *sites;
	bool sites_off;
	bool sites_live;
	bool sites_lost;
	struct {
		struct list_head list;
		u64 cpu, granted, posted, answered;
		u32 cmd;
	} watch;
	struct {
		unsigned long ip;
		unsigned int n;
	} hot[16];
	u64 pooled_as;
	struct list_head list;
	struct list_head all;
};

/**
 * struct engine - a way to run guest code
 * @name:	as in "UML running in NAME mode"
 * @transport:	how, for the skas0 modes
 * @by_ptrace:	it goes on to need ptrace(2), for as long as the guest runs
 * @syscall_entry: NULL, or: where a patched system call jumps to
 * @cpuid_page:	NULL, or: the page that spaces have at STUB_CPUID
 * @probe:	print and carry out the boot-time checks; 0 or -errno
 * @start:	once, before the first space; 0 or -errno
 * @space_create: make an empty space; 0 or -errno (-EAGAIN: the host's limit)
 * @space_destroy: end it
 * @space_check: is its host process still there? Marks it dead when not.
 * @space_update: carry out orders, all of them, in order. An engine may empty
 *		the space first; a dead space is left alone.
 * @space_reset: NULL, or: nothing of the last user may be left in the space but
 *		its mappings
 * @space_settle: NULL, or: carry out what waits before anything that it takes
 *		away may be used anew, where a runner could still be running
 * @run:	carry out what waits, then run guest code with these registers
 *		until it traps
 * @fetch_xstate: make uregs->xstate current when a runner holds it
 * @kick:	make @run return soon; called in a host signal handler on the
 *		vCPU's own thread
 */
struct engine {
	const char *name;
	const char *transport;
	bool by_ptrace;
	unsigned long (*syscall_entry)(void);
	void *(*cpuid_page)(void);
	int (*probe)(void);
	int (*start)(void);
	int (*space_create)(struct space *space);
	void (*space_destroy)(struct space *space);
	bool (*space_check)(struct space *space);
	void (*space_update)(struct space *space, const struct map_op *ops,
			     unsigned int n);
	void (*space_reset)(struct space *space);
	void (*space_settle)(struct space *space);
	void (*run)(struct vcpu *vcpu, struct space *space, struct uregs *uregs,
		    struct trap *trap);
	void (*fetch_xstate)(struct space *space, struct uregs *uregs);
	void (*kick)(struct vcpu *vcpu);
};

extern const struct engine *engine;
extern const struct engine engine_skas0_ptrace, engine_skas0_seccomp;

void spread_helper(bool begins);	/* engine/spread.c */

#endif
