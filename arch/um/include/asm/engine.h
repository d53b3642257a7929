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
 */
struct trap {
	enum trap_type type;
	int signo;
	int code;
	unsigned long addr;
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

/* Orders that wait for the space to run; a run of pages is one order. */
#define SPACE_OPS	64

/**
 * struct space - a guest address space as the host holds it
 * @pid:	host process, or 0
 * @dead:	the host process is gone
 * @holds:	whose xstate its runner holds, or NULL
 * @data:	the stub data page, written by the kernel only
 * @nr_ops:	orders in @ops
 * @ops:	orders not yet carried out
 * @list:	in the pool of spaces that nobody uses
 * @all:	in the list of all spaces
 */
struct space {
	int pid;
	bool dead;
	struct uregs *holds;
	void *data;
	unsigned int nr_ops;
	struct map_op ops[SPACE_OPS];
	struct list_head list;
	struct list_head all;
};

/**
 * struct engine - a way to run guest code
 * @name:	as in "UML running in NAME mode"
 * @transport:	how, for the skas0 modes
 * @probe:	print and carry out the boot-time checks; 0 or -errno
 * @start:	once, before the first space; 0 or -errno
 * @space_create: make an empty space; 0 or -errno (-EAGAIN: the host's limit)
 * @space_destroy: end it
 * @space_check: is its host process still there? Marks it dead when not.
 * @space_update: carry out orders, all of them, in order. An engine may empty
 *		the space first; a dead space is left alone.
 * @run:	run guest code with these registers until it traps
 * @fetch_xstate: make uregs->xstate current when a runner holds it
 * @kick:	make @run return soon; called in a host signal handler on the
 *		vCPU's own thread
 */
struct engine {
	const char *name;
	const char *transport;
	int (*probe)(void);
	int (*start)(void);
	int (*space_create)(struct space *space);
	void (*space_destroy)(struct space *space);
	bool (*space_check)(struct space *space);
	void (*space_update)(struct space *space, const struct map_op *ops,
			     unsigned int n);
	void (*run)(struct vcpu *vcpu, struct space *space, struct uregs *uregs,
		    struct trap *trap);
	void (*fetch_xstate)(struct space *space, struct uregs *uregs);
	void (*kick)(struct vcpu *vcpu);
};

extern const struct engine *engine;
extern const struct engine engine_skas0_ptrace;

#endif
