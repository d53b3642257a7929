// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - have another process make one host call
 *
 *	call PID NR [ARG...]
 *
 * Prints what it returned, or "killed".
 */
#define _GNU_SOURCE
#include "takeover.h"

int main(int argc, char **argv)
{
	long args[4] = { 0 };

	if (argc < 3 || argc > 7)
		return 2;
	pid = atoi(argv[1]);
	for (int i = 3; i < argc; i++)
		args[i - 3] = strtol(argv[i], NULL, 0);
	stop_all();
	printf("%ld\n", call(atoi(argv[2]), args[0], args[1], args[2], args[3]));
	let_go();
	return 0;
}
