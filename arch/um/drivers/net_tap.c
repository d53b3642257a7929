// SPDX-License-Identifier: GPL-2.0
/*
 * transport=tap: a tap device of the host, made before by who may:
 *
 *	ip tuntap add tap0 mode tap user $USER
 *
 * Frames have a virtio-net header, so checksums may be left to the other side
 * and segments be up to 64 KiB long, in both directions.
 *
 * At boot the kernel process opens it; later it can open nothing, and asks the
 * doorman, which does so when the request of the guest's owner names the tap.
 */
#include <linux/kernel.h>
#include <linux/virtio_net.h>
#include <asm/boot.h>
#include "mconsole.h"
#include "net.h"

static int refuse(char *why, const char *name, int err)
{
	switch (err) {
	case -ENODEV:
		snprintf(why, NET_WHY, "there is no tap %s: ip tuntap add %s mode tap user $USER",
			 name, name);
		break;
	case -EPERM:
		snprintf(why, NET_WHY, "tap %s is not yours: ip tuntap add %s mode tap user $USER",
			 name, name);
		break;
	case -EBUSY:
		snprintf(why, NET_WHY, "tap %s is in use by another process", name);
		break;
	case -EINVAL:
		snprintf(why, NET_WHY, "%s is no tap device, or one with multi_queue", name);
		break;
	default:
		snprintf(why, NET_WHY, "tap %s: %s", name, host_error(err));
	}
	return err;
}

/* Return: a descriptor, or -errno with @why. */
static int attach(const char *name, char *why)
{
	int fd, err;

	/* Whoever may make one would make it by attaching to it. */
	err = host_netdev_exists(name);
	if (err <= 0)
		return refuse(why, name, err ?: -ENODEV);
	fd = host_open("/dev/net/tun", HOST_RDWR | HOST_NONBLOCK);
	if (fd < 0) {
		snprintf(why, NET_WHY, "cannot open /dev/net/tun: %s", host_error(fd));
		return fd;
	}
	err = host_tap_attach(fd, name);
	if (!err)
		return fd;
	host_close(fd);
	return refuse(why, name, err);
}

static int attach_later(const char *name, char *why)
{
	int fd = door_ask(DOOR_TAP, mconsole_current(), 0, name);

	return fd < 0 ? refuse(why, name, fd) : fd;
}

static int open_tap(const struct net_options *o, struct net_port *port, char *why)
{
	int fd;

	if (!o->ifname) {
		snprintf(why, NET_WHY, "transport=tap wants the name of a tap: ifname=tap0");
		return -EINVAL;
	}
	if (o->fd >= 0) {
		snprintf(why, NET_WHY, "transport=tap opens the tap itself; one that is open is transport=fd,fd=%d",
			 o->fd);
		return -EINVAL;
	}
	if (strlen(o->ifname) >= IFNAMSIZ) {
		snprintf(why, NET_WHY, "ifname=%.40s: longer than a name can be", o->ifname);
		return -EINVAL;
	}
	fd = net_may_open() ? attach(o->ifname, why) : attach_later(o->ifname, why);
	if (fd < 0)
		return fd;
	port->fd = fd;
	port->vnet = sizeof(struct virtio_net_hdr);
	port->tap = true;
	snprintf(port->name, sizeof(port->name), "tap %s", o->ifname);
	return 0;
}

const struct net_transport net_tap = {
	.name = "tap",
	.open = open_tap,
};
