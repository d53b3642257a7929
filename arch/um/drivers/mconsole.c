// SPDX-License-Identifier: GPL-2.0
/*
 * The management console: requests of the guest's owner, as uml_mconsole sends
 * them, come from the doorman as messages. A thread takes them and carries out
 * what is quick; what may have to wait (mconsole_commands.c says which) is left
 * to a worker, one after the other.
 *
 * stop is a loop in which this thread takes messages with interrupts disabled
 * and all other CPUs held: no guest code runs, and no timer does.
 *
 * What the guest's root writes to /proc/mconsole goes to the socket that
 * mconsole=notify: names.
 */
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/panic_notifier.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include <asm/watch.h>
#include "mconsole.h"

#define STOP_LOOK_MS	250	/* how long the power button may wait for a stopped guest */

static int watch = -1;
static bool readable;
static DECLARE_WAIT_QUEUE_HEAD(wait);
static struct workqueue_struct *worker;
static u32 current_id;		/* what the worker carries out */
static bool stopped;

struct slow_request {
	struct work_struct work;
	const struct mconsole_command *command;
	u32 id;
	char arg[DOOR_DATA + 1];
};

/**
 * mconsole_say() - the whole answer to a request, one line
 */
void mconsole_say(u32 id, bool failed, const char *text)
{
	door_reply(id, text, strlen(text), failed, false);
}

/**
 * mconsole_current() - the request that a hotplug callback is called for
 */
u32 mconsole_current(void)
{
	return READ_ONCE(current_id);
}

/**
 * mconsole_is_stopped() - does the guest stand still because its owner said so
 */
bool mconsole_is_stopped(void)
{
	return READ_ONCE(stopped);
}

static void run_slowly(struct work_struct *work)
{
	struct slow_request *s = container_of(work, struct slow_request, work);

	WRITE_ONCE(current_id, s->id);
	s->command->run(s->id, s->arg);
	WRITE_ONCE(current_id, 0);
	kfree(s);
}

static void request(struct door_message *m)
{
	const struct mconsole_command *c;
	struct slow_request *s;
	char *arg;

	c = mconsole_find(m->data, &arg);
	if (!c) {
		mconsole_say(m->id, true, "unknown command; help lists them");
	} else if (c->slow && system_state < SYSTEM_RUNNING) {
		/* Until then it is taken for the command line that asks. */
		mconsole_say(m->id, true, "the guest still boots; try again");
	} else if (!c->slow) {
		c->run(m->id, arg);
	} else {
		s = kmalloc(sizeof(*s), GFP_KERNEL);
		if (!s) {
			mconsole_say(m->id, true, "the guest has no memory left");
			return;
		}
		INIT_WORK(&s->work, run_slowly);
		s->command = c;
		s->id = m->id;
		strscpy(s->arg, arg, sizeof(s->arg));
		queue_work(worker, &s->work);
	}
}

/* Return: whether the doorman is there. */
static bool take_messages(void)
{
	struct door_message m;
	int fd, err;

	while ((err = door_receive(&m, &fd)) > 0) {
		if (m.type == DOOR_RESULT)
			door_result(m.id, fd >= 0 ? fd : m.value ?: -EMFILE);
		else if (fd >= 0)
			host_close(fd);
		if (m.type == DOOR_REQUEST) {
			request(&m);
		} else if (m.type == DOOR_UNFILTERED) {
			pr_notice("mconsole: the host refuses a filter for the doorman: %s\n",
				  host_error(m.value));
		} else if (m.type == DOOR_READY && m.value) {
			pr_notice("mconsole: no socket in %s: %s\n", umid_dir(),
				  host_error(m.value));
		} else if (m.type == DOOR_READY) {
			char path[400];

			snprintf(path, sizeof(path), "%s/mconsole", umid_dir());
			pr_info("mconsole: on %s\n", path);
			door_notify(NOTIFY_SOCKET, path, strlen(path) + 1);
		}
	}
	return !err;
}

