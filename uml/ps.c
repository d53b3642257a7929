// SPDX-License-Identifier: GPL-2.0
/* uml ps: the guests of this user, by the sockets of their launchers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"

/* The listening sockets @uml/UID/NAME of /proc/net/unix: their names. */
static void find_names(struct list *names)
{
	char *prefix = xprintf("@uml/%u/", geteuid());
	FILE *f = fopen("/proc/net/unix", "re");
	char *line = NULL, *at;
	size_t size = 0;

	if (!f)
		die("cannot read /proc/net/unix");
	while (getline(&line, &size, f) > 0) {
		unsigned int flags;

		/* 00010000 is a socket that listens; its connections have the name too. */
		if (sscanf(line, "%*[^:]: %*x %*x %x", &flags) != 1 || !(flags & 0x10000))
			continue;
		at = strstr(line, prefix);
		if (!at)
			continue;
		at += strlen(prefix);
		at[strcspn(at, "\n")] = 0;
		list_add(names, at);
	}
	free(line);
	free(prefix);
	fclose(f);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* name, launcher, kernel, age, state, command: as reply_info() writes them, or "-" */
static void show(char *info)
{
	char *f[6], *rest = info;
	size_t n;

	for (n = 0; n < 6 && rest; n++)
		f[n] = strsep(&rest, "\t");
	if (n < 6)
		return;
	printf("%-16s %8s %8s %7s%s  %-9s", f[0], f[1], f[2], f[3], *f[3] == '-' ? " " : "s", f[4]);
	fflush(stdout);
	print_clean(1, f[5], strlen(f[5]));
	puts("");
}

int cmd_ps(int argc, char **argv)
{
	struct list names = { };
	bool quiet = argc == 2 && (!strcmp(argv[1], "-q") || !strcmp(argv[1], "--quiet"));

	if (argc > 1 && !quiet)
		die("usage: uml ps [-q]");
	find_names(&names);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	if (!quiet)
		printf("%-16s %8s %8s %8s  %-9s%s\n", "NAME", "PID", "KERNEL", "AGE", "STATE",
		       "COMMAND");
	for (size_t i = 0; i < names.n; i++) {
		char *info = control_info(names.v[i]);

		if (info && quiet)
			puts(names.v[i]);
		else if (info)
			show(info);
		free(info);
	}
	return fflush(stdout) ? EXIT_OURS : 0;
}
