// SPDX-License-Identifier: GPL-2.0
/*
 * fd:N - a descriptor that whoever started the guest left open.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/host.h>
#include "channel.h"

static int open_fd(struct chan *c, const char *arg, const char **why)
{
	int fd;

	if (kstrtoint(arg, 10, &fd) || fd < 0) {
		*why = "fd: wants the number of a descriptor";
		return -EINVAL;
	}
	/* Later, numbers are those of files of our own. */
	if (system_state >= SYSTEM_RUNNING) {
		*why = "a descriptor can be given when the guest is started, and not later";
		return -EPERM;
	}
	/* One of our own: a descriptor can be watched only once. */
	c->fd = host_is_inherited(fd) ? host_dup(fd) : -EBADF;
	if (c->fd < 0) {
		*why = "the descriptor is not open";
		return c->fd;
	}
	return 0;
}

const struct chan_ops chan_fd = { .name = "fd", .open = open_fd };
