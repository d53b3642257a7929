// SPDX-License-Identifier: GPL-2.0
/*
 * A line: what stands between a tty device of the guest and its channels.
 *
 * A terminal of the host is in raw mode while the guest runs: keys, Ctrl-C
 * among them, are the guest's tty layer's to interpret. When nobody can sit at
 * the other end, the line passes bytes as they are: no echo, no signals, nothing
 * added to output; the end of input is the end of file for its readers.
 *
 * When a person's end is closed the line hangs up. A channel to which somebody
 * can come back then waits for that: a listener for the next connection, a
 * pseudo-terminal for its next opener.
 *
 * Output does not block the guest: what the host does not take now waits in
 * the tty layer until the descriptor can be written. Without anybody at the
 * other end it is dropped.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/tty_flip.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include <asm/watch.h>
#include "line.h"

#define COME_BACK	(HZ / 4)

static struct chan *in_chan(struct line *line)
{
	return &line->chan[0];
}

/* Output's channel is the first one when that is both. */
static struct chan *out_chan(struct line *line)
{
	return &line->chan[line->chan[0].output ? 0 : 1];
}

/**
 * line_is_person() - may somebody sit at the other end and type
 */
bool line_is_person(const struct line *line)
{
	return line->chan[0].ops->person || line->chan[0].terminal;
}

static void unwatch(int *watch)
{
	if (*watch >= 0)
		watch_remove(*watch);
	*watch = -1;
}

/* The descriptors of somebody who is there. Under the lock. */
static int connect(struct line *line, int in, int out)
{
	line->in = in;
	line->out = out;
	line->eof = false;
	line->unpushed = 0;
	if (in >= 0)
		line->in_watch = watch_add(in, IRQ_CONSOLE, false);
	if (out >= 0)
		line->out_watch = watch_add(out, IRQ_CONSOLE, true);
	if (in >= 0 && line->in_watch < 0)
		return line->in_watch;
	return out >= 0 ? min(line->out_watch, 0) : 0;
}

/**
 * line_output_gone() - nobody will ever read what is written; under the lock
 *
 * A channel keeps its own descriptor; one that was made for the watch of output
 * is closed.
 */
void line_output_gone(struct line *line)
{
	unwatch(&line->out_watch);
	if (line->chan[0].input && line->chan[0].output && line->out >= 0)
		host_close(line->out);
	line->out = -1;
}

/* The other end is gone. Under the lock. */
static void disconnect(struct line *line)
{
	line_output_gone(line);
	unwatch(&line->in_watch);
	if (line->chan[0].listener >= 0 && line->in >= 0)
		host_close(line->in);
	line->in = -1;
}

/**
 * line_init() - a line without channels
 */
void line_init(struct line *line)
{
	spin_lock_init(&line->lock);
	for (int i = 0; i < 2; i++)
		line->chan[i] = (struct chan) {
			.ops = &chan_null, .fd = -1, .listener = -1,
		};
	line->in = -1;
	line->out = -1;
	line->in_watch = -1;
	line->out_watch = -1;
	line->listen_watch = -1;
}

/* CHANNEL or INPUT,OUTPUT: one channel, or two. On failure none is open. */
static int open_channels(struct chan *chan, const char *spec, const char **why)
{
	const char *comma = strchr(spec, ',');
	char input[CHAN_SPEC];
	int err;

	*why = NULL;
	for (int i = 0; i < 2; i++)
		chan[i] = (struct chan){ .ops = &chan_null, .fd = -1, .listener = -1 };
	if (!comma)
		return chan_open(&chan[0], spec, true, true, why);
	if (comma - spec >= CHAN_SPEC) {
		*why = "longer than 127 characters";
		return -ENAMETOOLONG;
	}
	memcpy(input, spec, comma - spec);
	input[comma - spec] = 0;
	err = chan_open(&chan[0], input, true, false, why);
	if (!err) {
		err = chan_open(&chan[1], comma + 1, false, true, why);
		if (err)
			chan_close(&chan[0]);
	}
	return err;
}

