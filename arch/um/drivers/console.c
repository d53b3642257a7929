// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles: the tty devices /dev/tty0 to /dev/tty15 on descriptors of the
 * host, and the kernel's own console, which is one of them.
 *
 * conN=CHANNEL or conN=INPUT,OUTPUT, where a channel is fd:N, null, or pts (a
 * new pseudo-terminal of the host, whose name is printed). con0 is
 * fd:0,fd:1, the others are null.
 *
 * A terminal of the host is in raw mode while the guest runs: keys, Ctrl-C
 * among them, are the guest's tty layer's to interpret. When input is no
 * terminal, the line passes bytes as they are: no echo, no signals, nothing
 * added to output; the end of input is the end of file for its readers.
 *
 * Output does not block the guest: what the host does not take now waits in
 * the tty layer until the descriptor can be written.
 */
#include <linux/console.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/trap.h>
#include <asm/vcpu.h>
#include <asm/watch.h>

#define LINES		16
#define CHUNK		256	/* what a writable terminal takes without blocking */
#define CHAR_EOF	4	/* Ctrl-D */
#define CHAR_QUOTE	0x16	/* Ctrl-V, LNEXT */

UM_HELP(con,
"con0=CHANNEL .. con15=CHANNEL, or conN=INPUT,OUTPUT\n"
"    What a console is attached to: fd:N (a descriptor), null, or pts (a new\n"
"    pseudo-terminal, whose name is printed). con0 is fd:0,fd:1 by default.\n\n");
UM_HELP(console,
"console=tty0\n"
"    Show the boot log on this console.\n\n");

static struct line {
	struct tty_port port;
	int in, out;		/* descriptors, or -1 */
	int in_watch, out_watch;
	bool terminal;		/* input is a terminal of the host */
	bool tty_out;		/* output is one */
	bool pts;
	bool eof;
	bool started;
	bool throttled;
	struct delayed_work again;
	unsigned int unpushed;	/* bytes of a line not yet given to its reader */
} lines[LINES] = {
	[0] = { .in = 0, .out = 1 },
	[1 ... LINES - 1] = { .in = -1, .out = -1 },
};

static struct tty_driver *driver;

/* Write what the host takes now. Return: bytes. */
static int line_output(struct line *line, const u8 *buf, int len)
{
	int done = 0;

	if (line->out < 0)
		return len;
	while (done < len) {
		long n;

		if (host_poll(line->out, true) <= 0)
			break;
		n = host_write(line->out, buf + done, min(len - done, CHUNK));
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			/* Nobody will ever read it: writers learn that. */
			line->out = -1;
			tty_port_tty_hangup(&line->port, false);
			return len;
		}
		done += n;
	}
	return done;
}

static ssize_t con_write(struct tty_struct *tty, const u8 *buf, size_t len)
{
	struct line *line = &lines[tty->index];
	int done = line_output(line, buf, len);

	if (done < len && line->out_watch >= 0)
		watch_rearm(line->out_watch);
	return done;
}

static unsigned int con_write_room(struct tty_struct *tty)
{
	struct line *line = &lines[tty->index];

	return line->out < 0 || host_poll(line->out, true) > 0 ? 4096 : 0;
}

static int con_open(struct tty_struct *tty, struct file *filp)
{
	return tty_port_open(&lines[tty->index].port, tty, filp);
}

static void con_close(struct tty_struct *tty, struct file *filp)
{
	tty_port_close(&lines[tty->index].port, tty, filp);
}

static void con_hangup(struct tty_struct *tty)
{
	tty_port_hangup(&lines[tty->index].port);
}

static void set_size(struct line *line, struct winsize *ws)
{
	memset(ws, 0, sizeof(*ws));
	if (line->terminal)
		host_tty_winsize(line->in, &ws->ws_row, &ws->ws_col);
	else if (line->tty_out)
		host_tty_winsize(line->out, &ws->ws_row, &ws->ws_col);
}

static int con_install(struct tty_driver *drv, struct tty_struct *tty)
{
	struct line *line = &lines[tty->index];
	int err = tty_port_install(&line->port, drv, tty);

	if (err)
		return err;
	set_size(line, &tty->winsize);
	if (!line->terminal && !line->pts) {
		struct ktermios *t = &tty->termios;

		t->c_iflag = 0;
		t->c_lflag = ICANON | IEXTEN;
		memset(t->c_cc, 0, sizeof(t->c_cc));
		t->c_cc[VEOF] = CHAR_EOF;
		t->c_cc[VLNEXT] = CHAR_QUOTE;
	}
	if (!line->tty_out && !line->pts)
		tty->termios.c_oflag &= ~OPOST;
	return 0;
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
		if (line->unpushed == CHUNK) {
			tty_insert_flip_char(&line->port, CHAR_EOF, TTY_NORMAL);
			line->unpushed = 0;
		}
	}
}

