// SPDX-License-Identifier: GPL-2.0
/*
 * uml image build debian OUT: an ext4 image of a Debian that boots, by the
 * script that `make rootfs` runs as well; it lies beside an installed uml in
 * ../share/uml. What it fetches it keeps in a directory that is removed.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "uml.h"

static char *find_script(void)
{
	static const char *const places[] = { "../share/uml/tools/build/rootfs",
					      "../tools/build/rootfs" };
	const char *self = self_dir();
	char *path;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		path = xprintf("%s/%s", self, places[i]);
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	die("image: %s/%s is not there: uml is not installed whole", self, places[0]);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static pid_t script_pid;

/*
 * Whoever ends us ends the script, and what it runs if all of that is a group
 * of our own. Then its directory is removed.
 */
static void end_script(int sig)
{
	signal(sig, SIG_IGN);
	kill(getpgrp() == getpid() ? 0 : script_pid, sig);
}

/* The script as a child. Ctrl-C reaches it by itself. */
static void start_script(const char *script)
{
	static const int ends[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set, before;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	script_pid = fork();
	if (script_pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		execl(script, script, NULL);
		die("image: cannot run %s: %s", script, strerror(errno));
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (signal(ends[i], i < 2 ? SIG_IGN : end_script) == SIG_IGN)
			signal(ends[i], SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int build(const char *out)
{
	const char *dir = getenv("TMPDIR");
	char *work = xprintf("%s/uml-image.XXXXXX", dir && *dir ? dir : "/var/tmp");
	char *script = find_script(), *parent, *full;
	int status = -1;

	parent = strrchr(out, '/') ? xprintf("%.*s", (int)(strrchr(out, '/') - out) + 1, out) :
		 xstrdup(".");
	if (access(parent, W_OK))
		die("image: cannot make a file in %s: %s", parent, strerror(errno));
	full = *out == '/' ? xstrdup(out) : xprintf("%s/%s", getcwd(NULL, 0), out);
	if (!mkdtemp(work))
		die("image: cannot make a directory in place of %s: %s", work, strerror(errno));
	setenv("BUILD", work, 1);
	setenv("IMAGE", full, 1);
	start_script(script);
	while (script_pid > 0 && waitpid(script_pid, &status, 0) < 0 && errno == EINTR)
		;
	nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EXIT_OURS;
}

int cmd_image(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[1], "build"))
		die("usage: uml image build debian FILE");
	if (strcmp(argv[2], "debian"))
		die("image: there is no recipe for %s; there is debian", argv[2]);
	return build(argv[3]);
}