/**
 * line_attach() - open the channels of a line that has none
 * @spec: CHANNEL or INPUT,OUTPUT
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * May sleep. Return: 0 or -errno.
 */
int line_attach(struct line *line, const char *spec, const char **why)
{
	int err = open_channels(line->chan, spec, why);

	for (int i = 0; i < 2 && !err; i++)
		chan_use(&line->chan[i]);
	return err;
}

/**
 * line_start() - begin to listen to the channels: the tty is opened
 *
 * Return: 0 or -errno.
 */
int line_start(struct line *line)
{
	struct chan *in = in_chan(line), *out = out_chan(line);
	unsigned long flags;
	int err = 0, fd = -1;

	if (out->output)
		fd = in == out && in->input && in->fd >= 0 ? host_dup_plain(in->fd) : out->fd;
	spin_lock_irqsave(&line->lock, flags);
	if (in->listener >= 0) {
		line->listen_watch = watch_add(in->listener, IRQ_CONSOLE, false);
		err = min(line->listen_watch, 0);
	} else {
		err = connect(line, in->input ? in->fd : -1, fd);
	}
	line->started = !err;
	if (err) {
		unwatch(&line->listen_watch);
		disconnect(line);
	}
	spin_unlock_irqrestore(&line->lock, flags);
	return err;
}

/* Close the channels; who has the tty open is hung up. May sleep. */
static void line_detach(struct line *line)
{
	unsigned long flags;

	cancel_delayed_work_sync(&line->again);
	cancel_work_sync(&line->hangup);
	spin_lock_irqsave(&line->lock, flags);
	unwatch(&line->listen_watch);
	disconnect(line);
	line->attached = false;
	line->started = false;
	line->eof = false;
	spin_unlock_irqrestore(&line->lock, flags);
	chan_close(&line->chan[0]);
	chan_close(&line->chan[1]);
	tty_port_tty_hangup(&line->port, false);
}

/* Is it what a line has, a socket or port that cannot be had twice? */
static bool listens_at(const struct chan *c, const char *spec)
{
	static const char kind[] = "socket:";
	size_t n = sizeof(kind) - 1;

	return c->listener >= 0 &&
	       (!strcmp(spec, c->spec) ||
		(*c->path && !strncmp(spec, kind, n) && !strcmp(spec + n, c->path)));
}

/**
 * line_replace() - give a line other channels
 * @spec: CHANNEL or INPUT,OUTPUT
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * Between line_change() and the end of that, one line at a time; may sleep. When
 * what it shall have cannot be opened the line keeps what it has.
 *
 * Return: 0 or -errno.
 */
int line_replace(struct line *line, const char *spec, const char **why)
{
	static struct chan fresh[2];
	int err;

	if (listens_at(&line->chan[0], spec)) {
		line_detach(line);
		return line_attach(line, spec, why);
	}
	err = open_channels(fresh, spec, why);
	if (err)
		return err;
	line_detach(line);
	for (int i = 0; i < 2; i++) {
		line->chan[i] = fresh[i];
		chan_use(&line->chan[i]);
	}
	return 0;
}

/**
 * line_change() - from now on no program can open the tty: line->changing
 *
 * Return: false when a program of the guest has it open.
 */
bool line_change(struct line *line)
{
	unsigned long flags;
	bool good;

	spin_lock_irqsave(&line->lock, flags);
	good = !line->opened && !tty_port_initialized(&line->port);
	line->changing = good;
	spin_unlock_irqrestore(&line->lock, flags);
	return good;
}

/*
 * The other end is gone. A channel to which nobody can come back keeps what it
 * has, so that its readers find its end. Under the lock.
 */