/*
 * The end of input. A terminal that is gone hangs up; elsewhere each read
 * from now on finds the end of the file, as far as that fits.
 */
static void line_end(struct line *line)
{
	line->eof = true;
	if (line->terminal || line->pts) {
		tty_port_tty_hangup(&line->port, false);
		return;
	}
	for (int i = 0; i < CHUNK; i++)
		tty_insert_flip_char(&line->port, CHAR_EOF, TTY_NORMAL);
	tty_flip_buffer_push(&line->port);
}

/* Hand input to the tty layer; what it has no room for stays with the host. */
static void line_input(struct line *line)
{
	u8 buf[CHUNK];
	long n;

	if (line->throttled)
		return;		/* con_unthrottle() goes on */
	if (tty_buffer_space_avail(&line->port) < 2 * CHUNK) {
		schedule_delayed_work(&line->again, 1);
		return;
	}
	n = host_read(line->in, buf, sizeof(buf));
	if (n == -EAGAIN)
		goto rearm;
	if (n <= 0) {
		line_end(line);
		return;
	}
	if (line->terminal || line->pts)
		tty_insert_flip_string(&line->port, buf, n);
	else
		line_feed(line, buf, n);
	tty_flip_buffer_push(&line->port);
rearm:
	watch_rearm(line->in_watch);
}

static void line_again(struct work_struct *work)
{
	struct line *line = container_of(work, struct line, again.work);

	watch_rearm(line->in_watch);
}

static void con_throttle(struct tty_struct *tty)
{
	lines[tty->index].throttled = true;
}

static void con_unthrottle(struct tty_struct *tty)
{
	struct line *line = &lines[tty->index];

	line->throttled = false;
	if (line->in_watch >= 0 && !line->eof)
		watch_rearm(line->in_watch);
}

static const struct tty_operations con_ops = {
	.install = con_install,
	.open = con_open,
	.close = con_close,
	.hangup = con_hangup,
	.write = con_write,
	.write_room = con_write_room,
	.throttle = con_throttle,
	.unthrottle = con_unthrottle,
};

static irqreturn_t con_interrupt(int irq, void *dev)
{
	for (int i = 0; i < LINES; i++) {
		struct line *line = &lines[i];

		if (!line->started)
			continue;
		if (line->out_watch >= 0 && watch_ready(line->out_watch))
			tty_port_tty_wakeup(&line->port);
		if (line->in_watch >= 0 && !line->eof && watch_ready(line->in_watch))
			line_input(line);
	}
	return IRQ_HANDLED;
}

static irqreturn_t winch_interrupt(int irq, void *dev)
{
	for (int i = 0; i < LINES; i++) {
		struct line *line = &lines[i];
		struct tty_struct *tty;
		struct winsize ws;

		if (!line->started || !(line->terminal || line->tty_out))
			continue;
		tty = tty_port_tty_get(&line->port);
		if (!tty)
			continue;
		set_size(line, &ws);
		tty_do_resize(tty, &ws);
		tty_kref_put(tty);
	}
	return IRQ_HANDLED;
}

static void on_winch(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	vcpu_raise(&vcpu0, IRQ_WINCH);
}

/**
 * console_restore() - give the host's terminal back as it was
 *
 * Safe in any state: from boot, from a panic, from a signal handler.
 */
void console_restore(void)
{
	host_tty_restore(-1);
}

static int tty_activate(struct tty_port *port, struct tty_struct *tty)
{
	struct line *line = container_of(port, struct line, port);

	/* Input waits with the host until somebody reads. */
	if (!line->started) {
		line->started = true;
		if (line->in >= 0)
			line->in_watch = watch_add(line->in, IRQ_CONSOLE, false);
		if (line->out >= 0)
			line->out_watch = watch_add(line->out, IRQ_CONSOLE, true);
	}
	return 0;
}

static const struct tty_port_operations port_ops = {
	.activate = tty_activate,
};

