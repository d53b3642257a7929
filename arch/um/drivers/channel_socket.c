// SPDX-License-Identifier: GPL-2.0
/*
 * socket:PATH - a unix socket that a terminal program connects to (socat,
 * nc -U); only its owner may. port:N - the same over TCP, from this host only.
 *
 * One connection at a time: the next one waits until the first is closed, which
 * hangs the guest's line up.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include "channel.h"
#include "mconsole.h"

/*
 * Where the socket is, from / on: the working directory of the kernel process is
 * another one for moments (host/dirs_file.c). A path that is too long for that
 * stays what it is.
 */
static void set_path(struct chan *c, const char *arg)
{
	size_t len = 0;

	if (*arg != '/' && !host_getcwd(c->path, sizeof(c->path) - 1)) {
		len = strlen(c->path);
		c->path[len++] = '/';
	}
	if (strscpy(c->path + len, arg, sizeof(c->path) - len) < 0)
		strscpy(c->path, arg, sizeof(c->path));
}

/* A rule is for all files of a directory, and below it. At boot, see open_socket(). */
static void __ref allow_removal(const char *path)
{
	char dir[CHAN_PATH];
	char *slash;

	strscpy(dir, path, sizeof(dir));
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = 0;
	host_landlock_allow_removal(slash ? dir : ".", false);
}

static int open_socket(struct chan *c, const char *arg, const char **why)
{
	if (!*arg || strlen(arg) > 107) {
		*why = "socket: wants a path of up to 107 characters";
		return -EINVAL;
	}
	if (system_state >= SYSTEM_RUNNING && *arg != '/') {
		*why = "while the guest runs socket: wants a whole path, from / on";
		return -EINVAL;
	}
	if (system_state < SYSTEM_RUNNING)
		c->listener = host_listen_unix(arg);
	else
		c->listener = door_ask(DOOR_LISTEN, mconsole_current(), 0, arg);
	if (c->listener == -EADDRINUSE)
		*why = "there is a file of this name already";
	if (c->listener < 0)
		return c->listener;
	set_path(c, arg);
	/* The doorman removes what it has made. */
	if (system_state < SYSTEM_RUNNING)
		allow_removal(c->path);
	return 0;
}

static int open_port(struct chan *c, const char *arg, const char **why)
{
	unsigned int port;

	if (kstrtouint(arg, 10, &port) || !port || port > 65535) {
		*why = "port: wants a TCP port from 1 to 65535";
		return -EINVAL;
	}
	if (system_state < SYSTEM_RUNNING)
		c->listener = host_listen_loopback(port);
	else
		c->listener = door_ask(DOOR_PORT, mconsole_current(), 0, arg);
	if (c->listener == -EADDRINUSE)
		*why = "this port of the host is in use";
	return min(c->listener, 0);
}

const struct chan_ops chan_socket = {
	.name = "socket", .open = open_socket, .both = true, .person = true,
};
const struct chan_ops chan_port = {
	.name = "port", .open = open_port, .both = true, .person = true,
};
