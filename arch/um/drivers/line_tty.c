// SPDX-License-Identifier: GPL-2.0
/*
 * The tty devices of lines: /dev/tty0 to /dev/tty15 (consoles) and /dev/ttyS0 to
 * /dev/ttyS15 (serial lines), as the tty layer asks for them, and how the
 * management console changes what they are attached to.
 */
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/watch.h>
#include "line.h"

static struct line *line_of(struct tty_struct *tty)
{
	return container_of(tty->port, struct line, port);
}

/* The host has no room for more: whoever writes is told, and may try again. */
static bool is_full(long err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
}

static ssize_t tty_write_out(struct tty_struct *tty, const u8 *buf, size_t size)
{
	struct line *line = line_of(tty);
	unsigned long flags;
	ssize_t len = size, done = 0;
	bool gone = false;

	spin_lock_irqsave(&line->lock, flags);
	while (done < len && line->out >= 0) {
		long n;

		if (host_poll(line->out, true) <= 0)
			break;
		n = host_write(line->out, buf + done, min_t(size_t, len - done, LINE_CHUNK));
		if (n == -EAGAIN)
			break;
		if (is_full(n)) {
			spin_unlock_irqrestore(&line->lock, flags);
			return done ?: n;
		}
		if (n <= 0) {
			/* Who comes back is seen by input; without, writers learn it. */
			gone = !line->chan[0].again && line->chan[0].listener < 0;
			if (gone)
				line_output_gone(line);
			done = len;
			break;
		}
		done += n;
	}
	if (line->out < 0)
		done = len;
	if (done < len && line->out_watch >= 0)
		watch_rearm(line->out_watch);
	spin_unlock_irqrestore(&line->lock, flags);
	if (gone)
		tty_port_tty_hangup(&line->port, false);
	return done;
}

static unsigned int tty_write_space(struct tty_struct *tty)
{
	struct line *line = line_of(tty);
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&line->lock, flags);
	room = line->out < 0 || host_poll(line->out, true) > 0;
	/* Who is told that there is none writes nothing, and waits to be woken. */
	if (!room && line->out_watch >= 0)
		watch_rearm(line->out_watch);
	spin_unlock_irqrestore(&line->lock, flags);
	return room ? 4096 : 0;
}

static int open_tty(struct tty_struct *tty, struct file *filp)
{
	return tty_port_open(tty->port, tty, filp);
}

static void close_tty(struct tty_struct *tty, struct file *filp)
{
	tty_port_close(tty->port, tty, filp);
}

static void hangup_tty(struct tty_struct *tty)
{
	tty_port_hangup(tty->port);
}

static void get_size(struct line *line, struct winsize *ws)
{
	memset(ws, 0, sizeof(*ws));
	for (int i = 0; i < 2; i++)
		if (line->chan[i].fd >= 0 && !line->chan[i].ops->person &&
		    !host_tty_winsize(line->chan[i].fd, &ws->ws_row, &ws->ws_col))
			return;
}

/**
 * line_winch() - the size of the host's terminal may have changed
 */
void line_winch(struct line *line)
{
	struct tty_struct *tty = tty_port_tty_get(&line->port);
	struct winsize ws;

	if (!tty)
		return;
	get_size(line, &ws);
	if (ws.ws_row)
		tty_do_resize(tty, &ws);
	tty_kref_put(tty);
}

/* What a new tty begins with depends on who is at the other end. */
static int install_tty(struct tty_driver *driver, struct tty_struct *tty)
{
	struct line_driver *d = driver->driver_state;
	struct line *line = &d->lines[tty->index];
	const struct chan *out = &line->chan[line->chan[0].output ? 0 : 1];
	struct ktermios *t = &tty->termios;
	int err = tty_port_install(&line->port, driver, tty);

	if (err)
		return err;
	get_size(line, &tty->winsize);
	if (!line_is_person(line)) {
		t->c_iflag = 0;
		t->c_lflag = ICANON | IEXTEN;
		memset(t->c_cc, 0, sizeof(t->c_cc));
		t->c_cc[VEOF] = CHAR_EOF;
		t->c_cc[VLNEXT] = CHAR_QUOTE;
	}
	if (!out->ops->person && !host_isatty(out->fd))
		t->c_oflag &= ~OPOST;
	return 0;
}

static void throttle_tty(struct tty_struct *tty)
{
	struct line *line = line_of(tty);
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	line->throttled = true;
	spin_unlock_irqrestore(&line->lock, flags);
}

static void unthrottle_tty(struct tty_struct *tty)
{
	struct line *line = line_of(tty);
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	line->throttled = false;
	if (line->in_watch >= 0 && !line->eof)
		watch_rearm(line->in_watch);
	spin_unlock_irqrestore(&line->lock, flags);
}

static const struct tty_operations ops = {
	.install = install_tty,
	.open = open_tty,
	.close = close_tty,
	.hangup = hangup_tty,
	.write = tty_write_out,
	.write_room = tty_write_space,
	.throttle = throttle_tty,
	.unthrottle = unthrottle_tty,
};

static void again(struct work_struct *work)
{
	struct line *line = container_of(work, struct line, again.work);
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	if (line->in_watch >= 0)
		watch_rearm(line->in_watch);
	spin_unlock_irqrestore(&line->lock, flags);
}

static void shutdown(struct tty_port *port)
{
	struct line *line = container_of(port, struct line, port);
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	line->opened = false;
	spin_unlock_irqrestore(&line->lock, flags);
}

/* Input waits with the host until somebody reads: from the first open. */
static int activate(struct tty_port *port, struct tty_struct *tty)
{
	struct line *line = container_of(port, struct line, port);
	unsigned long flags;
	int err;

	spin_lock_irqsave(&line->lock, flags);
	if (line->changing) {
		spin_unlock_irqrestore(&line->lock, flags);
		return -EBUSY;
	}
	line->opened = true;
	line->throttled = false;
	if (line->in_watch >= 0 && !line->eof)
		watch_rearm(line->in_watch);
	spin_unlock_irqrestore(&line->lock, flags);
	err = line->started ? 0 : line_start(line);
	if (err)
		shutdown(port);
	return err;
}

static const struct tty_port_operations port_ops = {
	.activate = activate,
	.shutdown = shutdown,
};

/**
 * line_register() - make the tty devices of a driver
 *
 * Return: 0 or -errno.
 */
int line_register(struct line_driver *d)
{
	struct tty_driver *tty;

	tty = tty_alloc_driver(LINES, TTY_DRIVER_REAL_RAW | TTY_DRIVER_RESET_TERMIOS);
	if (IS_ERR(tty))
		return PTR_ERR(tty);
	tty->driver_name = d->option;
	tty->name = d->device;
	tty->major = TTY_MAJOR;
	tty->minor_start = d->minor;
	tty->type = d->type;
	tty->subtype = d->subtype;
	tty->init_termios = tty_std_termios;
	tty->driver_state = d;
	tty_set_operations(tty, &ops);
	for (int i = 0; i < LINES; i++) {
		struct line *line = &d->lines[i];

		tty_port_init(&line->port);
		INIT_DELAYED_WORK(&line->again, again);
		INIT_WORK(&line->hangup, line_hangup);
		line->port.ops = &port_ops;
		tty_port_link_device(&line->port, tty, i);
	}
	d->tty = tty;
	return tty_register_driver(tty);
}
