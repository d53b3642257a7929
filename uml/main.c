// SPDX-License-Identifier: GPL-2.0
/*
 * uml - run programs in User-mode Linux guests. One file a command; docs/uml.1
 * tells what they do.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "uml.h"

/**
 * struct command_entry - a command
 * @args:	what follows its name; NULL: it answers --help itself
 */
static const struct command_entry {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args, *help;
} commands[] = {
	{ "run",     cmd_run,     NULL,                 "run a command in a fresh guest" },
	{ "ps",      cmd_ps,      "[-q]",               "list the guests that run" },
	{ "exec",    cmd_exec,    NULL,                 "run another command in a guest" },
	{ "console", cmd_console, "NAME",               "the kernel's console of a guest" },
	{ "stop",    cmd_stop,    "NAME",               "end a guest in order" },
	{ "kill",    cmd_kill,    "NAME",               "end a guest at once" },
	{ "pause",   cmd_pause,   "NAME",               "stop a guest's processors" },
	{ "resume",  cmd_resume,  "NAME",               "let a paused guest go on" },
	{ "sysrq",   cmd_sysrq,   "NAME KEY",           "press a SysRq key in a guest" },
	{ "stats",   cmd_stats,   "NAME",               "what a guest uses" },
	{ "image",   cmd_image,   "build debian FILE",  "make an image to boot from" },
	{ "doctor",  cmd_doctor,  "[--kernel FILE]",    "what this host allows, and what is missing" },
};

/* So that no file of ours is taken for one of the standard ones. */
static void fill_standard_files(void)
{
	int fd;

	for (int i = 0; i < 3; i++)
		closed_at_start[i] = fcntl(i, F_GETFD) < 0 && errno == EBADF;
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int usage(FILE *to, int status)
{
	fprintf(to, "usage: uml COMMAND [ARG...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-9s%s\n", commands[i].name, commands[i].help);
	fprintf(to, "\numl COMMAND --help, or uml(1), tells more.\n");
	return fflush(to) ? EXIT_OURS : status;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* What a command has printed is written, or its status is not 0. */
static int flushed(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	note("cannot write all of the output: is the disk full?");
	return status ? status : EXIT_OURS;
}

static int run(const struct command_entry *c, int argc, char **argv)
{
	/* As getopt(3) says who it is that speaks. */
	argv[0] = xprintf("uml %s", c->name);
	if (!c->args || argc != 2 || !is_help(argv[1]))
		return flushed(c->run(argc, argv));
	printf("usage: uml %s %s\n\n%c%s. See uml(1).\n", c->name, c->args,
	       toupper(c->help[0]), c->help + 1);
	return flushed(0);
}

int main(int argc, char **argv)
{
	fill_standard_files();
	if (argc < 2)
		return usage(stderr, EXIT_OURS);
	if (is_help(argv[1]) || !strcmp(argv[1], "help"))
		return flushed(usage(stdout, 0));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	die("there is no command %s; uml --help lists them", argv[1]);
}
