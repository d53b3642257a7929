// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rtc0: the host's clock, in UTC. Setting it moves the guest's view only:
 * the difference to the host is kept while the guest runs.
 *
 * The alarm is a timer of the guest that looks at the host's clock when the
 * second should have come, and once a minute before: who sets that clock
 * meanwhile, or lets the host sleep, makes an alarm late by a minute at most.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/platform_device.h>
#include <linux/pm_wakeup.h>
#include <linux/rtc.h>
#include <asm/host.h>

#define LOOK_S	60LL

static struct rtc_device *rtc;
static struct hrtimer timer;
static s64 offset_s;		/* what the guest has added to the host's clock */
static time64_t alarm_s;	/* when it rings, as the guest sees the clock */
static bool alarm_on;

static time64_t host_seconds(void)
{
	return div_u64(host_realtime_ns(), NSEC_PER_SEC);
}

static int read_time(struct device *dev, struct rtc_time *tm)
{
	rtc_time64_to_tm(host_seconds() + READ_ONCE(offset_s), tm);
	return 0;
}

/* ns until the next look at the clock; 0 when the alarm is due. */
static u64 until_look(void)
{
	u64 now = host_realtime_ns();
	s64 left_s = READ_ONCE(alarm_s) - READ_ONCE(offset_s) - (s64)div_u64(now, NSEC_PER_SEC);

	if (left_s <= 0)
		return 0;
	return min(left_s, LOOK_S) * NSEC_PER_SEC - now % NSEC_PER_SEC;
}

static enum hrtimer_restart look(struct hrtimer *t)
{
	u64 left = until_look();

	if (left) {
		hrtimer_set_expires(t, ktime_add_ns(ktime_get(), left));
		return HRTIMER_RESTART;
	}
	WRITE_ONCE(alarm_on, false);
	rtc_update_irq(rtc, 1, RTC_AF | RTC_IRQF);
	return HRTIMER_NORESTART;
}

/* The callbacks are called one at a time. */
static int alarm_irq_enable(struct device *dev, unsigned int enable)
{
	hrtimer_cancel(&timer);
	WRITE_ONCE(alarm_on, enable);
	if (enable)
		hrtimer_start(&timer, ns_to_ktime(until_look()), HRTIMER_MODE_REL);
	return 0;
}

static int set_time(struct device *dev, struct rtc_time *tm)
{
	WRITE_ONCE(offset_s, rtc_tm_to_time64(tm) - host_seconds());
	return alarm_irq_enable(dev, READ_ONCE(alarm_on));
}

static int read_alarm(struct device *dev, struct rtc_wkalrm *alarm)
{
	rtc_time64_to_tm(READ_ONCE(alarm_s), &alarm->time);
	alarm->enabled = READ_ONCE(alarm_on);
	return 0;
}

static int set_alarm(struct device *dev, struct rtc_wkalrm *alarm)
{
	alarm_irq_enable(dev, false);
	WRITE_ONCE(alarm_s, rtc_tm_to_time64(&alarm->time));
	return alarm_irq_enable(dev, alarm->enabled);
}

static const struct rtc_class_ops ops = {
	.read_time = read_time,
	.set_time = set_time,
	.read_alarm = read_alarm,
	.set_alarm = set_alarm,
	.alarm_irq_enable = alarm_irq_enable,
};

static int __init rtc_start(void)
{
	struct platform_device *dev = platform_device_register_simple("uml-rtc", -1, NULL, 0);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer.function = look;
	/* Timers of programs that would wake a sleeping machine need it. */
	device_init_wakeup(&dev->dev, true);
	rtc = devm_rtc_allocate_device(&dev->dev);
	err = PTR_ERR_OR_ZERO(rtc);
	if (!err) {
		rtc->ops = &ops;
		rtc->range_max = RTC_TIMESTAMP_END_9999;
		err = devm_rtc_register_device(rtc);
	}
	if (err)
		platform_device_unregister(dev);
	return err;
}
device_initcall(rtc_start);
