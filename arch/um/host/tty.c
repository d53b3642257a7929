// SPDX-License-Identifier: GPL-2.0
/*
 * Terminals of the host: raw mode while the guest runs, their size, and new
 * pseudo-terminals.
 */
#include <linux/fcntl.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <uapi/asm/termbits.h>
#include <uapi/asm/termios.h>
#include "syscall.h"

static int saved_fd = -1;

/* The kernel's struct of TCGETS has 19 control characters: struct termios. */
static int get(int fd, struct termios *t)
{
	return host_call(__NR_ioctl, fd, TCGETS, t);
}

bool host_isatty(int fd)
{
	struct termios t;

	return get(fd, &t) == 0;
}

static struct termios cooked;

/**
 * host_tty_raw() - no line editing, no echo, no signals from keys
 *
 * The mode before is kept for host_tty_restore(); one terminal only. Output
 * processing stays off as well: the guest's tty layer does it.
 */
int host_tty_raw(int fd)
{
	struct termios t;
	long err = get(fd, &t);

	if (err < 0)
		return err;
	cooked = t;
	t.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag &= ~(CSIZE | PARENB);
	t.c_cflag |= CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	err = host_call(__NR_ioctl, fd, TCSETSW, &t);
	if (!err)
		saved_fd = fd;
	return err;
}

/**
 * host_tty_restore() - the mode before host_tty_raw(); safe to call any time
 */
int host_tty_restore(int fd)
{
	long err;

	if (saved_fd < 0 || (fd >= 0 && fd != saved_fd))
		return 0;
	err = host_call(__NR_ioctl, saved_fd, TCSETSW, &cooked);
	saved_fd = -1;
	return err;
}

int host_tty_winsize(int fd, unsigned short *rows, unsigned short *cols)
{
	struct winsize ws;
	long err = host_call(__NR_ioctl, fd, TIOCGWINSZ, &ws);

	if (err < 0)
		return err;
	*rows = ws.ws_row;
	*cols = ws.ws_col;
	return 0;
}

/**
 * host_pts_open() - a new pseudo-terminal
 * @name: gets the path of its other end
 * @len: size of @name, at least 32
 *
 * Return: descriptor of the controlling end, in raw mode, or -errno.
 */
int host_pts_open(char *name, unsigned int len)
{
	int fd, n, zero = 0;
	struct termios t;
	long err;

	fd = host_open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (fd < 0)
		return fd;
	err = host_call(__NR_ioctl, fd, TIOCSPTLCK, &zero);
	if (!err)
		err = host_call(__NR_ioctl, fd, TIOCGPTN, &n);
	if (!err)
		err = get(fd, &t);
	if (!err) {
		t.c_iflag = 0;
		t.c_oflag = 0;
		t.c_lflag = 0;
		err = host_call(__NR_ioctl, fd, TCSETS, &t);
	}
	if (err < 0) {
		host_close(fd);
		return err;
	}
	snprintf(name, len, "/dev/pts/%d", n);
	return fd;
}
