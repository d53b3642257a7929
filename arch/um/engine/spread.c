// SPDX-License-Identifier: GPL-2.0
/*
 * Where a runner runs. On a host with a CPU to spare it is another CPU than the
 * vCPU's, and each side looks for the other's word for a while before it
 * sleeps: a hand-over then costs what a cache line takes to cross. With no CPU
 * to spare that would be ten times dearer than on one CPU, so both are kept on
 * one, and none looks: it would only keep the other from its work.
 *
 * Whether a CPU is spare is what the host says of runnable threads
 * (/proc/loadavg, proc(5)), read every few milliseconds of work, not when idle.
 * If it would be spare but for one foreign thread, only programs that do little
 * but call the kernel are served by two. A program that shares much data with the
 * kernel is on one CPU with it even if another is spare, if that is quicker (near.c).
 * None is spare while a thread of a disk copies (spread_helper()).
 *
 * A runner that is woken need not interrupt the one before it on its CPU, which is
 * on its way to sleep: that would be a message from one CPU to the other, dear where
 * both are a virtual machine's. SCHED_BATCH (sched(7)) spares it; not where others
 * want the CPU as well, whom such a runner would wait for.
 */
#include <linux/bitops.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/timex.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/processor.h>
#include <asm/vcpu.h>
#include "runner.h"

#define LOOK_EVERY_NS	(2 * NSEC_PER_MSEC)
#define RUNS_A_LOOK	32	/* the clock is read once in so many runs */
#define LOOKS		10	/* bad ones, until no CPU counts as spare */
#define MANY		10000
#define SLICE_NS	4000000	/* a turn of the host's scheduler, about */
#define SHORT_NS	40000	/* runs of a program that does little but call */
#define TALKS		192	/* it talks: of 256 runs lately, so many were short */

u64 spread_spin_ns;		/* for the vCPU; 0: do not look, sleep */

static unsigned int spin_count;	/* for the stub: SPREAD_SPIN_NS in loops */
static int loadavg = -1;
static bool may_batch;
static unsigned int nr_cpus;
static u64 cpus[16], mine[16], others[16];
static u64 short_cycles;		/* SHORT_NS */
static struct view {
	bool good;
	int score;
} spare = { .score = LOOKS }, shared = { .score = LOOKS };
static u64 next_look;
static unsigned int runs;
static int helpers;			/* of our own threads, those that copy */
static struct space *recent[4];	/* that ran, the last one first */

/**
 * spread_init() - on the vCPU's thread, before it is pinned
 */
void __init spread_init(void)
{
	u64 start, ns;

	if (boot_options.no_spin || host_get_affinity(cpus, sizeof(cpus)))
		return;
	for (int i = 0; i < ARRAY_SIZE(cpus); i++)
		nr_cpus += hweight64(cpus[i]);
	if (nr_cpus < 2)
		return;
	loadavg = host_open("/proc/loadavg", HOST_RDONLY);
	may_batch = !boot_options.no_batch && host_is_timeshared();
	short_cycles = get_cycles();
	start = host_monotonic_ns();
	for (int i = 0; i < 1000; i++)
		cpu_relax();
	ns = host_monotonic_ns() - start + 1;
	spin_count = div64_u64(SPREAD_SPIN_NS * 1000, ns);
	short_cycles = div64_u64((get_cycles() - short_cycles) * SHORT_NS, ns);
}

/**
 * spread_pinned() - the vCPU's thread has its CPU now
 */
void __init spread_pinned(void)
{
	if (host_get_affinity(mine, sizeof(mine)))
		loadavg = -1;
	for (int i = 0; i < ARRAY_SIZE(cpus); i++)
		others[i] = cpus[i] & ~mine[i];
}

