// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that share much data with the kernel: on the vCPU's CPU or on another?
 *
 * On two CPUs a hand-over costs a cache line's way, on one a switch of the host's
 * scheduler, 25 times as much. But what a program fills and the kernel copies, or
 * the other way round, crosses line by line as well, and a megabyte of it takes
 * longer than many switches. It depends on whether the program looks at its data
 * at all, so it is measured: how long its runs take, hand-over included, for what
 * the kernel copied from and to it before. Where that is more than some switches,
 * the other way is tried, and what was quicker is kept for a while.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sizes.h>
#include <asm/engine.h>
#include "runner.h"

#define MUCH		SZ_32K	/* bytes between two runs */
#define TRIAL		16	/* runs with so many, until it is decided */
#define OTHERS		4	/* runs with less in a row: it does something else now */
#define KEEP		64	/* trials, until the way that was slower is tried again, */
#define KEEP_MAX	512	/* or so many when it was so again and again */

/* Over some trials: one may have been beside other work of the host. */
static u64 average(u64 before, u64 now)
{
	return max(before ? (3 * before + now) / 4 : now, 1ULL);
}

/* What it cost here is known now: stay, or go where it cost less or nobody knows. */
static void decide(struct nearness *n, u64 worth_cycles)
{
	u64 *there = &n->cost[!n->near], cost = div64_u64(n->time << 10, n->bytes);
	bool near = n->near;

	n->cost[near] = average(n->trying ? 0 : n->cost[near], cost);
	if (!near && n->time < n->runs * worth_cycles) {
		*there = 0;	/* two CPUs cost next to nothing */
		n->trying = false;
		n->keep = KEEP;
	} else if (!*there || (!n->trying && !--n->left)) {
		n->near = !near;
		n->trying = true;
	} else {
		/* What is as good on one CPU leaves the other to others. */
		n->near = n->cost[true] <= n->cost[false];
		if (n->trying || n->near != near) {
			bool in_vain = n->trying && n->near != near;

			n->keep = in_vain ? clamp(2 * n->keep, KEEP, KEEP_MAX) : KEEP;
			n->left = n->keep;
		}
		n->trying = false;
	}
	n->runs = 0;
	n->time = 0;
	n->bytes = 0;
}

/* The way that is tried is slower by far. */
static bool hopeless(const struct nearness *n, u64 worth_cycles)
{
	u64 other = n->cost[!n->near];

	return n->trying && n->runs > 1 && other &&
	       n->time > 2 * (other * n->bytes >> 10) + 8 * worth_cycles;
}

/**
 * near_wanted() - is a program to run on the vCPU's CPU, though another is free?
 * @n: what is known of it
 * @copied: bytes that the kernel copied from or to it since its last run
 * @time: how long that run was, in CPU cycles, with the hand-over
 * @worth_cycles: a switch on one CPU and back costs less
 *
 * Before each run, if the one before on the vCPU was of the same program.
 */
bool near_wanted(struct nearness *n, unsigned long copied, u64 time, u64 worth_cycles)
{
	if (copied < MUCH && (!n->watched || ++n->others > OTHERS)) {
		*n = (struct nearness){ };	/* it does something else now */
		return false;
	}
	n->watched = true;
	n->time += time;
	n->bytes += copied;
	if (copied >= MUCH) {
		n->others = 0;
		if (++n->runs == TRIAL || hopeless(n, worth_cycles))
			decide(n, worth_cycles);
	}
	return n->near;
}
