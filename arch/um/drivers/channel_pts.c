// SPDX-License-Identifier: GPL-2.0
/*
 * pts, or pty - a new pseudo-terminal of the host; its other end is for a
 * terminal program (screen, picocom). The name is told at boot, and when the
 * line is shown.
 *
 * When the last program at the other end closes it the guest's line hangs up;
 * the host does not tell when another one comes, so from then on it is asked.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include "channel.h"
#include "mconsole.h"

static int open_pts(struct chan *c, const char *arg, const char **why)
{
	char name[32];
	int err;

	if (*arg) {
		*why = "pts has no argument: the host chooses its name";
		return -EINVAL;
	}
	if (system_state < SYSTEM_RUNNING)
		c->fd = host_open("/dev/ptmx", HOST_RDWR | HOST_NOCTTY | HOST_NONBLOCK);
	else
		c->fd = door_ask(DOOR_PTMX, mconsole_current(), 0, c->spec);
	if (c->fd < 0) {
		*why = "the host gives no new pseudo-terminal";
		return c->fd;
	}
	err = host_pts_setup(c->fd, name, sizeof(name));
	if (!err)
		snprintf(c->spec, sizeof(c->spec), "pts:%s", name);
	c->again = true;
	return err;
}

const struct chan_ops chan_pts = {
	.name = "pts", .open = open_pts, .both = true, .person = true,
};
const struct chan_ops chan_pty = {
	.name = "pty", .open = open_pts, .both = true, .person = true,
};
