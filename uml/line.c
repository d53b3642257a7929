// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's command line: from the options of `uml run` to the words for
 * `linux`. With a launcher the command comes over the channel; without one
 * (--dry-run, --gdb) it is on the line, and runs on the console.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"
#include "term.h"

static bool executable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/*
 * --kernel; else `linux` beside this program, where it was built or installed;
 * else in PATH.
 */
const char *find_kernel(const struct options *o)
{
	static const char *const names[] = { "linux", "../lib/uml/linux", "linux.um" };
	static char path[PATH_MAX + 32];
	const char *self = self_dir();

	if (o->kernel) {
		if (!executable(o->kernel))
			die("--kernel %s: %s", o->kernel, access(o->kernel, F_OK) ?
			    strerror(errno) : "not an executable file");
		/* It is a file, in this directory too; nobody looks for it in PATH. */
		if (strchr(o->kernel, '/'))
			return o->kernel;
		snprintf(path, sizeof(path), "./%s", o->kernel);
		return path;
	}
	for (size_t i = 0; *self && i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", self, names[i]);
		if (executable(path))
			return path;
	}
	die("no kernel: neither %s/linux nor %s/../lib/uml/linux is there; say which with --kernel FILE",
	    self, self);
}

/* Why a kernel's file could not be executed. */
const char *exec_error(int err)
{
	return err == ENOEXEC ? "it is empty, or no program of this machine" : strerror(err);
}

/* As guest/argv.c reads it: words joined by ':', odd bytes as %XX. */
static char *encode(const char *word)
{
	char *out = xrealloc(NULL, strlen(word) * 3 + 2), *p = out;

	if (!*word)
		*p++ = '%';
	for (; *word; word++) {
		unsigned char c = *word;

		if (isascii(c) && (isalnum(c) || strchr("_./=,+@-", c)))
			*p++ = c;
		else
			p += sprintf(p, "%%%02X", c);
	}
	*p = 0;
	return out;
}

static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return path && !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

static void add_root(const struct options *o, struct list *words, bool launched)
{
	const char *mode = o->rw ? "rw" : "overlay";

	switch (o->root_kind) {
	case ROOT_HOST:
		list_addf(words, "hostfs=root:%s%s", o->root, o->rw ? ",rw" : ",ro");
		list_addf(words, "UML_ROOT=hostfs:%s", mode);
		break;
	case ROOT_IMAGE:
		if (o->root_cow && launched) {
			list_addf(words, "ubd0=fd:%d,%s", COW_FD, o->root);
			mode = "rw";
		} else {
			list_addf(words, "ubd0%sd=%s", o->rw ? "" : "r", o->root);
		}
		list_addf(words, "UML_ROOT=/dev/ubda:%s", mode);
		break;
	case ROOT_ARCHIVE:
		list_add(words, "UML_ROOT=archive");
		break;
	case ROOT_NONE:
		if (o->initrd)
			list_addf(words, "initrd=%s", o->initrd);
		return;
	}
	/* A command that works in /tmp wants to see what is there. */
	if (!strcmp(o->root ? o->root : "", "/") && below(o->command.cwd, "/tmp") &&
	    o->root_kind == ROOT_HOST)
		list_add(words, "UML_TMP=keep");
}

static void add_volumes(const struct options *o, struct list *words)
{
	char *all = xstrdup("UML_VOLUMES=");

	for (size_t i = 0; i < o->nvolumes; i++) {
		const struct volume *v = &o->volumes[i];
		char *at = encode(v->guest);

		list_addf(words, "hostfs=v%zu:%s,%s", i, v->host,
			  strcmp(v->mode, "rw") ? "ro" : "rw");
		all = xprintf("%s%sv%zu:%s:%s", all, i ? ":" : "", i, v->mode, at);
	}
	if (o->nvolumes)
		list_add(words, all);
}

static void add_disks(const struct options *o, struct list *words)
{
	unsigned int n = o->root_kind == ROOT_IMAGE;

	for (size_t i = 0; i < o->ndisks; i++, n++) {
		const struct disk *d = &o->disks[i];

		if (d->cow)
			list_addf(words, "ubd%u=%s,%s", n, d->cow, d->file);
		else
			list_addf(words, "ubd%u%sd=%s", n, d->ro ? "r" : "", d->file);
	}
}

static void add_network(const struct options *o, struct list *words, bool launched)
{
	switch (o->network) {
	case NET_NONE:
		return;
	case NET_USER:
		if (!launched)
			return;		/* nobody there to start passt */
		list_addf(words, "vec0:transport=stream,fd=%d,mtu=65520", NET_FD_IN_GUEST);
		list_add(words, "ip=dhcp");
		list_addf(words, "UML_NET=%s", host_resolver() == RESOLVER_LOOPBACK ?
			  RESOLVER_ADDRESS : "dhcp");
		break;
	case NET_TAP:
		list_addf(words, "vec0:transport=tap,ifname=%s", o->tap);
		break;
	case NET_FD:
		list_addf(words, "vec0:transport=%s,fd=%d", o->net_stream ? "stream" : "fd",
			  launched ? NET_FD_IN_GUEST : o->net_fd);
		break;
	}
}

