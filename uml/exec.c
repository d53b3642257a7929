// SPDX-License-Identifier: GPL-2.0
/*
 * uml exec NAME -- COMMAND: one more command in a guest that runs, with our
 * standard files, or a terminal of its own, and its status.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "control.h"
#include "term.h"

static const char help[] =
"usage: uml exec [OPTION...] NAME [--] [COMMAND [ARG...]]\n"
"Run COMMAND, or a shell, in the guest NAME.\n\n"
"  --user USER[:GROUP]    who it runs as; default: you\n"
"  --cwd DIR              in which directory; default: /\n"
"  --env NAME[=VALUE]     set a variable, or pass yours\n";

static const struct option options[] = {
	{ "user", required_argument, NULL, 'u' },
	{ "cwd", required_argument, NULL, 'c' },
	{ "env", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct execution {
	struct peer peer;
	struct relay relay;
	const char *refused;
};

static int frame(void *context, const struct uml_frame *head, const char *payload)
{
	struct execution *x = context;

	if (head->type == CTL_REPLY && head->len > sizeof(uint32_t)) {
		x->refused = xprintf("%.*s", (int)(head->len - sizeof(uint32_t)),
				     payload + sizeof(uint32_t));
		return 0;
	}
	return head->session == CLIENT_FRAME ? relay_frame(&x->relay, head, payload) : -1;
}

static void on_signals(struct execution *x, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTSTP:
			relay_suspend(&x->relay);
			kill(getpid(), SIGSTOP);
			break;
		case SIGCONT:
			relay_continue(&x->relay);
			break;
		case SIGWINCH:
			relay_winch(&x->relay);
			break;
		case SIGCHLD:
			break;
		default:
			relay_signal(&x->relay, info.ssi_signo);
		}
	}
}

static void loop(struct execution *x, int signals)
{
	struct pollfd fds[2 + 3];
	int n;

	while (!relay_done(&x->relay) && !x->relay.escaped && !x->refused) {
		if (peer_flush(&x->peer) < 0 && !x->relay.exited)
			die("the guest has ended");
		fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = x->peer.fd, .events = peer_events(&x->peer) };
		if (x->relay.exited)
			fds[1].fd = -1;
		n = relay_poll(&x->relay, fds + 2);
		if (poll(fds, 2 + n, relay_recheck(&x->relay)) < 0)
			continue;
		relay_ready(&x->relay, fds + 2, n);
		if ((fds[1].revents & ~POLLOUT) && peer_receive(&x->peer, frame, x) <= 0 &&
		    !x->relay.exited)
			die("the guest has ended");
		if (fds[0].revents)
			on_signals(x, signals);
	}
}

int cmd_exec(int argc, char **argv)
{
	static struct execution x;
	struct command c;
	struct list env = { };
	const char *name;
	int opt;

	command_defaults(&c);
	while ((opt = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		switch (opt) {
		case 'u':
			c.user = optarg;
			break;
		case 'c':
			c.cwd = optarg;
			c.cwd_must = true;
			break;
		case 'e':
			add_env(&env, optarg);
			break;
		case 'h':
			fputs(help, stdout);
			return fflush(stdout) ? EXIT_OURS : 0;
		default:
			return EXIT_OURS;
		}
	}
	if (!argv[optind])
		die("usage: uml exec [OPTION...] NAME [--] [COMMAND [ARG...]]");
	name = argv[optind++];
	if (argv[optind] && !strcmp(argv[optind], "--"))
		optind++;
	if (argv[optind])
		c.argv = argv + optind;
	environment(&c, &env, false);
	peer_init(&x.peer, control_connect(name));
	relay_stdio(&x.relay, &x.peer, CLIENT_FRAME);
	relay_start(&x.relay, &c);
	relay_resume(&x.relay);
	loop(&x, take_signals());
	term_restore();
	if (x.refused)
		die("%s: %s", name, x.refused);
	if (x.relay.escaped)
		return 128 + SIGKILL;
	return relay_status(&x.relay, c.argv ? c.argv[0] : "the shell");
}
