// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of the host become interrupts. One host thread sleeps in
 * epoll_wait(2); what is ready is marked, its interrupt raised, and it is not
 * looked at again until its driver says so (watch_rearm). A vCPU that is idle
 * sleeps there as well, and is the one that the host wakes: who came last.
 */
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include <asm/watch.h>

#define MAX_WATCHES	128
#define STACK_SIZE	(16 * 1024)

static struct watch {
	bool used;
	int fd;
	u8 irq;
	bool output;
	bool always;	/* a regular file: never blocks */
	bool ready;	/* shared with the thread */
} watches[MAX_WATCHES];

static int epfd = -1;
static bool apart;	/* only the thread sleeps there */

static int __init no_idle_watch(char *value)
{
	apart = true;
	return 1;
}
__setup("noidlewatch", no_idle_watch);

static char stack[STACK_SIZE] __aligned(16);

/* Return: its interrupt. */
static int mark_ready(u32 id)
{
	if (id >= MAX_WATCHES)
		return -1;
	__atomic_store_n(&watches[id].ready, true, __ATOMIC_SEQ_CST);
	return watches[id].irq;
}

static int watcher(void *arg)
{
	u32 id;

	host_block_all_signals();
	host_unpin();
	for (;;) {
		int irq = host_epoll_wait(epfd, &id) == 1 ? mark_ready(id) : -1;

		if (irq >= 0)
			vcpu_raise(&vcpu0, irq);
	}
	return 0;
}

/* At boot, since the kernel process may make no thread afterwards. */
static int __init watch_init(void)
{
	int err;

	epfd = host_epoll_create();
	if (epfd < 0)
		return epfd;
	err = host_thread(watcher, NULL, stack, STACK_SIZE);
	if (err >= 0) {
		if (!apart)
			vcpu_sleep_on(epfd, mark_ready);
		return 0;
	}
	host_close(epfd);
	epfd = err;
	return err;
}
arch_initcall(watch_init);

/* Interrupts take slots, too (line_accept()). Return: one, or -ENOSPC. */
static int take_slot(const struct watch *w)
{
	unsigned long flags;
	int id = 0;

	local_irq_save(flags);
	while (id < MAX_WATCHES && watches[id].used)
		id++;
	if (id < MAX_WATCHES)
		watches[id] = *w;
	local_irq_restore(flags);
	return id < MAX_WATCHES ? id : -ENOSPC;
}

/**
 * watch_add() - raise an interrupt when a descriptor can be read, or written
 * @fd: descriptor; one watch each
 * @irq: what to raise
 * @output: when it can be written
 *
 * A new input watch is armed, an output watch waits for watch_rearm(). In any
 * context.
 *
 * Return: id, or -errno.
 */
int watch_add(int fd, unsigned int irq, bool output)
{
	struct watch w = { .used = true, .fd = fd, .irq = irq, .output = output };
	int id, err;

	if (epfd < 0)
		return epfd;
	id = take_slot(&w);
	if (id < 0)
		return id;
	err = host_epoll_add(epfd, fd, id, output);
	if (err == -EPERM) {
		watches[id].always = true;
		watch_rearm(id);
	} else if (err) {
		watches[id].used = false;
		return err;
	}
	return id;
}

/**
 * watch_remove() - look at this descriptor no more; it is still open
 *
 * Its interrupt may be raised once more.
 */
void watch_remove(int id)
{
	if (!watches[id].always)
		host_epoll_remove(epfd, watches[id].fd);
	watches[id].used = false;
}

/**
 * watch_rearm() - the driver has done what could be done
 */
void watch_rearm(int id)
{
	struct watch *w = &watches[id];

	if (w->always) {
		w->ready = true;
		vcpu_raise(&vcpu0, w->irq);
	} else {
		host_epoll_rearm(epfd, w->fd, id, w->output);
	}
}

/**
 * watch_rearm_both() - the same, for when it can be read or written
 */
void watch_rearm_both(int id)
{
	host_epoll_rearm_both(epfd, watches[id].fd, id);
}

/**
 * watch_ready() - was it this descriptor? Forgets that it was
 */
bool watch_ready(int id)
{
	return __atomic_exchange_n(&watches[id].ready, false, __ATOMIC_SEQ_CST);
}
