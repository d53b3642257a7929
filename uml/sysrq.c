// SPDX-License-Identifier: GPL-2.0
/* uml sysrq NAME KEY: a SysRq key; what the kernel says is on its console. */
#include <ctype.h>
#include <string.h>
#include "control.h"

int cmd_sysrq(int argc, char **argv)
{
	char *text;
	int status;

	if (argc != 3 || argv[1][0] == '-')
		die("usage: uml sysrq NAME KEY");
	if (strlen(argv[2]) != 1 || !isalnum((unsigned char)argv[2][0]))
		die("sysrq: %s is no key; the kernel's documentation, admin-guide/sysrq, lists them",
		    argv[2]);
	status = control_request(argv[1], CTL_SYSRQ, argv[2][0], &text);
	if (status)
		die("%s: %s", argv[1], text);
	return 0;
}
