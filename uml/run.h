/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_RUN_H
#define UML_RUN_H

#include "machine.h"

#define CLIENTS		(UML_SESSIONS + 16)	/* all commands, and requests beside them */
#define CLIENT_FRAME	1	/* the number that a client gives its one session */
#define MAIN_SESSION	1
#define GRACE_MS	5000	/* between SIGTERM and the end */

/**
 * struct client - another `uml` that asks something of this guest
 * @session:	the guest's number for its command, or 0
 * @console:	it sees what the console says
 * @stats:	it waits for the agent's answer
 */
struct client {
	struct peer peer;
	unsigned int session;
	bool used, console, stats;
};

/**
 * struct run - the whole state of `uml run`
 * @deadline, @off_at, @grace: when --timeout has passed, when the guest is told
 *		to power off, when it is ended whatever it does; 0: never
 * @killed:	somebody has asked for its end at once, by uml kill
 * @verbose:	what the console says, on standard error, with --verbose
 * @asked:	how often the agent was asked for its statistics, answers aside
 * @owner:	who has a session of the guest, by its number; NULL for the main
 *		one and for those whose client is gone
 * @busy:	the number is in use in the guest
 */
struct run {
	struct options o;
	struct machine m;
	struct relay main, archive;
	bool unpacking, ready, paused, stopping, killed;
	int archive_fd;
	long long start, deadline, off_at, grace;
	struct outlet verbose;
	unsigned int asked;
	bool timed_out, progress;
	char name[80];
	int listener;
	struct client clients[CLIENTS];
	struct client *owner[UML_SESSIONS + 1];
	bool busy[UML_SESSIONS + 1];
};

#endif
