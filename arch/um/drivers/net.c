// SPDX-License-Identifier: GPL-2.0
/*
 * Network devices on what the host has: taps, stream sockets, descriptors. A
 * way to the host is a transport (net_tap.c, net_stream.c, net_fd.c), opened
 * when the option is read, so that a mistake ends the boot at once.
 *
 * Nothing here waits for the host. Frames are written when the stack sends
 * them (net_tx.c); when the host takes no more the queue stops. What arrives
 * is read in NAPI (net_rx.c). Both go on when the watch thread says so.
 *
 * The peer is not trusted: lengths and virtio-net headers are checked, and a
 * frame that does not hold together is counted and dropped. A stream whose
 * lengths cannot be is out of step for good: the device loses its carrier.
 */
#include <linux/etherdevice.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/unaligned.h>
#include <linux/virtio_net.h>
#include <uapi/linux/if_tun.h>
#include <asm/boot.h>
#include <asm/vcpu.h>
#include <asm/watch.h>
#include "net.h"

#define STREAM_READ	(128 * 1024)

static LIST_HEAD(devices);
static DEFINE_SPINLOCK(devices_lock);	/* with interrupts off */

static bool is_stream(const struct vec *v)
{
	return v->port.transport->stream;
}

/* Ask the watch thread to look again. */
static void arm(struct vec *v)
{
	if (READ_ONCE(v->blocked))
		watch_rearm_both(v->watch);
	else
		watch_rearm(v->watch);
}

/* The other end is no more, or cannot be understood. Under the tx lock. */
static void gone_locked(struct vec *v, const char *why)
{
	if (v->dead)
		return;
	WRITE_ONCE(v->dead, true);
	netdev_err(v->dev, "%s: %s; carrier off\n", v->port.name, why);
	netif_carrier_off(v->dev);
	net_tx_purge(v, true);
	v->blocked = false;
	netif_wake_queue(v->dev);	/* what comes is dropped */
}

static void gone(struct vec *v, const char *why)
{
	struct netdev_queue *txq = netdev_get_tx_queue(v->dev, 0);

	__netif_tx_lock(txq, smp_processor_id());
	gone_locked(v, why);
	__netif_tx_unlock(txq);
}

/* Write what the host takes. Under the tx lock. */
static void send(struct vec *v)
{
	int err = net_tx_flush(v);

	if (!err) {
		if (v->blocked) {
			WRITE_ONCE(v->blocked, false);
			netif_wake_queue(v->dev);
		}
		return;
	}
	switch (err) {
	case -EAGAIN:
		v->count.tx_full++;
		watch_rearm_both(v->watch);
		break;
	case -ENOMEM:		/* of the host: nothing tells when it has some */
	case -ENOBUFS:
		v->count.tx_nomem++;
		mod_timer(&v->retry, jiffies + 1);
		break;
	default:
		gone_locked(v, "the peer has gone");
		return;
	}
	WRITE_ONCE(v->blocked, true);
	netif_stop_queue(v->dev);
}

static netdev_tx_t net_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct vec *v = netdev_priv(dev);

	skb_tx_timestamp(skb);
	if (v->dead || !net_tx_add(v, skb)) {
		DEV_STATS_INC(dev, tx_dropped);
		dev_kfree_skb_any(skb);
	}
	if (v->tx.count && (!netdev_xmit_more() || v->tx.count == NET_TX_RING))
		send(v);
	return NETDEV_TX_OK;
}

