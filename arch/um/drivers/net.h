/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the network driver share. */
#ifndef _UM_DRIVERS_NET_H
#define _UM_DRIVERS_NET_H

#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/types.h>
#include <asm/host.h>

/* The longest frame: 64 KiB of IP, an Ethernet header and two VLAN tags. */
#define NET_FRAME_MAX	(65536 + ETH_HLEN + 2 * VLAN_HLEN)
#define NET_PREFIX_MAX	24	/* what a transport puts before a frame */
#define NET_WHY		200

/**
 * struct net_options - a device as the command line describes it
 * @transport:	its name, or NULL
 * @ifname:	of a tap, or NULL
 * @path:	of a socket, or NULL
 * @fd:		an inherited descriptor, or -1
 * @vnet_hdr:	virtio-net headers: 0, 1, or -1 for whatever is there
 * @mtu:	bytes, or 0
 * @mac:	address; zero for a random one
 *
 * The strings are parts of the option's own text.
 */
struct net_options {
	const char *transport;
	const char *ifname;
	const char *path;
	int fd;
	int vnet_hdr;
	unsigned int mtu;
	u8 mac[ETH_ALEN];
};

/**
 * struct net_port - an open way to the host
 * @transport:	which
 * @fd:		descriptor, does not block
 * @vnet:	bytes of virtio-net header before each frame, or 0
 * @tap:	it is a tap, which can be told what frames to give (TUN_F_*)
 * @name:	what it is, for people
 */
struct net_port {
	const struct net_transport *transport;
	int fd;
	unsigned int vnet;
	bool tap;
	char name[64];
};

/**
 * struct net_transport - a kind of way to the host
 * @name:	behind transport=
 * @stream:	frames follow each other in a stream of bytes, each behind its
 *		length in four bytes, big-endian; else a read or write is a frame
 * @open:	fill in a port but for @transport. At boot, or for a request of the
 *		management console. Return: 0, or -errno with a line for the user
 *		in @why of NET_WHY bytes
 */
struct net_transport {
	const char *name;
	bool stream;
	int (*open)(const struct net_options *o, struct net_port *port, char *why);
};

extern const struct net_transport net_tap, net_stream, net_fd;

/**
 * struct net_counters - what happened, beside the device's own statistics
 * @rx_reads:	host calls that brought something
 * @rx_length:	frames of impossible length
 * @rx_header:	virtio-net headers that do not fit their frames
 * @rx_nomem:	times that there was no memory to read into
 * @tx_writes:	host calls that took something
 * @tx_full:	times that the host took no more
 * @tx_nomem:	times that the host had no memory to take it into
 * @tx_refused:	frames that the host refused
 *
 * An array of u64 for ethtool(8): net_ethtool.c has their names in this order.
 */
struct net_counters {
	u64 rx_reads;
	u64 rx_length;
	u64 rx_header;
	u64 rx_nomem;
	u64 tx_writes;
	u64 tx_full;
	u64 tx_nomem;
	u64 tx_refused;
};

/* net_rx.c: memory that frames are read into */
#define NET_CHUNKS	32

/**
 * struct net_window - memory that frames are read into
 * @page:	chunks, compound pages; a frame may go over their borders
 * @order:	of each
 * @chunks:	how many there are
 * @room:	their bytes
 * @head:	where the next frame begins, an offset into the first chunk
 * @fill:	bytes behind @head that the host has written
 * @want:	room that a read should have
 */
struct net_window {
	struct page *page[NET_CHUNKS];
	u8 order[NET_CHUNKS];
	unsigned int chunks;
	size_t room;
	size_t head;
	size_t fill;
	size_t want;
};

bool net_window_refill(struct net_window *w);
unsigned int net_window_iov(const struct net_window *w, struct host_iovec *iov);
void net_window_copy(const struct net_window *w, size_t at, void *to, size_t len);
struct sk_buff *net_window_skb(const struct net_window *w, struct napi_struct *napi,
			       size_t at, size_t len);
void net_window_consume(struct net_window *w, size_t len);
void net_window_used(struct net_window *w, size_t len);
void net_window_free(struct net_window *w);

/* net_tx.c: frames on their way to the host */
#define NET_TX_RING	64
#define NET_TX_IOV	256

/**
 * struct net_tx - frames that the stack has given and the host not yet taken
 * @skb, @prefix: a ring: frames, and what goes before each
 * @first, @count: the oldest; how many
 * @sent:	bytes of the oldest, with its prefix, that the host has (streams)
 * @iov:	scratch
 */
struct net_tx {
	struct sk_buff *skb[NET_TX_RING];
	u8 prefix[NET_TX_RING][NET_PREFIX_MAX];
	unsigned int first;
	unsigned int count;
	unsigned int sent;
	struct host_iovec iov[NET_TX_IOV];
};

/**
 * struct vec - a network device
 * @dev:	its net_device
 * @list:	all of them
 * @port:	the way to the host
 * @napi:	where frames are received, and writing goes on
 * @watch:	of the descriptor
 * @dead:	the host's end is gone
 * @blocked:	the host took no more; the queue is stopped
 * @rx:		NAPI's
 * @tx:		under the lock of the transmit queue
 * @retry:	when there was no memory
 * @count:	counters
 */
struct vec {
	struct net_device *dev;
	struct list_head list;
	struct net_port port;
	struct napi_struct napi;
	int watch;
	bool dead;
	bool blocked;
	struct net_window rx;
	struct net_tx tx;
	struct timer_list retry;
	struct net_counters count;
};

bool net_tx_add(struct vec *v, struct sk_buff *skb);
int net_tx_flush(struct vec *v);
int net_tx_finish(struct vec *v);
void net_tx_purge(struct vec *v, bool all);

/* net_ethtool.c */
extern const struct ethtool_ops net_ethtool_ops;

/* net_options.c */
int net_parse(struct net_options *o, char *value, char *why);
int net_parse_eth(struct net_options *o, char *value, char *why);
int net_open(const struct net_options *o, struct net_port *port, char *why);

/* net_unit.c */
bool net_may_open(void);

/* net.c */
struct vec *net_add(const char *name, const struct net_port *port, const struct net_options *o);
bool net_remove(struct vec *v, bool *spoilt);
int net_init_irq(void);
size_t net_whole_frames(const struct net_window *w);

/* net_leave.c */
void net_leave(struct vec *v);

#endif
