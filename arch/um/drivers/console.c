// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles con0 to con15, which are /dev/tty0 to /dev/tty15, and serial lines
 * ssl0 to ssl15, /dev/ttyS0 to /dev/ttyS15: their options, the kernel's own
 * console on one of them, and their changes while the guest runs.
 *
 * conN=CHANNEL or conN=INPUT,OUTPUT; con= is for those that are not named. con0
 * is fd:0,fd:1 and the others are null. Channels are opened at boot.
 */
#include <linux/console.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/major.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/trap.h>
#include <asm/vcpu.h>
#include "line.h"

UM_HELP(con,
"con0=CHANNEL .. con15=CHANNEL, or conN=INPUT,OUTPUT\n"
"ssl0=CHANNEL .. ssl15=CHANNEL\n"
"    What a console (/dev/ttyN) or a serial line (/dev/ttySN) is attached to:\n"
"    fd:N (a descriptor), file:PATH, tty:PATH (a terminal), pts (a new pseudo-\n"
"    terminal, whose name is printed), socket:PATH (a unix socket that you connect\n"
"    to), port:N (the same over TCP, on this host), xterm, or null, none. con= and\n"
"    ssl= are for all that are not named. con0 is fd:0,fd:1 by default, the others\n"
"    null.\n\n");
UM_HELP(console,
"console=tty0\n"
"    Show the boot log on this console.\n\n");

static void con_write(struct console *co, const char *s, unsigned int len);
static struct tty_driver *con_device(struct console *co, int *index);
static int con_setup(struct console *co, char *options);
static int con_config(unsigned int nr, char *value, const char **why);
static int con_show(unsigned int nr, char *buf, size_t size);
static int con_remove(unsigned int nr, const char **why);
static int ssl_config(unsigned int nr, char *value, const char **why);
static int ssl_show(unsigned int nr, char *buf, size_t size);
static int ssl_remove(unsigned int nr, const char **why);

static struct line_driver con = {
	.option = "con",
	.device = "tty",
	.minor = 0,
	.type = TTY_DRIVER_TYPE_CONSOLE,
	.subtype = SYSTEM_TYPE_CONSOLE,
	.console = {
		.name = "tty",
		.write = con_write,
		.device = con_device,
		.setup = con_setup,
		.flags = CON_PRINTBUFFER | CON_ANYTIME,
		.index = -1,
		.data = &con,
	},
	.hotplug = {
		.name = "con",
		.config = con_config,
		.show = con_show,
		.remove = con_remove,
	},
};

static struct line_driver ssl = {
	.option = "ssl",
	.device = "ttyS",
	.minor = 64,
	.type = TTY_DRIVER_TYPE_SERIAL,
	.subtype = SERIAL_TYPE_NORMAL,
	.console = {
		.name = "ttyS",
		.write = con_write,
		.device = con_device,
		.setup = con_setup,
		.flags = CON_PRINTBUFFER | CON_ANYTIME,
		.index = -1,
		.data = &ssl,
	},
	.hotplug = {
		.name = "ssl",
		.config = ssl_config,
		.show = ssl_show,
		.remove = ssl_remove,
	},
};

static struct line_driver *const drivers[] = { &con, &ssl };

/*
 * A reader that is slow gets all, and the guest waits; one that stalls must not
 * hold the guest up for ever. It loses messages until it reads again, and then is
 * told how much.
 */
static void put(struct line_driver *d, int fd, bool person, const char *s, unsigned int len)
{
	long n;

	if (d->lost) {
		const char *nl = person ? "\r\n" : "\n";
		char note[96];

		n = scnprintf(note, sizeof(note), "%slinux: %llu bytes of the kernel's messages were not taken and are lost%s",
			      nl, d->lost, nl);
		if (host_write_patiently(fd, note, n, 0) == 0) {
			d->lost += len;
			return;
		}
		d->lost = 0;
	}
	n = host_write_patiently(fd, s, len, HOST_STALL_MS);
	if (n >= 0)
		d->lost += len - n;
}

/* The kernel's console: synchronous, so that a panic is seen. */
static void con_write(struct console *co, const char *s, unsigned int len)
{
	struct line_driver *d = co->data;
	struct line *line = &d->lines[co->index];
	const struct chan *out = &line->chan[line->chan[0].output ? 0 : 1];
	/* Unless asked for, warnings are no part of what programs print. */
	int fd = !boot_options.verbose ? 2 : line->out >= 0 ? line->out : out->fd;
	bool person = line_is_person(line);

	while (len && fd >= 0) {
		unsigned int n = len;
		const char *nl = memchr(s, '\n', len);

		if (nl)
			n = nl - s;
		if (n)
			put(d, fd, person, s, n);
		if (nl) {
			put(d, fd, person, person ? "\r\n" : "\n", person ? 2 : 1);
			n++;
		}
		s += n;
		len -= n;
	}
}

static struct tty_driver *con_device(struct console *co, int *index)
{
	struct line_driver *d = co->data;

	*index = co->index;
	return d->tty;
}

/* At boot. Without its console a guest would say nothing, not even why. */
static int con_setup(struct console *co, char *options)
{
	if (co->index < 0 || co->index >= LINES)
		boot_die("console=%s%d: there is no such console; there are %s0 to %s%d\n",
			 co->name, co->index, co->name, co->name, LINES - 1);
	return 0;
}