/* What the peer says of a frame; all of it may be wrong. */
static bool apply_header(struct vec *v, struct sk_buff *skb, const struct virtio_net_hdr *hdr)
{
	/* Segments that have whole checksums are no segments to be cut. */
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	    !(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return false;
	if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return !virtio_net_hdr_to_skb(skb, hdr, true);
}

/* A frame in the window, @at bytes behind its head. */
static void receive(struct vec *v, size_t at, size_t len, const struct virtio_net_hdr *hdr)
{
	struct net_device *dev = v->dev;
	struct sk_buff *skb;

	if (len < ETH_HLEN || len > NET_FRAME_MAX) {
		v->count.rx_length++;
		DEV_STATS_INC(dev, rx_length_errors);
		DEV_STATS_INC(dev, rx_errors);
		return;
	}
	skb = net_window_skb(&v->rx, &v->napi, at, len);
	if (!skb) {
		DEV_STATS_INC(dev, rx_dropped);
		return;
	}
	if (hdr && !apply_header(v, skb, hdr)) {
		v->count.rx_header++;
		DEV_STATS_INC(dev, rx_frame_errors);
		DEV_STATS_INC(dev, rx_errors);
		dev_kfree_skb_any(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, dev);
	dev_sw_netstats_rx_add(dev, len);
	napi_gro_receive(&v->napi, skb);
}

/* No memory to read into: the frames wait with the host. */
static bool room(struct vec *v)
{
	if (net_window_refill(&v->rx))
		return true;
	v->count.rx_nomem++;
	mod_timer(&v->retry, jiffies + 1);
	return false;
}

/*
 * A read failed. Return: is there any use in another one now
 */
static bool read_failed(struct vec *v, int err)
{
	switch (err) {
	case -EAGAIN:
		return false;
	case -ENETDOWN:		/* the packet socket's interface: told once */
	case -ECONNREFUSED:	/* the answer to something sent before */
		return true;
	case -ENOMEM:
	case -ENOBUFS:
		v->count.rx_nomem++;
		mod_timer(&v->retry, jiffies + 1);
		return false;
	}
	gone(v, err == -ENOTCONN || err == -EINVAL ? "it is not connected" : "the peer has gone");
	return false;
}

/* One read, one frame. Return: how many were read. */
static int receive_frames(struct vec *v, int budget)
{
	u8 prefix[NET_PREFIX_MAX];
	struct host_iovec iov[NET_CHUNKS + 1] = { { prefix, v->port.vnet } };
	struct virtio_net_hdr *hdr = v->port.vnet ? (void *)prefix : NULL;
	int done;

	for (done = 0; done < budget && room(v); done++) {
		unsigned int n = net_window_iov(&v->rx, iov + 1);
		long len = host_readv(v->port.fd, hdr ? iov : iov + 1, hdr ? n + 1 : n);

		if (len < 0) {
			if (!read_failed(v, len))
				break;
			continue;
		}
		if (!len && host_hung_up(v->port.fd)) {
			gone(v, "the peer has gone");
			break;
		}
		v->count.rx_reads++;
		len -= v->port.vnet;
		receive(v, 0, max(len, 0L), hdr);
		net_window_used(&v->rx, max(len, 0L));
	}
	return done;
}

/* Take whole frames out of what was read. Return: how many. */
static int split_stream(struct vec *v, int budget)
{
	struct net_window *w = &v->rx;
	size_t at = 0;
	int done = 0;

	while (done < budget && w->fill - at >= sizeof(u32)) {
		__be32 word;
		u32 len;

		net_window_copy(w, at, &word, sizeof(word));
		len = be32_to_cpu(word);
		if (len > NET_FRAME_MAX) {
			v->count.rx_length++;
			DEV_STATS_INC(v->dev, rx_length_errors);
			DEV_STATS_INC(v->dev, rx_errors);
			gone(v, "it sends a frame longer than there are");
			break;
		}
		if (w->fill - at < sizeof(u32) + len)
			break;
		receive(v, at + sizeof(u32), len, NULL);
		at += sizeof(u32) + len;
		done++;
	}
	if (at)
		net_window_consume(w, at);
	return done;
}

/* One read, many frames and a part of one. Return: how many. */
static int receive_stream(struct vec *v, int budget)
{
	struct host_iovec iov[NET_CHUNKS];
	bool drained = false;
	int done = 0;

	for (;;) {
		unsigned int n;
		size_t space;
		long len;

		done += split_stream(v, budget - done);
		if (done == budget || drained || v->dead || !room(v))
			return done;
		n = net_window_iov(&v->rx, iov);
		space = v->rx.room - v->rx.head - v->rx.fill;
		len = host_readv(v->port.fd, iov, n);
		if (!len)
			gone(v, "the peer has closed the connection");
		else if (len < 0)
			read_failed(v, len);
		if (len <= 0)
			return done;
		v->count.rx_reads++;
		v->rx.fill += len;
		drained = len < space;
	}
}

static int net_poll(struct napi_struct *napi, int budget)
{
	struct vec *v = container_of(napi, struct vec, napi);
	int done = 0;

	if (READ_ONCE(v->blocked)) {
		struct netdev_queue *txq = netdev_get_tx_queue(v->dev, 0);

		__netif_tx_lock(txq, smp_processor_id());
		if (v->blocked)
			send(v);
		__netif_tx_unlock(txq);
	}
	if (!v->dead)
		done = is_stream(v) ? receive_stream(v, budget) : receive_frames(v, budget);
	if (done < budget && napi_complete_done(napi, done) && !v->dead &&
	    !timer_pending(&v->retry))
		arm(v);
	return done;
}

static irqreturn_t net_interrupt(int irq, void *unused)
{
	struct vec *v;

	spin_lock(&devices_lock);
	list_for_each_entry(v, &devices, list)
		if (watch_ready(v->watch))
			napi_schedule(&v->napi);
	spin_unlock(&devices_lock);
	return IRQ_HANDLED;
}

static void net_retry(struct timer_list *t)
{
	struct vec *v = from_timer(v, t, retry);

	napi_schedule(&v->napi);
}

static int net_ndo_open(struct net_device *dev)
{
	struct vec *v = netdev_priv(dev);

	napi_enable(&v->napi);
	if (v->tx.count)	/* the rest of a frame, see net_ndo_stop() */
		v->blocked = true;
	else
		netif_start_queue(dev);
	local_bh_disable();
	napi_schedule(&v->napi);
	local_bh_enable();
	return 0;
}

static int net_ndo_stop(struct net_device *dev)
{
	struct vec *v = netdev_priv(dev);

	netif_tx_disable(dev);
	napi_disable(&v->napi);
	timer_delete_sync(&v->retry);
	net_tx_purge(v, false);
	v->blocked = false;
	return 0;
}

/* All frames come here anyhow; that there is a filter lets others ask for it. */
static void net_set_rx_mode(struct net_device *dev)
{
}

static int net_set_features(struct net_device *dev, netdev_features_t features)
{
	struct vec *v = netdev_priv(dev);
	unsigned int offload = 0;

	if (!v->port.tap || !v->port.vnet)
		return 0;
	if (features & NETIF_F_RXCSUM)
		offload |= TUN_F_CSUM;
	if (features & NETIF_F_GRO_HW)
		offload |= TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	return host_tap_offload(v->port.fd, offload);
}

static const struct net_device_ops net_ops = {
	.ndo_open = net_ndo_open,
	.ndo_stop = net_ndo_stop,
	.ndo_start_xmit = net_xmit,
	.ndo_set_rx_mode = net_set_rx_mode,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_features = net_set_features,
};

static void set_features(struct vec *v)
{
	struct net_device *dev = v->dev;

	dev->hw_features = NETIF_F_SG;
	if (v->port.vnet)
		dev->hw_features |= NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;
	dev->features = dev->hw_features | NETIF_F_HIGHDMA;
	dev->vlan_features = dev->features;
	if (v->port.vnet)
		dev->features |= NETIF_F_RXCSUM | NETIF_F_GRO_HW;
	if (v->port.vnet && v->port.tap)
		dev->hw_features |= NETIF_F_RXCSUM | NETIF_F_GRO_HW;
}

/**
 * net_add() - make a device
 * @name: of it
 * @port: open; the device's from now on
 *
 * May sleep. Return: the device, or an ERR_PTR; then @port is still open.
 */
struct vec *net_add(const char *name, const struct net_port *port, const struct net_options *o)
{
	struct net_device *dev = alloc_netdev(sizeof(struct vec), name, NET_NAME_ENUM, ether_setup);
	struct vec *v;
	int err;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	v = netdev_priv(dev);
	v->dev = dev;
	v->port = *port;
	v->rx.want = is_stream(v) ? STREAM_READ : NET_FRAME_MAX + L1_CACHE_BYTES;
	timer_setup(&v->retry, net_retry, 0);
	dev->netdev_ops = &net_ops;
	dev->ethtool_ops = &net_ethtool_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_UNICAST_FLT;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_MAX_MTU - ETH_HLEN;
	if (o->mtu)
		dev->mtu = o->mtu;
	if (is_zero_ether_addr(o->mac))
		eth_hw_addr_random(dev);
	else
		eth_hw_addr_set(dev, o->mac);
	set_features(v);
	net_set_features(dev, dev->features);
	netif_napi_add(dev, &v->napi, net_poll);
	v->watch = watch_add(port->fd, IRQ_NET, false);
	err = v->watch < 0 ? v->watch : register_netdev(dev);
	if (err) {
		if (v->watch >= 0)
			watch_remove(v->watch);
		free_netdev(dev);
		return ERR_PTR(err);
	}
	spin_lock_irq(&devices_lock);
	list_add_tail(&v->list, &devices);
	spin_unlock_irq(&devices_lock);
	return v;
}

/**
 * net_whole_frames() - of a stream's window: how many bytes are whole frames
 */
size_t net_whole_frames(const struct net_window *w)
{
	size_t at = 0;

	while (w->fill - at >= sizeof(u32)) {
		__be32 len;

		net_window_copy(w, at, &len, sizeof(len));
		if (be32_to_cpu(len) > w->fill - at - sizeof(u32))
			break;
		at += sizeof(u32) + be32_to_cpu(len);
	}
	return at;
}

/* Was a frame of a stream read or written in part? */
static bool within_frame(const struct vec *v)
{
	return is_stream(v) &&
	       (net_whole_frames(&v->rx) != v->rx.fill || v->tx.sent || v->dead);
}

/* The guest starts again, and what it has inherited is the next kernel's. */
static int on_restart(struct notifier_block *nb, unsigned long mode, void *cmd)
{
	struct vec *v;

	list_for_each_entry(v, &devices, list)
		if (is_stream(v))
			net_leave(v);
	return NOTIFY_DONE;
}

static struct notifier_block restart_block = {
	.notifier_call = on_restart,
};

/**
 * net_remove() - take a device away; its descriptor stays open
 * @spoilt: filled: another device cannot use the descriptor, since it would
 *	begin in the middle of a frame
 *
 * May sleep. Return: false: it is up, and stays.
 */
bool net_remove(struct vec *v, bool *spoilt)
{
	rtnl_lock();
	if (netif_running(v->dev)) {
		rtnl_unlock();
		return false;
	}
	spin_lock_irq(&devices_lock);
	list_del(&v->list);
	spin_unlock_irq(&devices_lock);
	watch_remove(v->watch);	/* the slot may be somebody else's from here on */
	unregister_netdevice(v->dev);
	rtnl_unlock();
	*spoilt = within_frame(v);
	net_tx_purge(v, true);
	net_window_free(&v->rx);
	free_netdev(v->dev);
	return true;
}

/**
 * net_init_irq() - before the first device
 *
 * Return: 0 or -errno.
 */
int __init net_init_irq(void)
{
	return register_restart_handler(&restart_block) ?:
	       request_irq(IRQ_NET, net_interrupt, 0, "net", NULL);
}
