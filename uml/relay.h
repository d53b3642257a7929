/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_RELAY_H
#define UML_RELAY_H

#include <poll.h>
#include "frame.h"
#include "outlet.h"
#include "uml.h"

struct command;

/**
 * struct relay - a session of the guest on the standard files of this process,
 * or on @input and @output where somebody set other ones
 * @peer:	the way to the agent
 * @session:	its number
 * @command:	what was described to it
 * @credit:	bytes that the command may be sent
 * @raw:	the terminal is raw: keys go to the guest
 * @in_ended:	no more input
 * @exited:	the command has ended as @exit says
 * @in_tty:	input is a terminal, raw or not
 * @ending:	a signal to end it was sent on to the command
 * @failed:	errno of an output that could not be written, not EPIPE
 * @in_failed:	errno of input that could not be read
 */
struct relay {
	struct peer *peer;
	unsigned int session;
	const struct command *command;
	enum uml_stdio stdio[3];
	int in;
	size_t credit;
	struct outlet out[2];
	bool want_raw, raw, in_tty, in_ended, exited, escaped, ending;
	int failed, in_failed;
	struct uml_exit exit;
	int keys;
	long long first_key;
};

/**
 * struct command - what is to run in the guest, and as whom
 */
struct command {
	char **argv;		/* NULL: a shell */
	struct list env;
	const char *cwd, *user;
	bool cwd_must, bare;
	uint32_t uid, gid, umask;
	uint32_t groups[UML_GROUPS_MAX];
	uint32_t ngroups;
};

void command_defaults(struct command *c);
void relay_stdio(struct relay *r, struct peer *peer, unsigned int session);
void relay_file(struct relay *r, struct peer *peer, unsigned int session, int in);
void relay_start(struct relay *r, const struct command *c);
int relay_frame(struct relay *r, const struct uml_frame *head, const char *payload);
int relay_poll(struct relay *r, struct pollfd *fds);
void relay_ready(struct relay *r, const struct pollfd *fds, int n);
void relay_winch(struct relay *r);
void relay_signal(struct relay *r, int sig);
void relay_suspend(struct relay *r);
void relay_resume(struct relay *r);
void relay_continue(struct relay *r);
int relay_recheck(struct relay *r);
bool relay_done(struct relay *r);
int relay_status(struct relay *r, const char *name);

#endif