/* Runnable threads of the host; a large number when it does not say. */
static int runnable(void)
{
	char buf[64], *p = buf;
	long n = host_pread(loadavg, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return MANY;
	buf[n] = 0;
	for (int i = 0; i < 3 && p; i++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p ? clamp_t(long, simple_strtol(p, NULL, 10), 0, MANY) : MANY;
}

static void see(struct view *v, bool good)
{
	/* A runner may be on its way to sleep: that makes every third look bad. */
	v->score += good ? -2 : 1;
	if (v->score <= 0)
		v->good = true;
	if (v->score >= LOOKS)
		v->good = false;
	v->score = clamp(v->score, 0, LOOKS);
}

/*
 * Since Linux 6.12 a thread that went to sleep may stay in its queue, and count,
 * until its turn is over.
 */
static bool may_count(const struct space *space)
{
	return get_cycles() - space->watch.answered < SLICE_NS / SHORT_NS * short_cycles;
}

static void look(void)
{
	int ours = 1, doubtful = 0, foreign;

	/*
	 * This thread, and runners that look or were kept from sleeping. Guest
	 * code may have written the word: it decides about speed only.
	 */
	for (int i = 0; i < ARRAY_SIZE(recent); i++) {
		if (!recent[i])
			continue;
		if (!READ_ONCE(((struct stub_area *)recent[i]->area)->sleeps))
			ours++;
		else if (may_count(recent[i]))
			doubtful++;
	}
	foreign = boot_options.spin ? 0 : runnable() - ours;
	/* This thread and one runner at a time are to have a CPU each. */
	if (__atomic_load_n(&helpers, __ATOMIC_RELAXED) + 2 > (int)nr_cpus)
		see(&spare, boot_options.spin);
	else if (foreign + 2 <= (int)nr_cpus)
		see(&spare, true);
	else if (foreign - doubtful + 2 > (int)nr_cpus)
		see(&spare, false);
	see(&shared, foreign - doubtful + 1 <= (int)nr_cpus);
}

/*
 * Does a program do little but make calls, each at once after the other? Then
 * two CPUs are the quicker way even if a foreign thread shares them.
 */
static bool talks(struct space *space)
{
	u64 now = get_cycles();

	if (recent[0] == space && now - space->posted < short_cycles)
		space->talk += (256 - space->talk) / 32;
	else
		space->talk -= space->talk / 4;
	return shared.good && space->talk >= (space->spread ? TALKS / 2 : TALKS);
}

/* Is it better off with the vCPU, though another CPU is spare? */
static bool near(struct vcpu *vcpu, struct space *space)
{
	unsigned long copied = vcpu->copied;
	u64 time = space->watch.answered - space->watch.posted;

	vcpu->copied = 0;
	if (boot_options.no_near || boot_options.spin)
		return false;
	/* Bytes of others, or a run that had no CPU to itself: nothing new. */
	if (recent[0] != space || !spare.good)
		return space->near.near;
	return near_wanted(&space->near, copied, time, short_cycles / 4);
}

/**
 * spread_choose() - before a space runs: where, and who looks for how long
 */
void spread_choose(struct vcpu *vcpu, struct space *space)
{
	struct stub_orders *o = space->data;
	bool spread;

	if (loadavg < 0)
		return;
	if (++runs >= RUNS_A_LOOK) {
		u64 now = host_monotonic_ns();

		runs = 0;
		if (now >= next_look) {
			next_look = now + LOOK_EVERY_NS;
			look();
		}
	}
	spread = spare.good || talks(space);
	if (unlikely(vcpu->copied || space->near.watched) && near(vcpu, space))
		spread = false;
	if (spread != space->spread) {
		space->spread = spread;
		host_set_affinity(space->pid, spread ? others : mine, sizeof(mine));
	}
	if (may_batch && space->batch != (spread && spare.good)) {
		space->batch = !space->batch;
		host_set_batch(space->pid, space->batch);
	}
	/* A write takes the cache line from the runner, even of the same value. */
	if (o->spin != (spread ? spin_count : 0))
		WRITE_ONCE(o->spin, spread ? spin_count : 0);
	spread_spin_ns = spread ? SPREAD_SPIN_NS : 0;
}

/**
 * spread_posted() - a space has its command
 *
 * The runner of the space before looks for nothing any more. It is told only
 * now: its CPU is to find the next runner awake when it goes to sleep, since a
 * CPU that has become idle is woken dearly.
 */
void spread_posted(struct space *space)
{
	struct space *last = recent[0];
	unsigned int i;

	if (!spare.good)
		space->posted = get_cycles();
	if (last == space)
		return;
	if (last && last->spread)
		WRITE_ONCE(((struct stub_orders *)last->data)->spin, 0);
	for (i = 1; i < ARRAY_SIZE(recent) - 1 && recent[i] != space; i++)
		;
	memmove(recent + 1, recent, i * sizeof(*recent));
	recent[0] = space;
}

/**
 * spread_helper() - a thread of a device copies much data, or is done with it
 *
 * By any host thread. Such a thread is certain to want a CPU; what the host counts
 * may as well be a runner that has just gone to sleep.
 */
void spread_helper(bool begins)
{
	__atomic_fetch_add(&helpers, begins ? 1 : -1, __ATOMIC_RELAXED);
}

/**
 * spread_forget() - a space is no more
 */
void spread_forget(struct space *space)
{
	for (int i = 0; i < ARRAY_SIZE(recent); i++)
		if (recent[i] == space)
			recent[i] = NULL;
}
