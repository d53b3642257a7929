// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to end from outside: SIGTERM, SIGINT and SIGHUP make the guest
 * write back what it holds, and end with status 128 + signal. A second one
 * does not wait.
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/suspend.h>
#include <linux/syscalls.h>
#include <linux/workqueue.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>

static int requested;

static void end(struct work_struct *work)
{
	ksys_sync();
	blocking_notifier_call_chain(&reboot_notifier_list, SYS_POWER_OFF, NULL);
	um_exit(128 + requested);
}
static DECLARE_WORK(end_work, end);

static irqreturn_t power_interrupt(int irq, void *dev)
{
	schedule_work(&end_work);
	return IRQ_HANDLED;
}

static void on_signal(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	if (requested)
		um_exit(128 + signo);
	requested = signo;
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
