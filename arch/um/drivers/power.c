// SPDX-License-Identifier: GPL-2.0
/*
 * The power button: SIGTERM, SIGINT and SIGHUP to the kernel process. The guest
 * runs /sbin/poweroff, which asks its init to end it in good order; where there
 * is no such program the kernel ends it itself. A guest that still runs after
 * PATIENCE has its file systems synced and is ended; so is, at once and without,
 * one that gets a second signal later. The status is 128 + signal in each case.
 *
 * The management console's halt, and reboot(2) without a signal before, are not
 * its business.
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/suspend.h>
#include <linux/syscalls.h>
#include <linux/time64.h>
#include <linux/workqueue.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/trap.h>
#include <asm/vcpu.h>

#define PATIENCE	(30 * HZ)

/*
 * timeout(1) signals its child and then its group, a terminal the whole group of
 * which the parent (boot/restart.c) hands its own signal on: all that is one wish.
 */
#define ONE_WISH_NS	(200 * NSEC_PER_MSEC)

static int requested;
static u64 requested_ns;

/**
 * power_status() - the exit status of a guest that powers off, halts or reboots
 */
int power_status(void)
{
	return requested ? 128 + requested : 0;
}

/**
 * power_wanted_off() - has the power button been pressed
 */
bool power_wanted_off(void)
{
	return READ_ONCE(requested);
}

static void end(struct work_struct *work)
{
	ksys_sync();
	blocking_notifier_call_chain(&reboot_notifier_list, SYS_POWER_OFF, NULL);
	um_exit(power_status());
}
static DECLARE_DELAYED_WORK(end_work, end);

static irqreturn_t power_interrupt(int irq, void *dev)
{
	schedule_delayed_work(&end_work, PATIENCE);
	orderly_poweroff(true);
	return IRQ_HANDLED;
}

static void on_signal(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	u64 now = host_monotonic_ns();

	if (requested && signo == requested && now - requested_ns < ONE_WISH_NS)
		return;
	if (requested)
		um_exit(128 + signo);
	requested_ns = now;
	WRITE_ONCE(requested, signo);
	vcpu_raise(&vcpu0, IRQ_POWER);
}

static int __init power_init(void)
{
	if (request_irq(IRQ_POWER, power_interrupt, 0, "power", NULL))
		return -EBUSY;
	host_signal_handler(SIGTERM, on_signal);
	host_signal_handler(SIGINT, on_signal);
	host_signal_handler(SIGHUP, on_signal);
	return 0;
}
device_initcall(power_init);
