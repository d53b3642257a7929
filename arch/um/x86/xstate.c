// SPDX-License-Identifier: GPL-2.0
/*
 * Floating point and vector state. Its size is what CPUID says at run time for
 * all that the host lets programs use, so a new CPU needs no new port. The
 * format is the standard one of XSAVE (Intel SDM volume 1, 13.4), the same in
 * ptrace, in signal frames and in core dumps.
 */
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/sigcontext.h>
#include <asm/space.h>
#include <asm/uregs.h>
#include <asm/xstate.h>

unsigned int xstate_size __ro_after_init;
u64 xstate_mask __ro_after_init;
unsigned int signal_frame_size __ro_after_init;

static struct kmem_cache *cache __ro_after_init;

/**
 * xstate_init() - ask the CPU
 */
void __init xstate_init(void)
{
	if (host_cpuid_xstate(&xstate_size, &xstate_mask))
		boot_die("this CPU has no XSAVE, or the host does not use it; a CPU from 2011 or later is needed\n");
	/* What AT_MINSIGSTKSZ tells programs: frame, state, alignment, magic. */
	signal_frame_size = 1024 + xstate_size + 64 + 4;
}

/* Called before the first task with a state is made. */
void __init arch_task_cache_init(void)
{
	cache = kmem_cache_create("xstate", xstate_size, 64, SLAB_ACCOUNT | SLAB_PANIC, NULL);
}

/**
 * xstate_alloc() - room for a task's state
 */
int xstate_alloc(struct uregs *uregs)
{
	uregs->xstate = kmem_cache_zalloc(cache, GFP_KERNEL_ACCOUNT);
	return uregs->xstate ? 0 : -ENOMEM;
}

/**
 * xstate_free() - free what xstate_alloc() has given
 */
void xstate_free(struct uregs *uregs)
{
	if (uregs->xstate)
		kmem_cache_free(cache, uregs->xstate);
	uregs->xstate = NULL;
}

/**
 * xstate_reset() - the state that a new program starts with
 */
void xstate_reset(struct uregs *uregs)
{
	struct _xstate *x = uregs->xstate;

	memset(x, 0, xstate_size);
	x->fpstate.cwd = 0x37f;
	x->fpstate.mxcsr = 0x1f80;
	x->fpstate.sw_reserved.xfeatures = xstate_mask;
	/* FP and SSE are there (in their initial state), the rest initial. */
	x->xstate_hdr.xfeatures = 3;
}

/**
 * xstate_sse_exception() - is it an SSE exception that is raised and unmasked
 */
bool xstate_sse_exception(struct uregs *uregs)
{
	struct _xstate *x = uregs->xstate;

	uregs_fetch(uregs);
	/* MXCSR: flags in bits 0 to 5, their masks in bits 7 to 12. */
	return x->fpstate.mxcsr & 0x3f & ~(x->fpstate.mxcsr >> 7);
}

/**
 * xstate_mxcsr_mask() - bits of MXCSR that may be set (SDM volume 1, 11.6.6)
 */
u32 xstate_mxcsr_mask(void)
{
	return 0xffff;
}
