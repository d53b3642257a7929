// SPDX-License-Identifier: GPL-2.0
/*
 * Before the guest starts again with the descriptors that it has inherited: what
 * was read or written of a stream so far ends at the end of a frame, so that the
 * next kernel begins with one. The rest of a frame that was read in part is read
 * and forgotten, the rest of one that was written in part is written.
 *
 * A peer that stands still within a frame is not waited for longer than PATIENCE;
 * the next kernel will then find it out of step.
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/preempt.h>
#include <linux/unaligned.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "net.h"

#define PATIENCE	200
#define STEP_MS		5

/* Wait a little. Return: is it worth while */
static bool wait(unsigned int *waited)
{
	host_poll_two(-1, -1, STEP_MS);
	return ++*waited < PATIENCE;
}

/* @len bytes to @to, or to nowhere. Return: were they there */
static bool read_rest(const struct vec *v, u8 *to, size_t len, unsigned int *waited)
{
	u8 nowhere[512];

	while (len) {
		struct host_iovec iov = {
			.base = to ?: nowhere,
			.len = to ? len : min(len, sizeof(nowhere)),
		};
		long n = host_readv(v->port.fd, &iov, 1);

		if (n == -EAGAIN && wait(waited))
			continue;
		if (n <= 0)
			return false;
		len -= n;
		if (to)
			to += n;
	}
	return true;
}

static bool leave_rx(const struct vec *v, unsigned int *waited)
{
	const struct net_window *w = &v->rx;
	size_t at = net_whole_frames(w), have = w->fill - at;
	u8 head[sizeof(u32)];
	u32 len;

	if (!have)
		return true;
	net_window_copy(w, at, head, min(have, sizeof(head)));
	if (have < sizeof(head) && !read_rest(v, head + have, sizeof(head) - have, waited))
		return false;
	have = max(have, sizeof(head)) - sizeof(head);
	len = get_unaligned_be32(head);
	return len <= NET_FRAME_MAX && read_rest(v, NULL, len - have, waited);
}

static bool leave_tx(struct vec *v, unsigned int *waited)
{
	while (v->tx.sent) {
		int err = net_tx_finish(v);

		if (err && (err != -EAGAIN || !wait(waited)))
			return false;
	}
	return true;
}

/**
 * net_leave() - leave a stream at the end of a frame; the device is used no more
 *
 * Interrupts are disabled. From an interrupt, which may have come amid a read or
 * write, nothing can be done.
 */
void net_leave(struct vec *v)
{
	unsigned int waited = 0;

	if (v->dead)
		return;
	if (!in_task() || !leave_tx(v, &waited) || !leave_rx(v, &waited))
		boot_warn("%s: %s: left within a frame; the guest that starts again will not understand it\n",
			  netdev_name(v->dev), v->port.name);
}
