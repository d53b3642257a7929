// SPDX-License-Identifier: GPL-2.0
/*
 * file:PATH - as input, a file that is read to its end; as output, one that is
 * written to at its end, and made if it is not there. As both it is output. A
 * FIFO that nobody reads is refused, not waited for.
 */
#include <linux/errno.h>
#include <asm/host.h>
#include "channel.h"
#include "hotplug.h"

static int open_file(struct chan *c, const char *arg, const char **why)
{
	if (!*arg) {
		*why = "file: wants a path";
		return -EINVAL;
	}
	if (c->output)
		c->input = false;
	c->fd = hotplug_open(arg, (c->output ? HOST_APPEND : HOST_RDONLY) | HOST_NONBLOCK);
	return c->fd < 0 ? c->fd : 0;
}

const struct chan_ops chan_file = { .name = "file", .open = open_file };
