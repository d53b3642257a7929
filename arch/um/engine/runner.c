// SPDX-License-Identifier: GPL-2.0
/*
 * How the kernel and a runner hand over to each other. A command is a number
 * that grows, in a page that only the kernel can write; the answer is the same
 * number in the runner's area, which guest code can write. Each side looks for
 * a while and then sleeps on the other's word; it says so first, so that the
 * other knows to wake it.
 *
 * That a runner has answered does not mean that it has stopped: guest code can
 * write an answer and run on. Only an answer that is signed with the key says
 * that the runner is in the stub (see stub/runner.S), and it stays there until
 * the next command that lets it run.
 *
 * A runner that does not answer is waited for as long as it computes nothing:
 * the host may be busy; if somebody has stopped its process it is continued. One
 * that uses CPU time all the while (more than the largest orders take, when it
 * has fetched the key for them), or that sleeps without having said so, is not
 * the stub, and its space is ended. So is one that takes back that a kick has
 * arrived.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/signal.h>
#include <linux/time64.h>
#include <linux/timex.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/processor.h>
#include <asm/weaken.h>
#include "runner.h"

/* How long to sleep before a look at what the runner does. */
#define LOOK_NS		(20 * NSEC_PER_MSEC)
/* CPU time that the stub never needs for an answer. */
#define PATIENCE_NS	(200 * NSEC_PER_MSEC)
/* And for orders: for each page of physmem, and what comes with it. */
#define ORDERS_NS	NSEC_PER_SEC
#define ORDERS_PAGE_NS	2000

/**
 * runner_died() - end a space; nothing of it stays
 */
void runner_died(struct space *space)
{
	int status, err;

	if (space->dead)
		return;
	space->dead = true;
	host_kill(space->pid, SIGKILL);
	do {
		err = host_wait(space->pid, &status);
	} while (err == -EINTR);
	if (space->holds) {
		space->holds->owner = NULL;
		space->holds = NULL;
	}
}

/**
 * runner_post() - give a command; orders->calls and ->regs are in place
 */
void runner_post(struct space *space, unsigned int todo)
{
	struct stub_orders *o = space->data;
	struct stub_area *a = space->area;
	u64 both = (u64)todo << 32 | ++space->cmd;

	BUILD_BUG_ON(ORD_CMD || ORD_TODO != 4);
	space->watch.posted = get_cycles();
	space->watch.granted += min(space->watch.posted - space->watch.answered, watch_rest);
	/* In one store: the runner looks at that cache line all the time. */
	__atomic_store_n((u64 *)&o->cmd, both, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&a->sleeps, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&a->sleeps, 0, __ATOMIC_SEQ_CST);
		host_futex_wake_shared(&a->sleeps);
	}
}

/* CPU time that the stub may need for its last command. */
static u64 patience(struct space *space)
{
	struct stub_orders *o = space->data;

	if (!(o->todo & TODO_OPS) || host_poll(space->key_fd, false))
		return PATIENCE_NS;
	return ORDERS_NS + (physmem_size >> PAGE_SHIFT) * ORDERS_PAGE_NS;
}

/**
 * struct looks - what was seen while there was no answer
 * @cpu:	the runner's CPU time at the first look
 * @slept:	how often it slept where it waits for commands
 */
struct looks {
	u64 cpu;
	unsigned int slept;
};

/* No answer yet: is this the stub at all? Return: false when it is not. */
static bool look(struct space *space, struct looks *seen, bool kick)
{
	struct stub_orders *o = space->data;
	struct stub_area *a = space->area;
	u64 now = host_cpu_ns(space->pid);

	if (host_is_dead(space->pid))
		return false;
	/* Somebody on the host did that; the guest cannot wait for them. */
	if (host_is_stopped(space->pid))
		host_kill(space->pid, SIGCONT);
	if (weakened(WEAK_NOLOOK))
		return true;
	/* Guest code that was not kicked may run as long as it likes. */
	if (!kick && o->todo & TODO_RUN && !READ_ONCE(o->kick))
		return true;
	/*
	 * The stub does not sleep when a command waits for it, whatever
	 * area->sleeps says; and between two sleeps a kick is delivered.
	 */
	seen->slept += host_futex_wake_shared(&a->sleeps) > 0;
	if (seen->slept > 1)
		return false;
	if (!seen->cpu)
		seen->cpu = now;
	return now - seen->cpu < patience(space);
}

static bool answered(struct space *space, bool kick)
{
	struct stub_area *a = space->area;

	if (kick)
		return __atomic_load_n(&a->kicked, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&a->trap, __ATOMIC_SEQ_CST) == space->cmd;
}

