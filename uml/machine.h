/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_MACHINE_H
#define UML_MACHINE_H

#include <sys/types.h>
#include "options.h"

#define CHAN_FD		3	/* in the kernel process */
#define NET_FD_IN_GUEST	4
#define COW_FD		5
#define LOG_SIZE	(64 * 1024)
#define CONSOLE_READ	4096

/**
 * struct machine - a guest that runs: its kernel process, what belongs to it
 * @pid:	kernel process, leader of a group with all that is its guest; 0: ended
 * @status:	its wait status, when it has ended
 * @chan:	to the agent
 * @console:	our end of the kernel's console, or -1
 * @log, @log_len: the last of what the console said; the newest byte is at
 *		(log_len - 1) % LOG_SIZE
 * @passt:	the network's process, or 0
 * @passt_ended: it has ended by itself
 * @passt_errors: what it writes to its stderr, or -1
 * @passt_text, @passt_len: a line of that which is not complete
 * @passt_last:	with --quiet: ": " and the last line of it, or empty
 */
struct machine {
	pid_t pid;
	int status;
	struct peer chan;
	int console;
	char log[LOG_SIZE];
	unsigned long long log_len;
	pid_t passt;
	bool passt_ended;
	int passt_errors;
	char passt_text[256];
	size_t passt_len;
	char passt_last[260];
};

/* Podman's choice for the same; the guest has nothing of its own there. */
#define RESOLVER_ADDRESS "169.254.1.1"

enum resolver {
	RESOLVER_NONE,		/* the host names no server of IPv4 */
	RESOLVER_REACHED,	/* the guest can ask one itself */
	RESOLVER_LOOPBACK,	/* passt asks for it */
};

enum resolver host_resolver(void);
void cable(int ends[2]);

const char *find_kernel(const struct options *o);
const char *exec_error(int err);
void kernel_line(const struct options *o, struct list *words, bool launched);
void print_line(const struct options *o);
__noreturn void run_plain(const struct options *o);

void machine_start(struct machine *m, const struct options *o);
void machine_read_console(struct machine *m, const char **text, size_t *len);
void machine_read_passt(struct machine *m, const struct options *o);
void machine_show_log(const struct machine *m, unsigned int lines);
bool machine_has_said(const struct machine *m, const char *text);
void machine_reap(struct machine *m);
void machine_kill(struct machine *m);

#endif
