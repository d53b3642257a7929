// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/watchdog: a timer of the host. A guest that opens it and then does not
 * write to it in time is ended, whatever state its kernel is in: the host's
 * signal comes also when interrupts are disabled.
 *
 * Only time in which the guest could run counts. The timeout is PARTS turns of
 * the timer, and one that ends late by half and more is not counted: then the
 * host had stopped us (SIGSTOP, a debugger, a freezer), or had no CPU for us.
 * Nor is one while the owner has the guest stopped by its management console.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/time64.h>
#include <linux/watchdog.h>
#include <asm/boot.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include <asm/trap.h>
#include <asm/vcpu.h>
#include "mconsole.h"

#define DEFAULT_S	60
#define MAX_S		(24 * 60 * 60)
#define PARTS		8

static int timer = -1;
static unsigned int parts_left;
static u64 part_ns;
static u64 deadline;	/* of this part; 0 when the watchdog is off */
static struct watchdog_device watchdog;

static int start_part(void)
{
	WRITE_ONCE(deadline, host_monotonic_ns() + part_ns);
	return host_timer_set(timer, deadline);
}

/* expired() may come at any point of these, and finds no part that has ended. */
static int ping(struct watchdog_device *w)
{
	WRITE_ONCE(deadline, 0);
	parts_left = PARTS;
	part_ns = w->timeout * NSEC_PER_SEC / PARTS;
	return start_part();
}

static int stop(struct watchdog_device *w)
{
	WRITE_ONCE(deadline, 0);
	return host_timer_set(timer, 0);
}

static unsigned int time_left(struct watchdog_device *w)
{
	return div_u64(READ_ONCE(parts_left) * part_ns, NSEC_PER_SEC);
}

static void __noreturn bite(void)
{
	char text[120];
	int n = scnprintf(text, sizeof(text),
			  "linux: the guest did not serve its watchdog for %u s and is ended\n",
			  watchdog.timeout);

	door_notify_last(NOTIFY_HANG, "the watchdog was not served");
	console_restore();
	host_write_all(2, text, n);
	um_exit(EXIT_WATCHDOG);
}

static void expired(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	u64 now = host_monotonic_ns();

	/* Sent by somebody, or under way when the timer was set anew. */
	if (!deadline || now < deadline)
		return;
	if (now - deadline < part_ns / 2 && !mconsole_is_stopped() && !--parts_left)
		bite();
	start_part();
}

static const struct watchdog_info info = {
	.options = WDIOF_SETTIMEOUT | WDIOF_KEEPALIVEPING | WDIOF_MAGICCLOSE,
	.identity = "host timer",
};

static const struct watchdog_ops ops = {
	.owner = THIS_MODULE,
	.start = ping,
	.ping = ping,
	.stop = stop,
	.get_timeleft = time_left,
};

static struct watchdog_device watchdog = {
	.info = &info,
	.ops = &ops,
	.timeout = DEFAULT_S,
	.min_timeout = 1,
	.max_timeout = MAX_S,
};

static int __init watchdog_start(void)
{
	timer = host_timer_create(HOST_SIG_WATCHDOG, vcpu0.tid);
	if (timer < 0)
		return timer;
	host_signal_handler(HOST_SIG_WATCHDOG, expired);
	watchdog_set_nowayout(&watchdog, WATCHDOG_NOWAYOUT);
	return watchdog_register_device(&watchdog);
}
device_initcall(watchdog_start);