/*
 * How much longer than spread_spin_ns to look, where faults are cheap: there to be
 * woken takes half as long as the look itself. Longer when an answer came soon after
 * the look was over, as from a program that begins and asks a virtual machine's CPU
 * what it can; as before when one took long.
 */
static u64 look_more;

static void learn(u64 waited)
{
	if (host_faults_dear || waited <= spread_spin_ns)
		return;
	look_more = waited <= SPREAD_SPIN_MAX_NS ? SPREAD_SPIN_MAX_NS - SPREAD_SPIN_NS : 0;
}

/* Look for a while; return: it came. */
static bool spin(struct space *space, bool kick)
{
	u64 end = host_monotonic_ns() + spread_spin_ns + look_more;

	do {
		for (int i = 0; i < 16; i++) {
			if (answered(space, kick))
				return true;
			cpu_relax();
		}
	} while (host_monotonic_ns() < end);
	return false;
}

/*
 * Not while pages are taken away, where faults are dear: on such a host each of
 * these orders is then an interrupt to this CPU, which the runner waits for and
 * which an idle CPU is spared.
 */
static bool worth_looking(struct space *space, bool kick)
{
	struct stub_orders *o = space->data;

	if (!space->spread)
		return false;
	return kick || !host_faults_dear || !(o->todo & TODO_OPS) || !space->takes;
}

/* Wait for the answer, or for a kick to arrive. */
static bool wait_for(struct space *space, bool kick)
{
	struct stub_orders *o = space->data;
	struct stub_area *a = space->area;
	bool looking = worth_looking(space, kick);
	struct looks looks = {};
	u64 next = 0, begin = 0;

	if (space->dead)
		return false;
	while (!answered(space, kick) && !(looking && spin(space, kick))) {
		unsigned int seen = __atomic_load_n(&a->trap, __ATOMIC_SEQ_CST);
		u64 now = host_monotonic_ns();
		int err = 0;

		if (!begin)
			begin = now;
		if (space->brief) {
			/* Us: the handler of that signal kicks. */
			host_tgkill(host_getpid(), space->brief, HOST_SIG_IRQ);
			space->brief = 0;
			continue;
		}

		/* Guest code can wake us all the time: only the clock counts. */
		if (next && now >= next) {
			if (!look(space, &looks, kick))
				goto dead;
			next = 0;
		}
		if (!next)
			next = now + LOOK_NS;
		__atomic_store_n(&o->vcpu_sleeps, 1, __ATOMIC_SEQ_CST);
		if (!answered(space, kick))
			err = host_futex_wait_shared(&a->trap, seen, next);
		o->vcpu_sleeps = 0;
		if (err == -EINTR && host_is_dead(space->pid))
			goto dead;
	}
	if (begin && looking)
		learn(host_monotonic_ns() - begin + spread_spin_ns + look_more);
	return true;
dead:
	runner_died(space);
	return false;
}

/**
 * runner_wait() - wait for the answer to the last command
 *
 * Return: false when the space is dead.
 */
bool runner_wait(struct space *space)
{
	bool good = wait_for(space, false);

	space->watch.answered = get_cycles();
	space->watch.granted += space->watch.answered - space->watch.posted;
	return good;
}

/**
 * runner_do() - give a command that runs no guest code, and wait
 *
 * Return: false when the space is dead.
 */
bool runner_do(struct space *space, unsigned int todo)
{
	runner_post(space, todo);
	return runner_wait(space);
}

/**
 * runner_settle_kick() - see a kick arrive, so that none comes later
 *
 * Return: false when the space is dead.
 */
bool runner_settle_kick(struct space *space)
{
	if (space->kick_out && !wait_for(space, true))
		return false;
	space->kick_out = false;
	return !space->dead;
}

/**
 * runner_give_key() - let the runner fetch the key for the orders that follow
 *
 * Return: false when the space is dead.
 */
bool runner_give_key(struct space *space)
{
	if (!runner_settle_kick(space))
		return false;
	if (host_write(space->key_fd, &space_key, sizeof(space_key)) == sizeof(space_key))
		return true;
	runner_died(space);
	return false;
}

/**
 * runner_signed() - is the answer signed for the last command; it is only once
 */
bool runner_signed(struct space *space)
{
	struct stub_area *a = space->area;
	bool good = READ_ONCE(a->signature) == (space_key ^ space->cmd);

	WRITE_ONCE(a->signature, 0);
	return good;
}
