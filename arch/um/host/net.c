// SPDX-License-Identifier: GPL-2.0
/*
 * Network: taps, sockets, and reading and writing in pieces. Taps and sockets
 * are opened at boot, and by the doorman; the filter of the kernel process
 * (confine.c) leaves readv, writev, getsockopt and ioctl, which need an open
 * descriptor.
 */
#include <linux/fcntl.h>
#include <linux/if.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <uapi/linux/if_packet.h>
#include <uapi/linux/if_tun.h>
#include <uapi/linux/poll.h>
#include <uapi/linux/sockios.h>
#include <uapi/linux/tcp.h>
#include <asm/ioctls.h>
#include <asm/socket.h>
#include "syscall.h"

#define VNET_HDR_SIZE	10	/* struct virtio_net_hdr */

long host_readv(int fd, const struct host_iovec *iov, unsigned int n)
{
	return retry_call(__NR_readv, fd, iov, n);
}

long host_writev(int fd, const struct host_iovec *iov, unsigned int n)
{
	return retry_call(__NR_writev, fd, iov, n);
}

/**
 * host_netdev_exists() - has the host a network device of this name
 *
 * At boot, or the doorman. Return: 1, 0, or -errno.
 */
int host_netdev_exists(const char *name)
{
	struct ifreq ifr = { };
	long fd, err;

	fd = host_call(__NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	strscpy(ifr.ifr_name, name, IFNAMSIZ);
	err = host_call(__NR_ioctl, fd, SIOCGIFFLAGS, &ifr);
	host_call(__NR_close, fd);
	return err == -ENODEV ? 0 : err ? err : 1;
}

/**
 * host_tap_attach() - make a descriptor of /dev/net/tun the end of a tap
 * @fd: just opened
 * @name: of the tap
 *
 * Frames have a virtio-net header of 10 bytes.
 *
 * Return: 0; -EPERM: not the user's; -EBUSY: somebody else's end; -EINVAL: no
 * tap; or another -errno.
 */
int host_tap_attach(int fd, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int size = VNET_HDR_SIZE;
	long err;

	strscpy(ifr.ifr_name, name, IFNAMSIZ);
	err = host_call(__NR_ioctl, fd, TUNSETIFF, &ifr);
	if (!err)
		err = host_call(__NR_ioctl, fd, TUNSETVNETHDRSZ, &size);
	return err;
}

/**
 * host_tap_info() - what kind of tap a descriptor is the end of
 * @name: gets its name, IFNAMSIZ bytes
 * @vnet: gets the size of its virtio-net header, or 0
 *
 * Return: 0, -EINVAL: a device without Ethernet headers (tun), or with a packet
 * information header; -EBADFD: no device; another -errno: no descriptor of
 * /dev/net/tun.
 */
int host_tap_info(int fd, char *name, unsigned int *vnet)
{
	struct ifreq ifr = { };
	int size = 0;
	long err = host_call(__NR_ioctl, fd, TUNGETIFF, &ifr);

	if (err < 0)
		return err;
	strscpy(name, ifr.ifr_name, IFNAMSIZ);
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_NO_PI))
		return -EINVAL;
	if (ifr.ifr_flags & IFF_VNET_HDR)
		err = host_call(__NR_ioctl, fd, TUNGETVNETHDRSZ, &size);
	*vnet = size;
	return err;
}

/**
 * host_tap_offload() - which frames a tap may give
 * @flags: TUN_F_*; 0: whole checksums, no frame longer than the MTU
 *
 * Return: 0, -EINVAL for flags that the host does not know.
 */
int host_tap_offload(int fd, unsigned int flags)
{
	return host_call(__NR_ioctl, fd, TUNSETOFFLOAD, flags);
}

static int sockopt(int fd, int level, int option)
{
	int value = 0, len = sizeof(value);
	long err = host_call(__NR_getsockopt, fd, level, option, &value, &len);

	return err < 0 ? err : value;
}

/**
 * host_socket_vnet() - has a socket of this descriptor virtio-net headers
 *
 * Return: their size or 0 for a packet socket, -errno for any other, which
 * cannot tell.
 */
int host_socket_vnet(int fd)
{
	int on = sockopt(fd, SOL_PACKET, PACKET_VNET_HDR);

	return on > 0 ? VNET_HDR_SIZE : on;
}

/**
 * host_hung_up() - a socket that is not connected, or not any more
 *
 * A peer that will send no more counts as gone, also if it would still read.
 *
 * Return: 1, 0, or -errno.
 */
int host_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	long n = retry_call(__NR_poll, &p, 1, 0);

	if (n < 0)
		return n;
	return p.revents & POLLNVAL ? -EBADF : !!(p.revents & (POLLHUP | POLLERR | POLLRDHUP));
}

/**
 * host_socket_room() - room for several frames of 64 KiB, as far as the host allows
 *
 * At boot, or the doorman. Frames that a stream socket has no room for cost a hand-over
 * each. One of TCP finds by itself how much it takes, and would not any more if
 * told; but it is not to wait for more than a short frame.
 */
void host_socket_room(int fd)
{
	int size = 1 << 20, one = 1;

	if (!host_call(__NR_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return;
	host_call(__NR_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}
