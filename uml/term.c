// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal of the user: raw while its keys are the guest's, and as it was
 * on every way out.
 *
 * Who is killed by SIGKILL restores nothing. So while the mode is raw there is
 * a second, small process that waits for the end of this one. It then sets the
 * mode back, but only if that is still the raw mode of ours: a shell that was
 * quicker has its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "../guest/proto.h"
#include "term.h"
#include "uml.h"

static int raw_fd = -1;
static struct termios before, ours;
static int watch_fd = -1;	/* closed by our end, whatever that is */

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag &&
	       !memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc));
}

static __noreturn void watch(int terminal, int fd)
{
	struct termios t;
	char done;

	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_IGN);	/* SIGTTOU above all */
	prctl(PR_SET_NAME, "uml-terminal");
	dup2(terminal, 1);	/* which may be 0 */
	dup2(fd, 0);
	close_range(2, ~0U, 0);
	while (read(0, &done, 1) < 0 && errno == EINTR)
		;
	if (tcgetattr(1, &t) == 0 && same(&t, &ours))
		tcsetattr(1, TCSADRAIN, &before);
	_exit(0);
}

/* A process that outlives us. Its parent ends at once, so nobody waits for it. */
static void start_watch(int terminal)
{
	int ends[2];
	pid_t pid;

	if (watch_fd >= 0 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		if (fork() == 0)
			watch(terminal, ends[0]);
		_exit(0);
	}
	close(ends[0]);
	watch_fd = ends[1];
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * Is the terminal ours to use, or are we in the background? There is no such
 * thing on one that does not control our session, as under setsid(1) and su(1).
 */
static bool term_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group == getpgrp() || (group < 0 && errno == ENOTTY);
}

/* Make the terminal @fd raw; false when it is none, or not ours to change. */
bool term_raw(int fd)
{
	struct termios t;

	if (raw_fd >= 0)
		return true;
	if (!term_foreground(fd) || tcgetattr(fd, &before) < 0)
		return false;
	t = before;
	cfmakeraw(&t);
	if (tcsetattr(fd, TCSADRAIN, &t) < 0)
		return false;
	raw_fd = fd;
	tcgetattr(fd, &ours);
	start_watch(fd);
	return true;
}

/*
 * A kernel that has our terminal @fd as its console makes it raw, and restores it
 * when it ends in order. Where it cannot, since we are killed and it with us, the
 * watcher does; to it that mode is as one of ours.
 */
void term_guard(int fd)
{
	if (tcgetattr(fd, &before) < 0)
		return;
	ours = before;
	cfmakeraw(&ours);
	start_watch(fd);
}

bool term_is_raw(void)
{
	return raw_fd >= 0;
}

void term_restore(void)
{
	if (raw_fd < 0)
		return;
	tcsetattr(raw_fd, TCSADRAIN, &before);
	raw_fd = -1;
}

void term_size(int fd, struct uml_size *size)
{
	struct winsize ws = { };

	ioctl(fd, TIOCGWINSZ, &ws);
	size->rows = ws.ws_row;
	size->cols = ws.ws_col;
}

/* A new pseudo-terminal: our end, and the other in *@other; -1 without one. */
int term_pair(int *other)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	char name[64];

	if (fd < 0)
		return -1;
	if (grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, name, sizeof(name)))
		goto fail;
	*other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*other < 0)
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}