/* What the agent would be told over the channel. */
static void add_command(const struct options *o, struct list *words)
{
	const struct command *c = &o->command;
	char *cwd = c->cwd ? encode(c->cwd) : NULL;

	if (o->initrd)
		return;		/* there is none: /init of that decides */
	if (c->user)
		list_addf(words, "UML_USER=%s", encode(c->user));
	else
		list_addf(words, "UML_USER=%u%%3A%u", c->uid, c->gid);
	if (cwd)
		list_addf(words, "UML_CWD=%s", cwd);
	free(cwd);
	if (c->umask != 022)
		list_addf(words, "UML_UMASK=%03o", c->umask);
	if (!c->argv)
		return;
	list_add(words, "--");
	for (char **w = c->argv; *w; w++)
		list_add(words, *w);
}

/**
 * kernel_line() - the words of the kernel's command line, its name first
 * @launched: there is a channel to the agent, and the console is ours
 */
void kernel_line(const struct options *o, struct list *words, bool launched)
{
	list_add(words, find_kernel(o));
	list_addf(words, "mem=%s", o->memory);
	if (o->verbose)
		list_add(words, "console=tty0");
	else
		list_add(words, "quiet");
	add_root(o, words, launched);
	add_volumes(o, words);
	add_disks(o, words);
	add_network(o, words, launched);
	if (launched)
		list_addf(words, "chan0=fd:%d", CHAN_FD);
	for (size_t i = 0; i < o->append.n; i++)
		list_add(words, o->append.v[i]);
	if (!launched)
		add_command(o, words);
}

/* A word as a shell reads it back. */
static void print_word(const char *word)
{
	bool plain = *word;

	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_./=:,+@%-", *p))
			plain = false;
	if (plain) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

/* For --dry-run: a line that a shell runs to the same effect. */
void print_line(const struct options *o)
{
	struct list words = { }, missing = { };

	launcher_part(o, &missing);
	for (size_t i = 0; i < missing.n && !o->quiet; i++)
		note("the line is without %s: that is uml run's own work", missing.v[i]);
	kernel_line(o, &words, false);
	for (size_t i = 0; i < words.n; i++) {
		if (i)
			putchar(' ');
		print_word(words.v[i]);
	}
	putchar('\n');
	if (fflush(stdout))
		die("cannot write the line: %s", strerror(errno));
}

/* The kernel of run_plain(), and the last signal that was passed on to it. */
static volatile pid_t plain_pid;
static volatile sig_atomic_t passed_on;

static void pass_on(int sig)
{
	passed_on = sig;
	kill(plain_pid, sig);
}

/*
 * A kernel that has the terminal restores it when a signal ends it: it is the one
 * to get those that are for us. What was ignored stays so.
 */
static void pass_signals_on(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction old, act = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
}

/*
 * Without an agent: the guest has our own standard files as its console, and
 * its status is ours, but for those that say that it failed.
 */
void run_plain(const struct options *o)
{
	struct list words = { };
	pid_t parent = getpid(), pid;
	sigset_t all, mask;
	int status;

	/* What we were started with is not the guest's, nor gdb's, but a network. */
	close_on_exec(3);
	if (o->network == NET_FD && o->net_fd > 2)
		fcntl(o->net_fd, F_SETFD, 0);
	if (o->gdb) {
		char *real = realpath(find_kernel(o), NULL);

		list_add(&words, "gdb");
		list_add(&words, "-q");
		/* What `make linux` puts beside the kernel; gdb asks whether to trust it. */
		list_add(&words, "-iex");
		list_addf(&words, "add-auto-load-safe-path %s-gdb.py", real ?: "");
		free(real);
		list_add(&words, "-ex");
		list_add(&words, "handle SIGSEGV nostop noprint pass");
		list_add(&words, "--args");
		kernel_line(o, &words, false);
		execvp(words.v[0], words.v);
		die("cannot run gdb: %s", errno == ENOENT ?
		    "it is not installed (the package gdb)" : strerror(errno));
	}
	kernel_line(o, &words, false);
	term_guard(isatty(0) ? 0 : 1);
	/* None of them before there is somebody to pass it on to. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &mask, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_OURS);
		execv(words.v[0], words.v);
		die("cannot run %s: %s", words.v[0], exec_error(errno));
	}
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	plain_pid = pid;
	pass_signals_on();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* One that has no console yet ends as any program does. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == passed_on)
		exit(128 + passed_on);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		die("the guest's kernel failed: signal %d (%s) ended %s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)), words.v[0]);
	if (WIFSIGNALED(status))
		exit(128 + SIGKILL);
	/* A wrong option and a panic, as the kernel says them. */
	exit(WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 134 ?
	     EXIT_OURS : WEXITSTATUS(status));
}
