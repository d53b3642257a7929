/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the stubs, which live in spaces above TASK_SIZE, and the engines agree
 * on. Each transport of skas0 has a stub of its own; both have a page of code
 * at STUB_CODE and a page at STUB_DATA that is read-only in the space and
 * holds the orders. skas0 over seccomp adds the runner's own pages at
 * STUB_AREA, which guest code can write: all that the kernel reads there is
 * untrusted.
 */
#ifndef _ASM_UM_STUB_H
#define _ASM_UM_STUB_H

#include <asm/layout.h>

/* An order in the stub data page: a host system call. */
#define STUB_CALL_SIZE	56

#define STUB_AREA	(STUB_START + 0x2000)
#define STUB_AREA_MAX	(16 * 4096)
#define STUB_AREA_END	(STUB_AREA + STUB_AREA_MAX)

/* struct stub_orders */
#define ORD_CMD		0
#define ORD_TODO	4
#define ORD_VCPU_SLEEPS	8
#define ORD_SPIN	12
#define ORD_AX		16
#define ORD_FS		24
#define ORD_GS		32
#define ORD_FRAME	40
#define ORD_FP		48
#define ORD_FSGSBASE	56
#define ORD_KICK	60
#define ORD_REGS	64
#define ORD_XMASK	232
#define ORD_CALLS_FOR	240
#define ORD_WEAK	244
#define ORD_NR_CALLS	248
#define ORD_PARENT	252
#define ORD_CALLS	256

/* struct stub_area */
#define AREA_TRAP	0
#define AREA_SLEEPS	4
#define AREA_TYPE	8
#define AREA_KICKED	12
#define AREA_SPILLED	16
#define AREA_PROGRESS	20
#define AREA_RESULT	24
#define AREA_KEY	32
#define AREA_SIGNATURE	40
#define AREA_FS		48
#define AREA_GS		56
#define AREA_REGS	64
#define AREA_MSG	256
#define AREA_SCRATCH	1024
#define AREA_STACK	1024	/* from here on: the stack for host signals */

/* What a command asks of the runner, in this order. */
#define TODO_OPS	0x01	/* fetch the key, carry out the calls */
#define TODO_CLONE	0x02	/* with TODO_OPS, the seed only: make a space */
#define TODO_SPILL	0x04	/* save the vector state to memory */
#define TODO_RUN	0x08	/* go on with guest code */
#define TODO_XSTATE	0x10	/* with TODO_RUN: load the vector state */
#define TODO_FS		0x20	/* with TODO_RUN: load the segment's base */
#define TODO_GS		0x40
#define TODO_CALLED	0x80	/* with TODO_RUN: after a patched call, whose registers still hold */

/* Answers; below 65 the host's signal that ended a run. */
#define ANSWER_DONE	0x100
#define ANSWER_FAILED	0x101	/* a call failed; those before it are done */
#define ANSWER_ABORTED	0x103	/* kicked before guest code ran */
#define ANSWER_CALL	0x104	/* a system call from a patched site */

#define STUB_SIG_KICK	23	/* SIGURG */

/* Descriptors of a space. */
#define STUB_FD_PHYSMEM	0
#define STUB_FD_SEED	1	/* the seed only: where new keys come from */
#define STUB_FD_KEY	2
#define STUB_FD_NEW	3	/* for a moment: the key of a new space */

#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm/page.h>
#include <asm/ptrace.h>

struct stub_call {
	unsigned long nr;
	unsigned long args[6];
};

#define STUB_CALLS	(PAGE_SIZE / sizeof(struct stub_call))

/* The image of registers: struct pt_regs up to and with ss. */
#define STUB_NR_REGS	21

/**
 * struct stub_orders - written by the kernel, read-only in the space
 *
 * What a patched system call needs to go on lies in the first cache line.
 *
 * @cmd:	number of the command
 * @todo:	TODO_*
 * @vcpu_sleeps: the vCPU sleeps on area->trap
 * @spin:	how often to look at @cmd before sleeping on it
 * @ax:		with TODO_CALLED, what the call returns
 * @fs, @gs:	bases to load
 * @frame:	where the frame of the first host signal lies
 * @fp:		where its vector state lies
 * @fsgsbase:	the CPU has RDFSBASE and the host allows it
 * @kick:	the vCPU is wanted back
 * @regs:	registers to go on with, without TODO_CALLED
 * @xmask:	the parts of the vector state that are saved and loaded
 * @calls_for:	the command whose @calls these are, or are about to be
 * @weak:	CONFIG_UML_WEAKEN: BIT(WEAK_EXIT)
 * @nr_calls:	calls in @calls
 * @parent:	pid of the kernel process
 * @calls:	host system calls to make
 */
struct stub_orders {
	u32 cmd;
	u32 todo;
	u32 vcpu_sleeps;
	u32 spin;
	u64 ax;
	u64 fs;
	u64 gs;
	u64 frame;
	u64 fp;
	u32 fsgsbase;
	u32 kick;
	u64 regs[STUB_NR_REGS];
	u64 xmask;
	u32 calls_for;
	u32 weak;
	u32 nr_calls;
	u32 parent;
	struct stub_call calls[64];
};

/**
 * struct stub_area - the runner's; guest code may have written anything
 * @trap:	the command that was answered last; the vCPU sleeps on it
 * @sleeps:	1 when the runner sleeps, on this word; the host finds a page that
 *		may be written faster than the orders
 * @type:	the answer: ANSWER_* or a signal number
 * @kicked:	a kick has arrived
 * @spilled:	the vector state lies in the frame and not in the CPU
 * @progress:	the last command with TODO_RUN whose orders were carried out and
 *		whose vector state was loaded
 * @result:	of TODO_CLONE
 * @key:	where the key is read to, for as long as it takes to load it
 * @signature:	the key xor the command whose orders were carried out
 * @fs, @gs:	bases, when orders->fsgsbase
 * @regs:	registers at a patched system call
 * @msg:	the seed's struct msghdr and what belongs to it
 */
struct stub_area {
	u32 trap;
	u32 sleeps;
	u32 type;
	u32 kicked;
	u32 spilled;
	u32 progress;
	u64 result;
	u64 key;
	u64 signature;
	u64 fs;
	u64 gs;
	u64 regs[STUB_NR_REGS];
	u64 pad[3];
	u8 msg[256];
};

/* The stub of skas0 over ptrace. */
extern char __stub_start[], __stub_end[];
extern char stub_batch[], stub_clone[], stub_enter[];

/* Where a symbol of the stub is in a space. */
#define STUB_ADDR(sym)	(STUB_CODE + ((sym) - __stub_start))

/* The stub of skas0 over seccomp. */
extern char __runner_start[], __runner_end[];
extern char rstub_handler[], rstub_syscall[], rstub_syscall_saved[];
/* Behind each of its host calls, for the filter. */
extern char rstub_wake_call[], rstub_wait_call[], rstub_fs_call[], rstub_gs_call[];
extern char rstub_key[], rstub_map_call[], rstub_unmap_call[], rstub_recv_call[];
extern char rstub_clone_call[], rstub_close_call1[], rstub_close_call2[];
extern char rstub_close_call3[], rstub_prctl_call[], rstub_getppid_call[];
extern char rstub_dup_call[], rstub_exit_call[];

#define RUNNER_ADDR(sym) (STUB_CODE + ((sym) - __runner_start))

#endif
#endif
