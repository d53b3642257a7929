/* SPDX-License-Identifier: GPL-2.0 */
/* Runners of skas0 over seccomp: commands and answers. See runner.c. */
#ifndef _UM_ENGINE_RUNNER_H
#define _UM_ENGINE_RUNNER_H

#include <linux/types.h>
#include <asm/stub.h>

struct nearness;
struct space;
struct uregs;
struct vcpu;

extern unsigned int area_order;
extern u64 runner_frame, runner_fp, runner_xmask;
extern unsigned int runner_fp_size;
extern u64 space_key;
extern u64 watch_rest;

/* In the space's own terms and in ours. */
static inline void *area_at(void *area, u64 addr)
{
	return area + (addr - STUB_AREA);
}

void runner_died(struct space *space);
void runner_post(struct space *space, unsigned int todo);
bool runner_wait(struct space *space);
bool runner_do(struct space *space, unsigned int todo);
bool runner_settle_kick(struct space *space);
bool runner_give_key(struct space *space);
bool runner_signed(struct space *space);

#define SPREAD_SPIN_NS	(50 * NSEC_PER_USEC)
#define SPREAD_SPIN_MAX_NS (400 * NSEC_PER_USEC)
extern u64 spread_spin_ns;
void spread_init(void);
void spread_pinned(void);
void spread_choose(struct vcpu *vcpu, struct space *space);
void spread_posted(struct space *space);
void spread_forget(struct space *space);

bool near_wanted(struct nearness *n, unsigned long copied, u64 time, u64 worth_cycles);

void watch_begin(struct space *space);
void watch_end(struct space *space);

int seed_start(void);
void *seed_cpuid_page(void);
int seed_clone(struct space *space);
void area_free(struct space *space);

#endif
