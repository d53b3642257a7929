// SPDX-License-Identifier: GPL-2.0
/*
 * Runners that run when they should not. One that has answered waits in the
 * stub; guest code that forged the answer computes on, on a CPU of the host's
 * that the guest's scheduler knows nothing of.
 *
 * So the CPU time of each space's process is read once a second for as long as
 * the space runs, or uses CPU time all the same. What it may use is the time from
 * each command to its answer, and the little behind an answer that the stub needs
 * to look for the next command and to go to sleep. What it uses beyond that is
 * held against it, and what all of them use together, against the worst.
 *
 * A guest in which nothing runs is not woken for this.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/signal.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/timex.h>
#include <linux/workqueue.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/weaken.h>
#include "runner.h"

#define EXCESS_NS	(200 * NSEC_PER_MSEC)	/* of one space, in a second */
#define EXCESS_ALL_NS	(2 * EXCESS_NS)
#define IDLE_NS		NSEC_PER_MSEC
/* What the stub uses behind an answer: it looks for a while, then it sleeps. */
#define SLEEP_NS	(20 * NSEC_PER_USEC)

static LIST_HEAD(watched);
static DEFINE_SPINLOCK(lock);
static u64 last_ns, last_cycles;

/* The most that is granted behind an answer, in cycles; all until it is known. */
u64 watch_rest = U64_MAX;

static void watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch_work, watch);

static u64 cycles_to_ns(u64 cycles, u64 ns_passed, u64 passed)
{
	return passed ? mul_u64_u64_div_u64(cycles, ns_passed, passed) : 0;
}

/* Nanoseconds that a space has used beyond what it may since the last look. */
static u64 excess_of(struct space *space, u64 ns_passed, u64 passed, bool *idle)
{
	u64 cpu = host_cpu_ns(space->pid);
	u64 used = cpu - space->watch.cpu;
	u64 granted = cycles_to_ns(space->watch.granted, ns_passed, passed);

	*idle = space->cmd == space->watch.cmd && used < IDLE_NS;
	space->watch.granted = 0;
	space->watch.cpu = cpu;
	space->watch.cmd = space->cmd;
	return used > granted ? used - granted : 0;
}

static void look(u64 ns_passed, u64 passed)
{
	struct space *space, *next, *worst = NULL;
	u64 all = 0, most = 0;

	list_for_each_entry_safe(space, next, &watched, watch.list) {
		bool idle = false;
		u64 excess = space->dead ? 0 : excess_of(space, ns_passed, passed, &idle);

		all += excess;
		if (excess > most) {
			most = excess;
			worst = space;
		}
		if (space->dead || idle)
			list_del_init(&space->watch.list);
	}
	/* Its programs die with it, see mm/pool.c. */
	if ((most > EXCESS_NS || all > EXCESS_ALL_NS) && !weakened(WEAK_NOWATCH))
		host_kill(worst->pid, SIGKILL);
}

static void watch(struct work_struct *work)
{
	u64 ns = host_monotonic_ns(), cycles = get_cycles();
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	if (ns > last_ns)
		watch_rest = mul_u64_u64_div_u64(cycles - last_cycles, SLEEP_NS + SPREAD_SPIN_NS,
						 ns - last_ns);
	look(ns - last_ns, cycles - last_cycles);
	last_ns = ns;
	last_cycles = cycles;
	if (!list_empty(&watched))
		schedule_delayed_work(&watch_work, HZ);
	spin_unlock_irqrestore(&lock, flags);
}

/**
 * watch_begin() - a space runs that is not watched
 */
void watch_begin(struct space *space)
{
	unsigned long flags;

	space->watch.cpu = host_cpu_ns(space->pid);
	space->watch.cmd = space->cmd;
	space->watch.granted = 0;
	spin_lock_irqsave(&lock, flags);
	if (list_empty(&watched)) {
		last_ns = host_monotonic_ns();
		last_cycles = get_cycles();
		schedule_delayed_work(&watch_work, HZ);
	}
	list_add(&space->watch.list, &watched);
	spin_unlock_irqrestore(&lock, flags);
}

/**
 * watch_end() - a space is no more
 */
void watch_end(struct space *space)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	list_del_init(&space->watch.list);
	spin_unlock_irqrestore(&lock, flags);
}
