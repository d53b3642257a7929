/* SPDX-License-Identifier: GPL-2.0 */
/* Consoles and serial lines: tty devices on channels; see line.c. */
#ifndef _UM_LINE_H
#define _UM_LINE_H

#include <linux/fs.h>
#include <linux/console.h>
#include <linux/spinlock.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/workqueue.h>
#include "channel.h"
#include "hotplug.h"

#define LINES		16
#define LINE_CHUNK	256	/* what a writable terminal takes without blocking */
#define CHAR_EOF	4	/* Ctrl-D */
#define CHAR_QUOTE	0x16	/* Ctrl-V, LNEXT */

/**
 * struct line - one tty device
 * @port:	of the tty layer
 * @lock:	all that follows, against the interrupt
 * @chan:	input and output, or both at once in the first
 * @in, @out:	descriptors, or -1 while there is nobody
 * @in_watch, @out_watch, @listen_watch: or -1
 * @changing:	the channels are being changed: no program may open the tty
 * @started:	the channels are listened to; from the first open of the tty
 * @opened:	a program has the tty open
 * @eof:	input has ended
 * @throttled:	the tty layer has no room for input
 * @attached:	somebody was at a channel that can come back
 * @again:	input that is looked for later
 * @hangup:	the tty's programs are told that the other end is gone
 * @unpushed:	bytes of a line not yet given to its reader
 */
struct line {
	struct tty_port port;
	spinlock_t lock;
	struct chan chan[2];
	int in, out;
	int in_watch, out_watch, listen_watch;
	bool changing;
	bool started;
	bool opened;
	bool eof;
	bool throttled;
	bool attached;
	struct delayed_work again;
	struct work_struct hangup;
	unsigned int unpushed;
};

/**
 * struct line_driver - lines of one name
 * @option:	"con", as on the command line
 * @device:	"tty", as in /dev
 * @minor, @type, @subtype: of the tty driver
 * @spec:	what each line is attached to, from the command line
 * @all:	what the others are attached to, or NULL
 * @lines:	the lines
 * @tty:	the tty driver
 * @console:	the kernel's console on one of them
 * @lost:	bytes of the kernel's messages that nobody took, since the last that were
 * @hotplug:	for the management console
 */
struct line_driver {
	const char *option;
	const char *device;
	int minor;
	short type, subtype;
	const char *spec[LINES];
	const char *all;
	struct line lines[LINES];
	struct tty_driver *tty;
	struct console console;
	u64 lost;
	struct hotplug_class hotplug;
};

/* line.c */
void line_init(struct line *line);
int line_attach(struct line *line, const char *spec, const char **why);
int line_replace(struct line *line, const char *spec, const char **why);
int line_start(struct line *line);
bool line_change(struct line *line);
void line_interrupt(struct line *line);
void line_hangup(struct work_struct *work);
void line_winch(struct line *line);
void line_output_gone(struct line *line);
bool line_is_person(const struct line *line);

/* line_tty.c */
int line_register(struct line_driver *driver);

#endif
