// SPDX-License-Identifier: GPL-2.0
/*
 * uml console NAME: what the guest's kernel says, from as far back as its
 * launcher remembers, and its console's keys. Three times Ctrl-] leaves it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "term.h"

#define KEY_LEAVE	0x1d

static int show(void *context, const struct uml_frame *head, const char *payload)
{
	if (head->type != UML_DATA)
		return -1;
	for (size_t done = 0; done < head->len;) {
		ssize_t n = write(1, payload + done, head->len - done);

		if (n < 0 && errno != EINTR)
			die("cannot write: %s", strerror(errno));
		done += n > 0 ? n : 0;
	}
	return 0;
}

/* false: the user wants to leave, or there is no more input. */
static bool send_keys(struct peer *p, bool raw, bool *more)
{
	static int leave;
	char buf[1024];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n <= 0) {
		*more = false;
		return !raw;
	}
	for (ssize_t i = 0; raw && i < n; i++) {
		leave = buf[i] == KEY_LEAVE ? leave + 1 : 0;
		if (leave == 3)
			return false;
	}
	peer_send(p, 0, UML_DATA, 0, buf, n);
	return true;
}

int cmd_console(int argc, char **argv)
{
	struct ctl_request q = { .op = CTL_CONSOLE };
	bool raw, input = !closed_at_start[0];
	struct peer p;

	if (argc != 2 || argv[1][0] == '-')
		die("usage: uml console NAME");
	peer_init(&p, control_connect(argv[1]));
	peer_send(&p, 0, CTL_REQUEST, 0, &q, sizeof(q));
	raw = isatty(0) && isatty(1) && term_raw(0);
	if (raw)
		note("the console of %s; Enter gives a shell, three times Ctrl-] leaves", argv[1]);
	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = p.fd, .events = peer_events(&p) },
			{ .fd = input ? 0 : -1, .events = POLLIN },
		};

		if (peer_flush(&p) < 0)
			break;
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && !send_keys(&p, raw, &input))
			break;
		if ((fds[0].revents & ~POLLOUT) && peer_receive(&p, show, NULL) <= 0)
			break;
	}
	term_restore();
	return 0;
}
