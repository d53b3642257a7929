// SPDX-License-Identifier: GPL-2.0
/*
 * How soon the agent runs when there is something to relay.
 *
 * At once, as a rule: what a command has written is on its way to the launcher
 * before the command goes on, since its next step may be what the guest dies
 * of, and then its last words matter most. So the agent is of SCHED_FIFO, and
 * what it starts is not (SCHED_RESET_ON_FORK, sched(7)).
 *
 * But a turn for each line of a command that writes many costs that command
 * more than its own work. So turns are counted: MOST may follow each other at
 * once, and each millisecond gives one back. When none is left the agent is of
 * SCHED_BATCH, which preempts nobody, and reads more at one time, until FEW are
 * there.
 *
 * A kernel that refuses to have it so relays later, no more.
 */
#include <linux/sched.h>
#include "agent.h"

#define MOST	200
#define FEW	20

static int turns = MOST, hasty;
static long last;

static long milliseconds(void)
{
	long now[2];	/* struct timespec */

	my_syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, now);
	return now[0] * 1000 + now[1] / 1000000;
}

/*
 * Before each turn's wait; returns how long that may be, in milliseconds, or -1:
 * for ever. Who is in no haste looks again when turns may have come back.
 */
int haste(void)
{
	long now = milliseconds();
	int priority;	/* struct sched_param */

	turns = now - last < MOST - turns ? turns + (now - last) : MOST;
	last = now;
	if (turns)
		turns--;
	if (hasty ? !turns : turns >= FEW) {
		hasty = !hasty;
		priority = hasty;
		my_syscall3(__NR_sched_setscheduler, 0,
			    (hasty ? SCHED_FIFO : SCHED_BATCH) | SCHED_RESET_ON_FORK, &priority);
	}
	return hasty ? -1 : FEW;
}