static int mconsole_thread(void *unused)
{
	for (;;) {
		wait_event_interruptible(wait, READ_ONCE(readable));
		WRITE_ONCE(readable, false);
		if (!take_messages()) {
			pr_notice("mconsole: the process that serves it has ended\n");
			return 0;
		}
		watch_rearm(watch);
	}
}

static irqreturn_t mconsole_interrupt(int irq, void *dev)
{
	if (watch < 0 || !watch_ready(watch))
		return IRQ_NONE;
	WRITE_ONCE(readable, true);
	wake_up(&wait);
	return IRQ_HANDLED;
}

/*
 * With interrupts disabled, on all CPUs. The power button ends it as well: a
 * guest that is to shut down has to run. Its signal may have been taken by another
 * thread, or right before the wait, so that does not last for long.
 *
 * Return: the request that ended it, or 0.
 */
static int stand_still(void *id)
{
	const struct mconsole_command *c;
	struct door_message m;
	char *arg;
	int fd;

	mconsole_say(*(u32 *)id, false, "stopped");
	while (!power_wanted_off()) {
		int err = door_receive(&m, &fd);

		if (err < 0)
			return 0;	/* nobody is left who could say go */
		if (!err) {
			host_poll_two(door_socket(), -1, STOP_LOOK_MS);
			continue;
		}
		if (fd >= 0)
			host_close(fd);
		if (m.type != DOOR_REQUEST)
			continue;
		c = mconsole_find(m.data, &arg);
		if (c && !strcmp(c->name, "go"))
			return m.id;
		if (c && !strcmp(c->name, "stop"))
			mconsole_say(m.id, true, "already stopped");
		else if (c && c->stopped)
			c->run(m.id, arg);
		else
			mconsole_say(m.id, true, "the guest is stopped; go continues it");
	}
	return 0;
}

/**
 * mconsole_stop() - let the guest stand still until the owner says go
 * @id: the request
 *
 * The guest's clocks go on meanwhile, as those of a machine that sleeps. One whose
 * power button is pressed goes on.
 */
void mconsole_stop(u32 id)
{
	int went_on;

	if (power_wanted_off()) {
		mconsole_say(id, true, "the guest is shutting down");
		return;
	}
	WRITE_ONCE(stopped, true);
	went_on = stop_machine(stand_still, &id, NULL);
	WRITE_ONCE(stopped, false);
	if (went_on)
		mconsole_say(went_on, false, "");
}

static ssize_t proc_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char text[DOOR_DATA];
	size_t n = min(count, sizeof(text));
	int err;

	if (copy_from_user(text, from, n))
		return -EFAULT;
	err = door_notify(NOTIFY_USER, text, n);
	return err ?: n;
}

static const struct proc_ops proc_ops = {
	.proc_write = proc_write,
	.proc_lseek = noop_llseek,
};

static int on_panic(struct notifier_block *nb, unsigned long event, void *text)
{
	door_notify_last(NOTIFY_PANIC, text);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = on_panic,
	.priority = INT_MAX,
};

static int __init mconsole_init(void)
{
	if (door_socket() < 0)
		return 0;
	worker = alloc_ordered_workqueue("mconsole", 0);
	if (!worker || IS_ERR(kthread_run(mconsole_thread, NULL, "mconsole")))
		return -ENOMEM;
	if (request_irq(IRQ_CONSOLE, mconsole_interrupt, IRQF_SHARED, "mconsole", &watch))
		return -EBUSY;
	watch = watch_add(door_socket(), IRQ_CONSOLE, false);
	if (watch < 0)
		return watch;
	/* What came before the interrupt knew the watch. */
	WRITE_ONCE(readable, true);
	wake_up(&wait);
	if (*boot_options.notify) {
		proc_create("mconsole", 0200, NULL, &proc_ops);
		atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	}
	return 0;
}
late_initcall(mconsole_init);
