// SPDX-License-Identifier: GPL-2.0
/*
 * transport=fd: an inherited descriptor where one read or write is one frame:
 * the end of a tap, a packet socket, or a connected datagram socket.
 */
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/virtio_net.h>
#include "net.h"

/* A socket. Return: 0 or -errno with @why. */
static int use_socket(const struct net_options *o, int type, struct net_port *port, char *why)
{
	int vnet = host_socket_vnet(o->fd);

	if (type == SOCK_STREAM) {
		snprintf(why, NET_WHY, "descriptor %d is a stream socket; use transport=stream",
			 o->fd);
		return -EINVAL;
	}
	if (vnet < 0)	/* no packet socket: only its owner knows */
		vnet = o->vnet_hdr > 0 ? sizeof(struct virtio_net_hdr) : 0;
	port->vnet = vnet;
	snprintf(port->name, sizeof(port->name), "socket fd %d", o->fd);
	return 0;
}

static int use_tap(const struct net_options *o, struct net_port *port, char *why)
{
	char name[IFNAMSIZ];
	int err = host_tap_info(o->fd, name, &port->vnet);

	if (err) {
		snprintf(why, NET_WHY,
			 "descriptor %d is neither a tap (IFF_TAP, IFF_NO_PI) nor a socket", o->fd);
		return -EINVAL;
	}
	if (port->vnet > NET_PREFIX_MAX) {
		snprintf(why, NET_WHY, "descriptor %d: headers of %u bytes are not understood",
			 o->fd, port->vnet);
		return -EINVAL;
	}
	port->tap = true;
	snprintf(port->name, sizeof(port->name), "tap %s fd %d", name, o->fd);
	return 0;
}

static int open_fd(const struct net_options *o, struct net_port *port, char *why)
{
	int type, err;

	if (o->fd < 0) {
		snprintf(why, NET_WHY, "transport=fd wants the number of a descriptor: fd=N");
		return -EINVAL;
	}
	if (!host_is_inherited(o->fd)) {
		snprintf(why, NET_WHY, "descriptor %d is not open", o->fd);
		return -EBADF;
	}
	type = host_socket_type(o->fd);
	err = type >= 0 ? use_socket(o, type, port, why) : use_tap(o, port, why);
	if (err)
		return err;
	if (o->vnet_hdr >= 0 && o->vnet_hdr != !!port->vnet) {
		snprintf(why, NET_WHY, "descriptor %d has %s virtio-net headers: vnet_hdr=%d", o->fd,
			 port->vnet ? "" : "no", !!port->vnet);
		return -EINVAL;
	}
	port->fd = o->fd;
	return host_set_nonblock(o->fd);
}

const struct net_transport net_fd = {
	.name = "fd",
	.open = open_fd,
};