static void line_end(struct line *line)
{
	struct chan *c = in_chan(line);

	if (!line_is_person(line)) {
		line->eof = true;
		for (int i = 0; i < LINE_CHUNK; i++)
			tty_insert_flip_char(&line->port, CHAR_EOF, TTY_NORMAL);
		tty_flip_buffer_push(&line->port);
		return;
	}
	if (c->listener >= 0) {
		disconnect(line);
	} else if (c->again) {
		schedule_delayed_work(&line->again, COME_BACK);
		if (!line->attached)
			return;
		line->attached = false;
	} else {
		line->eof = true;
	}
	schedule_work(&line->hangup);
}

/**
 * line_hangup() - hang up, and only then let the next one come
 *
 * What he writes is not for programs that are about to be hung up.
 */
void line_hangup(struct work_struct *work)
{
	struct line *line = container_of(work, struct line, hangup);
	struct tty_struct *tty = tty_port_tty_get(&line->port);
	unsigned long flags;

	if (tty) {
		tty_ldisc_flush(tty);	/* nor what he left behind for the next */
		tty_vhangup(tty);
		tty_kref_put(tty);
	}
	spin_lock_irqsave(&line->lock, flags);
	if (line->listen_watch >= 0 && line->in < 0)
		watch_rearm(line->listen_watch);
	spin_unlock_irqrestore(&line->lock, flags);
}

/*
 * Input that is no terminal's, for a line in canonical mode, which is the mode
 * that knows an end of file. The EOF character pushes what there is of a long
 * line to its reader; data that looks like it is quoted.
 */
static void line_feed(struct line *line, const u8 *buf, long n)
{
	for (long i = 0; i < n; i++) {
		if (buf[i] == CHAR_EOF || buf[i] == CHAR_QUOTE)
			tty_insert_flip_char(&line->port, CHAR_QUOTE, TTY_NORMAL);
		tty_insert_flip_char(&line->port, buf[i], TTY_NORMAL);
		line->unpushed = buf[i] == '\n' ? 0 : line->unpushed + 1;
		if (line->unpushed == LINE_CHUNK) {
			tty_insert_flip_char(&line->port, CHAR_EOF, TTY_NORMAL);
			line->unpushed = 0;
		}
	}
}

/* Hand input to the tty layer; what it has no room for stays with the host. */
static void line_input(struct line *line)
{
	u8 buf[LINE_CHUNK];
	long n;

	/* Input waits with the host until somebody reads, who goes on. */
	if (line->throttled || !line->opened || line->in < 0)
		return;
	if (tty_buffer_space_avail(&line->port) < 2 * LINE_CHUNK) {
		schedule_delayed_work(&line->again, 1);
		return;
	}
	if (host_poll(line->in, false) <= 0)
		goto rearm;
	n = host_read(line->in, buf, sizeof(buf));
	if (n == -EAGAIN)
		goto rearm;
	if (n <= 0) {
		line_end(line);
		return;
	}
	line->attached = true;
	if (line_is_person(line))
		tty_insert_flip_string(&line->port, buf, n);
	else
		line_feed(line, buf, n);
	tty_flip_buffer_push(&line->port);
rearm:
	watch_rearm(line->in_watch);
}

/* The next connection, when nobody is there. */
static void line_accept(struct line *line)
{
	struct chan *c = in_chan(line);
	int fd;

	if (line->in >= 0)
		return;		/* line_hangup() rearms */
	fd = host_accept(c->listener);
	if (fd < 0) {
		watch_rearm(line->listen_watch);
		return;
	}
	if (connect(line, fd, host_dup_plain(fd))) {
		disconnect(line);
		watch_rearm(line->listen_watch);
	}
}

/**
 * line_interrupt() - look at the watches of a line
 */
void line_interrupt(struct line *line)
{
	bool wake = false;

	spin_lock(&line->lock);
	if (line->listen_watch >= 0 && watch_ready(line->listen_watch))
		line_accept(line);
	if (line->out_watch >= 0 && watch_ready(line->out_watch))
		wake = true;
	if (line->in_watch >= 0 && !line->eof && watch_ready(line->in_watch))
		line_input(line);
	spin_unlock(&line->lock);
	if (wake)
		tty_port_tty_wakeup(&line->port);
}
