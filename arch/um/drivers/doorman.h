/* SPDX-License-Identifier: GPL-2.0 */
/* The files of the process at the door; see doorman.c. */
#ifndef _UM_DOORMAN_H
#define _UM_DOORMAN_H

#include <asm/doorman.h>
#include <asm/host.h>

#define MAX_DIR	384

/**
 * struct request - a command of the owner whose answer is not complete
 * @id:		its number, or 0 when there is none here
 * @deaf:	the client does not take its answers
 * @answering:	a part of its answer was there
 * @until:	when it is given up, CLOCK_MONOTONIC in ns
 * @text:	the command
 * @client:	whom to answer
 */
struct request {
	u32 id;
	bool deaf;
	bool answering;
	u64 until;
	char text[DOOR_DATA];
	struct host_peer client;
};

int doorman_open(const struct request *r, const struct door_message *m);
void doorman_remove(const char *path);
int doorman_filter(int kernel_pid);

#endif
