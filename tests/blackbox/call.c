// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - have another process make one host call
 *
 *	call PID NR [ARG...]
 *
 * An argument is a number, or a path from / on, of which the call gets the address.
 * Prints what it returned, or "killed".
 */
#define _GNU_SOURCE
#include "takeover.h"

#define FREE	4096	/* so far below its stack pointer nothing is kept */

/* Put a string of up to 511 bytes below the stack of the first thread. */
static long put_string(const char *s)
{
	struct user_regs_struct regs;
	char buf[512] = "";
	unsigned long at;

	snprintf(buf, sizeof(buf), "%s", s);
	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		quit("registers", 1);
	at = (regs.rsp - FREE) & ~15UL;
	for (size_t i = 0; i < sizeof(buf); i += sizeof(long))
		if (ptrace(PTRACE_POKEDATA, pid, at + i, *(long *)(buf + i)))
			quit("stack", 1);
	return at;
}

int main(int argc, char **argv)
{
	long args[4] = { 0 };

	if (argc < 3 || argc > 7)
		return 2;
	pid = atoi(argv[1]);
	stop_all();
	for (int i = 3; i < argc; i++)
		args[i - 3] = *argv[i] == '/' ? put_string(argv[i]) : strtol(argv[i], NULL, 0);
	printf("%ld\n", call(atoi(argv[2]), args[0], args[1], args[2], args[3]));
	let_go();
	return 0;
}
