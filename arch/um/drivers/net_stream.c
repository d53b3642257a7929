// SPDX-License-Identifier: GPL-2.0
/*
 * transport=stream: a stream socket, each frame behind its length in four
 * bytes, big-endian. This is what passt speaks, and QEMU's -netdev stream.
 * At boot the kernel process connects; later the doorman does, when the request
 * of the guest's owner names the path.
 */
#include <linux/kernel.h>
#include <linux/net.h>
#include <asm/boot.h>
#include "mconsole.h"
#include "net.h"

static int use_fd(int fd, struct net_port *port, char *why)
{
	int type = host_is_inherited(fd) ? host_socket_type(fd) : -EBADF;

	if (type == -EBADF) {
		snprintf(why, NET_WHY, "descriptor %d is not open", fd);
		return type;
	}
	if (type != SOCK_STREAM) {
		snprintf(why, NET_WHY, "descriptor %d is no stream socket%s", fd,
			 type < 0 ? "" : "; use transport=fd");
		return -EINVAL;
	}
	if (host_hung_up(fd)) {
		snprintf(why, NET_WHY, "descriptor %d is not connected, or its peer has gone", fd);
		return -ENOTCONN;
	}
	if (net_may_open())
		host_socket_room(fd);
	port->fd = fd;
	snprintf(port->name, sizeof(port->name), "stream fd %d", fd);
	return host_set_nonblock(fd);
}

/* Return: a descriptor with room for frames, or -errno. */
static int connect_to(const char *path)
{
	int fd;

	if (!net_may_open())
		return door_ask(DOOR_CONNECT, mconsole_current(), 0, path);
	fd = host_connect_stream(path);
	if (fd >= 0)
		host_socket_room(fd);
	return fd;
}

static int open_stream(const struct net_options *o, struct net_port *port, char *why)
{
	int fd;

	if (!o->path == (o->fd < 0)) {
		snprintf(why, NET_WHY, "transport=stream wants path=SOCKET or fd=N, a connected one");
		return -EINVAL;
	}
	if (o->fd >= 0)
		return use_fd(o->fd, port, why);
	if (!net_may_open() && *o->path != '/') {
		snprintf(why, NET_WHY, "while the guest runs path= wants a whole path, from / on");
		return -EINVAL;
	}
	fd = connect_to(o->path);
	if (fd < 0) {
		snprintf(why, NET_WHY, "cannot connect to %.100s: %s%s", o->path, host_error(fd),
			 fd == -ECONNREFUSED ? " (nobody listens there)" : "");
		return fd;
	}
	port->fd = fd;
	snprintf(port->name, sizeof(port->name), "stream %s", o->path);
	return 0;
}

const struct net_transport net_stream = {
	.name = "stream",
	.stream = true,
	.open = open_stream,
};
