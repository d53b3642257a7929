// SPDX-License-Identifier: GPL-2.0
/*
 * From KIND or KIND:ARGUMENT to a channel that is attached.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include "channel.h"

static const struct chan_ops *const kinds[] = {
	&chan_null, &chan_none, &chan_fd, &chan_file, &chan_tty, &chan_pts, &chan_pty,
	&chan_socket, &chan_port, &chan_xterm,
};

/* Paths of sockets, for chan_remove_paths(). */
#define PATHS	32
static struct chan *with_path[PATHS];

static int open_null(struct chan *c, const char *arg, const char **why)
{
	return 0;
}

const struct chan_ops chan_null = { .name = "null", .open = open_null };
const struct chan_ops chan_none = { .name = "none", .open = open_null };

/* Host terminals are in raw mode while the guest has them. */
static void set_raw(struct chan *c)
{
	if (!c->input || c->fd < 0 || c->ops->person || !host_isatty(c->fd))
		return;
	c->terminal = !host_tty_raw(c->fd);
}

/**
 * chan_open() - open a channel
 * @c: is filled in, and can be moved until chan_use(); is closed when this fails
 * @spec: KIND or KIND:ARGUMENT
 * @input: it is read from
 * @output: it is written to
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * May sleep. Return: 0 or -errno.
 */
int chan_open(struct chan *c, const char *spec, bool input, bool output, const char **why)
{
	const struct chan_ops *ops = NULL;
	size_t len = strcspn(spec, ":");
	int err;

	*why = NULL;
	*c = (struct chan){ .fd = -1, .listener = -1, .ops = &chan_null };
	if (strlen(spec) >= CHAN_SPEC) {
		*why = "longer than 127 characters";
		return -ENAMETOOLONG;
	}
	for (int i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len == strlen(kinds[i]->name) && !strncmp(kinds[i]->name, spec, len))
			ops = kinds[i];
	if (!ops) {
		*why = "a channel is null, fd:N, file:PATH, tty:PATH, pts, socket:PATH, port:N or xterm";
		return -EINVAL;
	}
	if (ops->both && !(input && output)) {
		*why = "this kind of channel is input and output at once";
		return -EINVAL;
	}
	c->ops = ops;
	c->input = input;
	c->output = output;
	strscpy(c->spec, spec, sizeof(c->spec));
	err = ops->open(c, spec[len] ? spec + len + 1 : "", why);
	if (err) {
		chan_close(c);
		return err;
	}
	return 0;
}

/**
 * chan_use() - from now on the line has it: a terminal gets into raw mode
 * @c: opened, where it stays
 */
void chan_use(struct chan *c)
{
	set_raw(c);
	for (int i = 0; *c->path && i < PATHS; i++)
		if (!with_path[i]) {
			with_path[i] = c;
			break;
		}
}

/* The kernel process may not remove what the doorman has made. */
static void remove_path(const struct chan *c)
{
	if (host_unlink(c->path) == -EACCES)
		door_unused(c->path);
}

/**
 * chan_close() - what the channel has of the host
 */
void chan_close(struct chan *c)
{
	for (int i = 0; i < PATHS; i++)
		if (with_path[i] == c)
			with_path[i] = NULL;
	if (c->terminal)
		host_tty_restore(c->fd);
	if (c->fd > 2)
		host_close(c->fd);
	if (c->listener >= 0)
		host_close(c->listener);
	if (*c->path)
		remove_path(c);
	*c = (struct chan){ .fd = -1, .listener = -1, .ops = &chan_null };
}

/**
 * chan_remove_paths() - at the end of the guest, in any state
 */
void chan_remove_paths(void)
{
	for (int i = 0; i < PATHS; i++)
		if (with_path[i]) {
			host_close(with_path[i]->listener);
			remove_path(with_path[i]);
		}
}
