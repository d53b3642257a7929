// SPDX-License-Identifier: GPL-2.0
/*
 * Runners that run when they should not. One that has answered waits in the
 * stub; guest code that forged the answer computes on, on a CPU of the host's
 * that the guest's scheduler knows nothing of.
 *
 * So the CPU time of each space's process is read once a second for as long as
 * the space runs, or uses CPU time all the same. One that used much is a
 * suspect: during the next second the time from each command to its answer is
 * measured, and what it uses beyond that (and the little that the stub needs to
 * go to sleep) is held against it.
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

#define SUSPECT_NS	(100 * NSEC_PER_MSEC)
#define EXCESS_NS	(200 * NSEC_PER_MSEC)
#define IDLE_NS		NSEC_PER_MSEC
/* What the stub uses behind an answer: it looks for a while, then it sleeps. */
#define SLEEP_NS	(20 * NSEC_PER_USEC)

static LIST_HEAD(watched);
static DEFINE_SPINLOCK(lock);
static u64 last_ns, last_cycles;

static void watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch_work, watch);

static u64 cycles_to_ns(u64 cycles, u64 ns_passed, u64 passed)
{
	return passed ? mul_u64_u64_div_u64(cycles, ns_passed, passed) : 0;
}

/* Return: the space need not be looked at again before it runs. */
static bool look(struct space *space, u64 ns_passed, u64 passed)
{
	u64 cpu = host_cpu_ns(space->pid);
	u64 used = cpu - space->watch.cpu;
	u32 commands = space->cmd - space->watch.cmd;
	u64 granted = cycles_to_ns(space->watch.granted, ns_passed, passed) +
		      commands * (SLEEP_NS + SPREAD_SPIN_NS);

	if (!weakened(WEAK_NOWATCH) && space->watch.suspect && used > granted + EXCESS_NS) {
		/* Its programs die with it, see mm/space.c. */
		host_kill(space->pid, SIGKILL);
		return true;
	}
	space->watch.suspect = used > SUSPECT_NS;
	space->watch.granted = 0;
	space->watch.cpu = cpu;
	space->watch.cmd = space->cmd;
	return !commands && used < IDLE_NS;
}

static void watch(struct work_struct *work)
{
	u64 ns = host_monotonic_ns(), cycles = get_cycles();
	struct space *space, *next;
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	list_for_each_entry_safe(space, next, &watched, watch.list)
		if (space->dead || look(space, ns - last_ns, cycles - last_cycles))
			list_del_init(&space->watch.list);
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
	space->watch.suspect = false;
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
