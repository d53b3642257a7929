// SPDX-License-Identifier: GPL-2.0
/*
 * Time. The clock is the host's CLOCK_MONOTONIC in nanoseconds, read through
 * its vDSO. The event timer is a POSIX timer of the host that signals the
 * vCPU's thread; while the vCPU sleeps its next event is the sleep's time-out
 * instead, so that an idle guest makes one host call a sleep.
 *
 * The scheduler's clock leaves out time in which the vCPU did not run though it
 * had work: it was stopped (SIGSTOP, a debugger), or the host had better things
 * to do. Else the task that was running would be charged for it, and wait until
 * all others have had as much.
 */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/sched/clock.h>
#include <linux/timex.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/um_time.h>
#include <asm/um_vdso.h>
#include <asm/vcpu.h>

static u64 clock_read(struct clocksource *cs)
{
	return host_monotonic_ns();
}

static struct clocksource host_clock = {
	.name = "host",
	.rating = 400,
	.read = clock_read,
	.mask = CLOCKSOURCE_MASK(64),
	.mult = 1,
	.shift = 0,
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

static u64 boot_ns __ro_after_init;

/* A vCPU with work looks at the clock at every tick. Longer than so many was a stop. */
#define STOPPED_NS	(100 * NSEC_PER_MSEC)

static DEFINE_PER_CPU(u64, seen_ns);	/* the last look */
static DEFINE_PER_CPU(u64, stopped_ns);	/* all stops so far */

/* Out of line, and once for one stop, though interrupts look at the clock, too. */
static noinline notrace u64 after_stop(u64 *seen, u64 *stopped)
{
	unsigned long flags;
	u64 now, clock;

	raw_local_irq_save(flags);
	now = host_monotonic_ns();
	if (now - *seen > STOPPED_NS)
		*stopped += now - *seen;
	*seen = now;
	clock = now - boot_ns - *stopped;
	raw_local_irq_restore(flags);
	return clock;
}

unsigned long long notrace sched_clock(void)
{
	u64 *seen = raw_cpu_ptr(&seen_ns), *stopped = raw_cpu_ptr(&stopped_ns);
	u64 last = READ_ONCE(*seen), before = READ_ONCE(*stopped), now;

	/* Timekeeping takes its first look before time_init(). */
	if (unlikely(!boot_ns))
		return 0;
	now = host_monotonic_ns();
	if (unlikely(now - last > STOPPED_NS && last && !is_idle_task(current)))
		return after_stop(seen, stopped);
	/* Not where an interrupt has looked later than this. */
	cmpxchg_local(seen, last, now);
	return now - boot_ns - before;
}

static void arm(struct vcpu *vcpu)
{
	vcpu->armed = vcpu->deadline;
	host_timer_set(vcpu->timer, vcpu->deadline);
}

static int set_next_event(unsigned long delta, struct clock_event_device *ce)
{
	struct vcpu *vcpu = this_vcpu();

	vcpu->deadline = host_monotonic_ns() + delta;
	/* The idle loop sleeps until the deadline by itself. */
	if (!is_idle_task(current))
		arm(vcpu);
	return 0;
}

static int shutdown(struct clock_event_device *ce)
{
	struct vcpu *vcpu = this_vcpu();

	vcpu->deadline = 0;
	if (vcpu->armed)
		arm(vcpu);
	return 0;
}

/**
 * time_enter_idle() - how long a sleep may last
 *
 * A timer that would end the sleep too early is disarmed.
 *
 * Return: deadline in ns; 0 for ever, which the armed timer's signal may end.
 */
u64 time_enter_idle(struct vcpu *vcpu)
{
	if (vcpu->armed && vcpu->armed == vcpu->deadline)
		return 0;
	if (vcpu->armed) {
		vcpu->armed = 0;
		host_timer_set(vcpu->timer, 0);
	}
	return vcpu->deadline;
}

/**
 * time_leave_idle() - arm what was left to the sleep's time-out
 */
void time_leave_idle(struct vcpu *vcpu)
{
	if (vcpu->deadline != vcpu->armed && !(vcpu->pending & (1U << IRQ_TIMER)))
		arm(vcpu);
}

static struct clock_event_device host_timer = {
	.name = "host",
	.rating = 250,
	.features = CLOCK_EVT_FEAT_ONESHOT,
	.set_next_event = set_next_event,
	.set_state_shutdown = shutdown,
	.set_state_oneshot = shutdown,
	.irq = IRQ_TIMER,
};

static irqreturn_t timer_interrupt(int irq, void *dev)
{
	struct vcpu *vcpu = this_vcpu();

	/* A signal that was under way when the timer was set anew. */
	if (!vcpu->deadline || host_monotonic_ns() < vcpu->deadline)
		return IRQ_HANDLED;
	vcpu->deadline = 0;
	vcpu->armed = 0;
	host_timer.event_handler(&host_timer);
	return IRQ_HANDLED;
}

void __init time_init(void)
{
	int err;

	boot_ns = host_monotonic_ns();
	lpj_fine = NSEC_PER_SEC / HZ;	/* __delay() counts ns */

	err = host_timer_create(HOST_SIG_TIMER, vcpu0.tid);
	if (err < 0)
		boot_die("cannot create a timer: %s (RLIMIT_SIGPENDING?)\n", host_error(err));
	vcpu0.timer = err;

	if (request_irq(IRQ_TIMER, timer_interrupt, IRQF_TIMER, "timer", NULL))
		panic("no timer interrupt");
	host_clock.vdso_clock_mode = vdso_init_clock();
	clocksource_register_hz(&host_clock, NSEC_PER_SEC);
	host_timer.cpumask = cpumask_of(0);
	clockevents_config_and_register(&host_timer, NSEC_PER_SEC, 1000, LONG_MAX);
}

void read_persistent_clock64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(host_realtime_ns());
}

/**
 * um_ndelay() - wait without sleeping
 */
void um_ndelay(unsigned long ns)
{
	u64 end = host_monotonic_ns() + ns;

	while ((s64)(host_monotonic_ns() - end) < 0)
		cpu_relax();
}
EXPORT_SYMBOL(um_ndelay);

/**
 * __delay() - wait for a number of loops, of which lpj_fine make a jiffy: ns
 */
void __delay(unsigned long loops)
{
	um_ndelay(loops);
}
EXPORT_SYMBOL(__delay);