/* The kernel's console: synchronous, so that a panic is seen. */
static void console_write(struct console *co, const char *s, unsigned int len)
{
	struct line *line = &lines[co->index];
	/* Unless asked for, warnings are no part of what programs print. */
	int fd = boot_options.verbose ? line->out : 2;

	while (len && fd >= 0) {
		unsigned int n = len;
		const char *nl = memchr(s, '\n', len);

		if (nl)
			n = nl - s;
		if (n && host_write(fd, s, n) <= 0)
			return;
		if (nl) {
			bool crlf = line->terminal || line->pts;

			host_write(fd, crlf ? "\r\n" : "\n", crlf ? 2 : 1);
			n++;
		}
		s += n;
		len -= n;
	}
}

static struct tty_driver *console_tty(struct console *co, int *index)
{
	*index = co->index;
	return driver;
}

static int console_setup(struct console *co, char *options)
{
	return co->index < 0 || co->index >= LINES ? -ENODEV : 0;
}

static struct console um_console = {
	.name = "tty",
	.write = console_write,
	.device = console_tty,
	.setup = console_setup,
	.flags = CON_PRINTBUFFER | CON_ANYTIME,
	.index = -1,
};

/* One end of a channel. Return: descriptor, or -1 for null. */
static int __init channel(struct line *line, const char *opt, const char *s)
{
	int fd;

	if (!strcmp(s, "null") || !strcmp(s, "none"))
		return -1;
	if (!strncmp(s, "fd:", 3)) {
		if (kstrtoint(s + 3, 10, &fd) || fd < 0)
			boot_die("%s: fd: wants the number of a descriptor\n", opt);
		if (host_poll(fd, false) < 0 || host_dup(fd) < 0)
			boot_die("%s: descriptor %d is not open\n", opt, fd);
		return fd;
	}
	if (!strcmp(s, "pts")) {
		char name[32];

		fd = host_pts_open(name, sizeof(name));
		if (fd < 0)
			boot_die("%s: no new pseudo-terminal: %s\n", opt, host_error(fd));
		line->pts = true;
		boot_say("con%d is on %s\n", (int)(line - lines), name);
		return fd;
	}
	boot_die("%s: a channel is fd:N, null or pts\n", opt);
}

/* conN=...; returns 0 for words that only begin like it */
static int __init con_option(char *str)
{
	unsigned int n;
	char *value, *comma, opt[64];
	struct line *line;

	snprintf(opt, sizeof(opt), "con%s", str);
	value = strchr(str, '=');
	if (!value || !isdigit(*str))
		return 0;
	*value++ = 0;
	if (kstrtouint(str, 10, &n) || n >= LINES)
		boot_die("%s: consoles are con0 to con%d\n", opt, LINES - 1);
	line = &lines[n];
	comma = strchr(value, ',');
	if (comma)
		*comma++ = 0;
	line->in = channel(line, opt, value);
	if (comma)
		line->out = channel(line, opt, comma);
	else
		/* Each watch needs a descriptor of its own. */
		line->out = line->in < 0 ? -1 : host_dup(line->in);
	return 1;
}
__setup("con", con_option);

static void __init line_setup(struct line *line)
{
	line->in_watch = -1;
	line->out_watch = -1;
	if (!line->pts) {
		line->terminal = line->in >= 0 && host_isatty(line->in);
		line->tty_out = line->out >= 0 && host_isatty(line->out);
	}
	tty_port_init(&line->port);
	INIT_DELAYED_WORK(&line->again, line_again);
	line->port.ops = &port_ops;
	if (line->terminal)
		host_tty_raw(line->in);
}

static int __init con_early(void)
{
	register_console(&um_console);
	return 0;
}
console_initcall(con_early);

static int __init con_init(void)
{
	int err;

	driver = tty_alloc_driver(LINES, TTY_DRIVER_REAL_RAW | TTY_DRIVER_RESET_TERMIOS);
	if (IS_ERR(driver))
		return PTR_ERR(driver);
	driver->driver_name = "uml_console";
	driver->name = "tty";
	driver->major = TTY_MAJOR;
	driver->minor_start = 0;
	driver->type = TTY_DRIVER_TYPE_CONSOLE;
	driver->subtype = SYSTEM_TYPE_CONSOLE;
	driver->init_termios = tty_std_termios;
	tty_set_operations(driver, &con_ops);
	for (int i = 0; i < LINES; i++) {
		line_setup(&lines[i]);
		tty_port_link_device(&lines[i].port, driver, i);
	}
	err = tty_register_driver(driver);
	if (err)
		return err;
	if (request_irq(IRQ_CONSOLE, con_interrupt, IRQF_SHARED, "console", lines) ||
	    request_irq(IRQ_WINCH, winch_interrupt, 0, "winch", NULL))
		return -EBUSY;
	host_signal_handler(SIGWINCH, on_winch);
	return 0;
}
device_initcall(con_init);