/* Open what the line shall have instead of what it has. */
static int reconfigure(struct line_driver *d, unsigned int nr, const char *spec,
		       const char **why)
{
	struct line *line;
	int err;

	if (nr >= LINES) {
		*why = "there are lines 0 to 15";
		return -ENODEV;
	}
	line = &d->lines[nr];
	/* No program may open it while its channels come and go. */
	if (!line_change(line)) {
		*why = "a program of the guest has this line open";
		return -EBUSY;
	}
	err = line_replace(line, spec, why);
	WRITE_ONCE(line->changing, false);
	return err;
}

static int show(struct line_driver *d, unsigned int nr, char *buf, size_t size)
{
	struct line *line;

	if (nr >= LINES)
		return -ENODEV;
	line = &d->lines[nr];
	if (line->chan[1].output)
		snprintf(buf, size, "%s,%s", line->chan[0].spec, line->chan[1].spec);
	else
		strscpy(buf, *line->chan[0].spec ? line->chan[0].spec : "null", size);
	return 0;
}

static int con_config(unsigned int nr, char *value, const char **why)
{
	return reconfigure(&con, nr, value, why);
}

static int con_show(unsigned int nr, char *buf, size_t size)
{
	return show(&con, nr, buf, size);
}

static int con_remove(unsigned int nr, const char **why)
{
	return reconfigure(&con, nr, "null", why);
}

static int ssl_config(unsigned int nr, char *value, const char **why)
{
	return reconfigure(&ssl, nr, value, why);
}

static int ssl_show(unsigned int nr, char *buf, size_t size)
{
	return show(&ssl, nr, buf, size);
}

static int ssl_remove(unsigned int nr, const char **why)
{
	return reconfigure(&ssl, nr, "null", why);
}

static irqreturn_t con_interrupt(int irq, void *dev)
{
	for (int d = 0; d < ARRAY_SIZE(drivers); d++)
		for (int i = 0; i < LINES; i++)
			line_interrupt(&drivers[d]->lines[i]);
	return IRQ_HANDLED;
}

/* A tty's size is changed under a mutex. */
static void winch(struct work_struct *work)
{
	for (int d = 0; d < ARRAY_SIZE(drivers); d++)
		for (int i = 0; i < LINES; i++)
			line_winch(&drivers[d]->lines[i]);
}
static DECLARE_WORK(winch_work, winch);

static irqreturn_t winch_interrupt(int irq, void *dev)
{
	schedule_work(&winch_work);
	return IRQ_HANDLED;
}

static void on_winch(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	vcpu_raise(&vcpu0, IRQ_WINCH);
}

/**
 * console_restore() - give the host what its terminals and directories were
 *
 * Safe in any state: from boot, from a panic, from a signal handler.
 */
void console_restore(void)
{
	host_tty_restore(-1);
	chan_remove_paths();
}

/* N=CHANNEL or =CHANNEL behind the driver's name; 0 for words that only begin so. */
static int __init option(struct line_driver *d, char *str)
{
	char *value = strchr(str, '=');
	unsigned int n;

	if (!value || (value != str && !isdigit(*str)))
		return 0;
	*value++ = 0;
	if (!*str) {
		d->all = value;
		return 1;
	}
	if (kstrtouint(str, 10, &n) || n >= LINES)
		boot_die("%s%s=%s: lines are %s0 to %s%d\n", d->option, str, value, d->option,
			 d->option, LINES - 1);
	d->spec[n] = value;
	return 1;
}

static int __init con_option(char *str)
{
	return option(&con, str);
}
__setup("con", con_option);

static int __init ssl_option(char *str)
{
	return option(&ssl, str);
}
__setup("ssl", ssl_option);

static void __init open_channels(struct line_driver *d)
{
	for (int i = 0; i < LINES; i++) {
		struct line *line = &d->lines[i];
		const char *spec = d->spec[i] ?: d->all;
		const char *why;
		int err;

		line_init(line);
		if (!spec && d == &con && !i)
			spec = "fd:0,fd:1";
		err = spec ? line_attach(line, spec, &why) : 0;
		if (err)
			boot_die("%s%d=%s: %s\n", d->option, i, spec, why ?: host_error(err));
		if (line->chan[0].again)
			boot_say("%s%d is on %s\n", d->option, i,
				 strchr(line->chan[0].spec, ':') + 1);
	}
}

static int __init con_early(void)
{
	for (int d = 0; d < ARRAY_SIZE(drivers); d++) {
		open_channels(drivers[d]);
		register_console(&drivers[d]->console);
	}
	return 0;
}
console_initcall(con_early);

static int __init con_init(void)
{
	for (int d = 0; d < ARRAY_SIZE(drivers); d++) {
		int err = line_register(drivers[d]);

		if (err)
			return err;
		hotplug_register(&drivers[d]->hotplug);
	}
	if (request_irq(IRQ_CONSOLE, con_interrupt, IRQF_SHARED, "console", drivers[0]) ||
	    request_irq(IRQ_WINCH, winch_interrupt, 0, "winch", NULL))
		return -EBUSY;
	host_signal_handler(SIGWINCH, on_winch);
	return 0;
}
device_initcall(con_init);
