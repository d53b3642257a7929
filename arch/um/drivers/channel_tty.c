// SPDX-License-Identifier: GPL-2.0
/*
 * tty:PATH - a terminal or serial line of the host; it is in raw mode while
 * the guest has it. When it hangs up so does the guest's line.
 */
#include <linux/errno.h>
#include <asm/host.h>
#include "channel.h"
#include "hotplug.h"

static int open_tty(struct chan *c, const char *arg, const char **why)
{
	if (!*arg) {
		*why = "tty: wants the path of a terminal";
		return -EINVAL;
	}
	c->fd = hotplug_open(arg, HOST_RDWR | HOST_NONBLOCK | HOST_NOCTTY);
	if (c->fd < 0)
		return c->fd;
	if (host_isatty(c->fd))
		return 0;
	*why = "this is no terminal";
	return -EINVAL;
}

const struct chan_ops chan_tty = { .name = "tty", .open = open_tty };
