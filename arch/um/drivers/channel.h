/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels: what a console or serial line of the guest is attached to on the
 * host. One file a kind, channel_NAME.c, with one struct chan_ops.
 */
#ifndef _UM_CHANNEL_H
#define _UM_CHANNEL_H

#include <linux/types.h>

#define CHAN_SPEC	128
#define CHAN_PATH	512

struct chan;

/**
 * struct chan_ops - a kind of channel
 * @name: what it is called on the command line
 * @open: attach @c to what follows "NAME:", which is "" when there is nothing;
 *	sets @fd or @listener. May sleep. Return 0 or -errno, and may point @why
 *	to a sentence for the user, a string that stays
 * @both: it is input and output at once, and not one of two
 * @person: a person is at the other end, or may be: echo, and newlines as a
 *	terminal wants them; its end is a hang-up
 */
struct chan_ops {
	const char *name;
	int (*open)(struct chan *c, const char *arg, const char **why);
	bool both;
	bool person;
};

/**
 * struct chan - one that is attached
 * @ops: its kind
 * @spec: how it was asked for, for people
 * @input, @output: what it is used for
 * @fd: to read from and write to, or -1 while nobody is there
 * @listener: where connections come in, one at a time, or -1
 * @path: a socket that is removed at the end, or ""
 * @terminal: @fd is a terminal of the host, in raw mode
 * @again: when the other end is gone it may come back at this @fd
 */
struct chan {
	const struct chan_ops *ops;
	char spec[CHAN_SPEC];
	bool input, output;
	int fd;
	int listener;
	char path[CHAN_PATH];
	bool terminal;
	bool again;
};

int chan_open(struct chan *c, const char *spec, bool input, bool output, const char **why);
void chan_use(struct chan *c);
void chan_close(struct chan *c);
void chan_remove_paths(void);

extern const struct chan_ops chan_null, chan_none, chan_fd, chan_file, chan_tty;
extern const struct chan_ops chan_pts, chan_pty, chan_socket, chan_port, chan_xterm;

#endif
