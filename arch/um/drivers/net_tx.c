// SPDX-License-Identifier: GPL-2.0
/*
 * Frames on their way to the host: a short ring of what the stack has given in
 * one go. It is written as soon as no more follows. When the host does not take
 * all of it, the queue of the device stops until the descriptor can be written
 * (net.c), so no more than one ring ever waits here.
 *
 * Frames are written from where they lie: a prefix, the linear part, the pages.
 * Before a frame goes its virtio-net header, or in a stream its length.
 *
 * All functions are called under the lock of the transmit queue.
 */
#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <linux/virtio_net.h>
#include "net.h"

static unsigned int prefix_len(const struct vec *v)
{
	return v->port.transport->stream ? sizeof(u32) : v->port.vnet;
}

/**
 * net_tx_add() - put a frame into the ring, which has room
 *
 * Return: false: it cannot be sent, and is still the caller's
 */
bool net_tx_add(struct vec *v, struct sk_buff *skb)
{
	struct net_tx *tx = &v->tx;
	unsigned int i = (tx->first + tx->count) % NET_TX_RING;
	u8 *prefix = tx->prefix[i];

	if (skb->len > NET_FRAME_MAX || skb->len < ETH_HLEN)
		return false;
	if (v->port.transport->stream) {
		put_unaligned_be32(skb->len, prefix);
	} else if (v->port.vnet) {
		memset(prefix, 0, NET_PREFIX_MAX);
		if (virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)prefix, true, false, 0))
			return false;
	}
	tx->skb[i] = skb;
	tx->count++;
	return true;
}

/* What there is of frame @i behind its first @skip bytes. Return: entries. */
static unsigned int fill(const struct vec *v, unsigned int i, size_t skip, struct host_iovec *iov)
{
	struct sk_buff *skb = v->tx.skb[i];
	unsigned int n = 0, f = 0;
	void *base = (void *)v->tx.prefix[i];
	size_t len = prefix_len(v);

	for (;; f++) {
		if (skip < len) {
			iov[n].base = base + skip;
			iov[n++].len = len - skip;
			skip = 0;
		} else {
			skip -= len;
		}
		if (f == 0) {
			base = skb->data;
			len = skb_headlen(skb);
		} else if (f <= skb_shinfo(skb)->nr_frags) {
			const skb_frag_t *frag = &skb_shinfo(skb)->frags[f - 1];

			base = skb_frag_address(frag);
			len = skb_frag_size(frag);
		} else {
			return n;
		}
	}
}

/* The oldest frame is done with. */
static void drop_first(struct vec *v, bool sent)
{
	struct net_tx *tx = &v->tx;
	struct sk_buff *skb = tx->skb[tx->first];

	if (sent) {
		dev_sw_netstats_tx_add(v->dev, 1, skb->len);
		dev_consume_skb_any(skb);
	} else {
		DEV_STATS_INC(v->dev, tx_dropped);
		dev_kfree_skb_any(skb);
	}
	tx->first = (tx->first + 1) % NET_TX_RING;
	tx->count--;
	tx->sent = 0;
}

static bool means_gone(int err)
{
	switch (err) {
	case -EPIPE: case -ECONNRESET: case -ECONNREFUSED: case -ENOTCONN:
	case -EBADFD: case -EBADF: case -ENXIO: case -ENODEV:
		return true;
	}
	return false;
}

static int flush_frames(struct vec *v)
{
	struct net_tx *tx = &v->tx;

	while (tx->count) {
		unsigned int n = fill(v, tx->first, 0, tx->iov);
		long ret = host_writev(v->port.fd, tx->iov, n);

		if (ret == -ECONNREFUSED)	/* maybe the answer to a frame before */
			ret = host_writev(v->port.fd, tx->iov, n);
		if (ret == -EAGAIN)
			return ret;
		if (ret < 0 && means_gone(ret))
			return ret;
		/* Too long for it, its interface is down, no memory: this frame only. */
		v->count.tx_refused += ret < 0;
		v->count.tx_writes++;
		drop_first(v, ret >= 0);
	}
	return 0;
}

/* The host has @len bytes more of a stream. */
static void sent(struct vec *v, size_t len)
{
	struct net_tx *tx = &v->tx;

	tx->sent += len;
	while (tx->count) {
		unsigned int whole = prefix_len(v) + tx->skb[tx->first]->len, left;

		if (tx->sent < whole)
			break;
		left = tx->sent - whole;
		drop_first(v, true);
		tx->sent = left;
	}
}

static int flush_stream(struct vec *v)
{
	struct net_tx *tx = &v->tx;

	while (tx->count) {
		unsigned int n = 0, frames = 0;
		long ret;

		while (frames < tx->count && n + MAX_SKB_FRAGS + 2 <= NET_TX_IOV) {
			unsigned int i = (tx->first + frames) % NET_TX_RING;

			n += fill(v, i, frames ? 0 : tx->sent, tx->iov + n);
			frames++;
		}
		ret = host_writev(v->port.fd, tx->iov, n);
		if (ret < 0)
			return ret;
		v->count.tx_writes++;
		sent(v, ret);
	}
	return 0;
}

/**
 * net_tx_flush() - write what the host takes now
 *
 * Return: 0 when the ring is empty, -EAGAIN when the host takes no more, -ENOMEM
 * or -ENOBUFS when it has no memory, or another -errno when its end is gone.
 */
int net_tx_flush(struct vec *v)
{
	return v->port.transport->stream ? flush_stream(v) : flush_frames(v);
}

/**
 * net_tx_finish() - write the rest of a frame of which a stream has a part
 *
 * Return: 0, or -errno: -EAGAIN when the host takes no more now.
 */
int net_tx_finish(struct vec *v)
{
	struct net_tx *tx = &v->tx;
	unsigned int n;
	long ret;

	if (!tx->sent)
		return 0;
	n = fill(v, tx->first, tx->sent, tx->iov);
	ret = host_writev(v->port.fd, tx->iov, n);
	if (ret >= 0)
		sent(v, ret);
	return min(ret, 0L);
}

/**
 * net_tx_purge() - forget what was not sent
 * @all: also the oldest frame when a part of it is in the stream already
 */
void net_tx_purge(struct vec *v, bool all)
{
	struct net_tx *tx = &v->tx;

	while (tx->count > (!all && tx->sent)) {
		tx->count--;
		DEV_STATS_INC(v->dev, tx_dropped);
		dev_kfree_skb_any(tx->skb[(tx->first + tx->count) % NET_TX_RING]);
	}
	if (!tx->count)
		tx->sent = 0;
}
