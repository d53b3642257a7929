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

/* Terminals in raw mode, and how they were; fd is one more than the descriptor. */
#define MAX_RAW	32
static struct {
	int fd;
	struct termios cooked;
} raw[MAX_RAW];

/* The kernel's struct of TCGETS has 19 control characters: struct termios. */
static int get(int fd, struct termios *t)
{
	return host_call(__NR_ioctl, fd, TCGETS, t);
}

/**
 * host_isatty() - whether @fd is a terminal
 */
bool host_isatty(int fd)
{
	struct termios t;

	return get(fd, &t) == 0;
}

/**
 * host_tty_raw() - no line editing, no echo, no signals from keys
 *
 * The mode before is kept for host_tty_restore(), for up to 32 terminals. Output
 * processing stays off as well: the guest's tty layer does it.
 */
int host_tty_raw(int fd)
{
	struct termios t;
	long err = get(fd, &t);
	int i = 0;

	if (err < 0)
		return err;
	while (i < MAX_RAW && raw[i].fd)
		i++;
	if (i == MAX_RAW)
		return -ENOSPC;
	raw[i].cooked = t;
	t.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag &= ~(CSIZE | PARENB);
	t.c_cflag |= CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	err = host_call(__NR_ioctl, fd, TCSETSW, &t);
	if (!err)
		raw[i].fd = fd + 1;
	return err;
}

/**
 * host_tty_restore() - the mode before host_tty_raw(); safe to call any time
 * @fd: which, or -1 for all of them
 */
int host_tty_restore(int fd)
{
	long err = 0;

	/* The newest first: one terminal may have been given twice. */
	for (int i = MAX_RAW - 1; i >= 0; i--) {
		if (!raw[i].fd || (fd >= 0 && raw[i].fd != fd + 1))
			continue;
		err = host_call(__NR_ioctl, raw[i].fd - 1, TCSETSW, &raw[i].cooked);
		raw[i].fd = 0;
	}
	return err;
}

/**
 * host_tty_winsize() - the size of a terminal's window, in characters
 */
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
 * host_pts_setup() - unlock a new pseudo-terminal, in raw mode
 * @fd: of /dev/ptmx
 * @name: gets the path of its other end
 * @len: size of @name, at least 32
 */
int host_pts_setup(int fd, char *name, unsigned int len)
{
	int n, zero = 0;
	struct termios t;
	long err;

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
	if (!err)
		snprintf(name, len, "/dev/pts/%d", n);
	return err;
}
