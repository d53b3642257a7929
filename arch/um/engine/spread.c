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
 * A space whose runs mostly follow those of another one stays on the vCPU's
 * CPU: for each it would have to be woken across CPUs.
 */
#include <linux/bitops.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/processor.h>
#include "runner.h"

#define LOOK_EVERY_NS	(2 * NSEC_PER_MSEC)
#define RUNS_A_LOOK	32	/* the clock is read once in so many runs */
#define GOOD_LOOKS	3	/* in a row, until a CPU counts as spare */
#define BAD_LOOKS	2

u64 spread_spin_ns;		/* for the vCPU; 0: do not look, sleep */

static unsigned int spin_count;	/* for the stub: SPREAD_SPIN_NS in loops */
static int loadavg = -1;
static unsigned int nr_cpus;
static u64 cpus[16], mine[16], others[16];
static bool spare;
static int streak;
static u64 next_look;
static unsigned int runs;
static struct space *last;

/**
 * spread_init() - on the vCPU's thread, before it is pinned
 */
void __init spread_init(void)
{
	u64 start;

	if (boot_options.no_spin || host_get_affinity(cpus, sizeof(cpus)))
		return;
	for (int i = 0; i < ARRAY_SIZE(cpus); i++)
		nr_cpus += hweight64(cpus[i]);
	if (nr_cpus < 2)
		return;
	loadavg = host_open("/proc/loadavg", HOST_RDONLY);
	start = host_monotonic_ns();
	for (int i = 0; i < 1000; i++)
		cpu_relax();
	spin_count = div64_u64(SPREAD_SPIN_NS * 1000, host_monotonic_ns() - start + 1);
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

/* Runnable threads of the host, or a large number. */
static unsigned int runnable(void)
{
	char buf[64], *p = buf;
	long n = host_pread(loadavg, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return ~0U;
	buf[n] = 0;
	for (int i = 0; i < 3 && p; i++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p ? simple_strtoul(p, NULL, 10) : ~0U;
}

static void look(bool runner_counted)
{
	/*
	 * This thread and the runner that it serves. The runner is among the
	 * runnable ones if it looks for its orders, or has not come to sleep
	 * yet since it shares this CPU.
	 */
	bool good = boot_options.spin || runnable() - runner_counted + 1 <= nr_cpus;

	if (good == spare) {
		streak = 0;
		return;
	}
	if (++streak < (good ? GOOD_LOOKS : BAD_LOOKS))
		return;
	streak = 0;
	spare = good;
}

/**
 * spread_choose() - before a space runs: where, and who looks for how long
 */
void spread_choose(struct space *space)
{
	struct stub_orders *o = space->data;
	struct stub_area *a = space->area;
	bool follows = last && last != space, spread;

	if (loadavg < 0)
		return;
	if (follows && last->spread)
		WRITE_ONCE(((struct stub_orders *)last->data)->spin, 0);
	last = space;
	if (++runs >= RUNS_A_LOOK) {
		u64 now = host_monotonic_ns();

		runs = 0;
		if (now >= next_look) {
			next_look = now + LOOK_EVERY_NS;
			look(!READ_ONCE(a->sleeps));
		}
	}
	space->switches = (space->switches * 7 + (follows ? 256 : 0)) / 8;
	spread = spare && space->switches < 128;
	if (spread != space->spread) {
		space->spread = spread;
		host_set_affinity(space->pid, spread ? others : mine, sizeof(mine));
	}
	WRITE_ONCE(o->spin, spread ? spin_count : 0);
	spread_spin_ns = spread ? SPREAD_SPIN_NS : 0;
}

/**
 * spread_forget() - a space is no more
 */
void spread_forget(struct space *space)
{
	if (last == space)
		last = NULL;
}
