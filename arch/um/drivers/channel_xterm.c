// SPDX-License-Identifier: GPL-2.0
/*
 * xterm - a window of its own for the line, an xterm(1) that is started with the
 * guest and looks at a new pseudo-terminal (its option -S), at whose other end
 * the line is. When the window is closed the line hangs up.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "channel.h"

/* The value of a variable of the environment, or NULL. */
static const char *variable(const char *name)
{
	size_t len = strlen(name);

	for (const char *const *p = boot_options.environ; p && *p; p++)
		if (!strncmp(*p, name, len) && (*p)[len] == '=')
			return *p + len + 1;
	return NULL;
}

static int spawn(int master, const char *pts)
{
	const char *path = variable("PATH") ?: "/usr/bin:/bin";
	char option[48], dir[128];
	const char *argv[] = { "xterm", option, NULL };

	snprintf(option, sizeof(option), "-S%s/%d", strrchr(pts, '/') + 1, master);
	while (*path) {
		size_t len = strcspn(path, ":");
		int n = snprintf(dir, sizeof(dir), "%.*s/xterm", (int)len, path);

		path += len + (path[len] == ':');
		if (n >= sizeof(dir))
			continue;
		n = host_spawn(dir, argv, boot_options.environ, master);
		if (n != -ENOENT && n != -ENOTDIR)
			return n;
	}
	return -ENOENT;
}

/* It first writes the number of its window, a line. */
static int skip_line(int fd)
{
	char c = 0;

	for (int i = 0; i < 64 && c != '\n' && c != '\r'; i++) {
		int ready;

		do {
			ready = host_poll_two(fd, -1, 10000);
		} while (ready == -EINTR);
		if (ready <= 0 || host_read(fd, &c, 1) != 1)
			return -EIO;
	}
	return 0;
}

static int open_xterm(struct chan *c, const char *arg, const char **why)
{
	char name[32];
	int master, err;

	if (system_state >= SYSTEM_RUNNING) {
		*why = "an xterm can be started with the guest, and not later; use pts";
		return -EPERM;
	}
	if (!variable("DISPLAY")) {
		*why = "xterm needs a display, and DISPLAY is not set; use pts or socket:PATH";
		return -EINVAL;
	}
	master = host_open("/dev/ptmx", HOST_RDWR | HOST_NOCTTY);
	err = master < 0 ? master : host_pts_setup(master, name, sizeof(name));
	if (!err) {
		c->fd = host_open(name, HOST_RDWR | HOST_NOCTTY | HOST_NONBLOCK);
		err = min(c->fd, 0);
	}
	if (!err) {
		err = spawn(master, name);
		if (err < 0)
			*why = "the program xterm cannot be started; use pts or socket:PATH";
		err = min(err, 0);
	}
	if (master >= 0)
		host_close(master);
	if (!err && skip_line(c->fd)) {
		*why = "the xterm has ended: can it reach the display?";
		err = -EIO;
	}
	return err;
}

const struct chan_ops chan_xterm = {
	.name = "xterm", .open = open_xterm, .both = true, .person = true,
};
