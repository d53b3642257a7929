// SPDX-License-Identifier: GPL-2.0
/* uml stop, kill, pause, resume: one request each. */
#include <stdio.h>
#include <string.h>
#include "control.h"

static int end(int argc, char **argv, enum control_op op)
{
	if (argc != 2 || argv[1][0] == '-')
		die("usage: %s NAME", argv[0]);
	control_end(argv[1], op);
	return 0;
}

static int simple(int argc, char **argv, enum control_op op)
{
	char *text;
	int status;

	if (argc != 2 || argv[1][0] == '-')
		die("usage: %s NAME", argv[0]);
	status = control_request(argv[1], op, 0, &text);
	if (status)
		die("%s: %s", argv[1], text);
	return 0;
}

int cmd_stop(int argc, char **argv)
{
	return end(argc, argv, CTL_STOP);
}

int cmd_kill(int argc, char **argv)
{
	return end(argc, argv, CTL_KILL);
}

int cmd_pause(int argc, char **argv)
{
	return simple(argc, argv, CTL_PAUSE);
}

int cmd_resume(int argc, char **argv)
{
	return simple(argc, argv, CTL_RESUME);
}
