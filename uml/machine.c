// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's processes: the kernel with its channel and its console, and
 * passt for the network. The kernel leads a session and a group of its own, so
 * that keys of our terminal do not reach it and all of the guest can be
 * stopped and killed at once. Each ends when we do, however that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"
#include "term.h"

/**
 * struct child - a program to start
 * @fds:	descriptors it gets: fds[i] as number i; -1 for none
 */
struct child {
	char **argv;
	int fds[8];
	unsigned int nfds;
};

#define HIGH	20	/* descriptors from here on are in nobody's place */

/*
 * In the child: descriptors in their places, signals as they are by default.
 * False when it may not have as many descriptors as that takes.
 */
static bool arrange(const struct child *c)
{
	int high[8];
	sigset_t none;

	for (unsigned int i = 0; i < c->nfds; i++) {
		high[i] = c->fds[i] < 0 ? -1 : fcntl(c->fds[i], F_DUPFD_CLOEXEC, HIGH);
		if (high[i] < 0 && c->fds[i] >= 0)
			return false;
	}
	for (unsigned int i = 0; i < c->nfds; i++) {
		if (high[i] >= 0)
			dup2(high[i], i);
		else
			close(i);	/* what we were started with is not the guest's */
	}
	close_on_exec(c->nfds);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return true;
}

static __noreturn void few_descriptors(const char *program)
{
	struct rlimit limit = { };

	getrlimit(RLIMIT_NOFILE, &limit);
	die("cannot start %s: a process may have %llu open files, which is too few: raise ulimit -n, to 64 at least",
	    program, (unsigned long long)limit.rlim_cur);
}

/* Start a program that dies with us. Returns its pid; ends with a line. */
static pid_t start(const struct child *c)
{
	pid_t parent = getpid(), pid;
	int error[2], high, err;

	if (pipe2(error, O_CLOEXEC) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_OURS);
		setsid();
		high = fcntl(error[1], F_DUPFD_CLOEXEC, HIGH);
		if (high >= 0)
			error[1] = high;
		if (high < 0 || !arrange(c)) {
			err = EMFILE;
			if (write(error[1], &err, sizeof(err)) < 0)
				_exit(EXIT_OURS);
			_exit(EXIT_OURS);
		}
		/* Not even by a path may execvp(3): it has a shell run a file of another kind. */
		if (strchr(c->argv[0], '/'))
			execv(c->argv[0], c->argv);
		else
			execvp(c->argv[0], c->argv);
		err = errno;
		if (write(error[1], &err, sizeof(err)) < 0)
			_exit(EXIT_OURS);
		_exit(EXIT_OURS);
	}
	close(error[1]);
	if (read(error[0], &err, sizeof(err)) == sizeof(err)) {
		waitpid(pid, NULL, 0);
		if (err == EMFILE)
			few_descriptors(c->argv[0]);
		if (!strcmp(c->argv[0], "passt") && err == ENOENT)
			die("--network user needs passt: install the package passt");
		die("cannot run %s: %s", c->argv[0], exec_error(err));
	}
	close(error[0]);
	return pid;
}

static void pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("cannot make a socket: %s", strerror(errno));
}

static int start_passt(struct machine *m, const struct options *o)
{
	struct list words = { };
	struct child c = { .fds = { -1, -1, -1 }, .nfds = 4 };
	const char *ports = "";
	int ends[2], errors[2], null;

	cable(ends);
	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	list_add(&words, "passt");
	list_add(&words, "--foreground");
	list_add(&words, "--quiet");
	/* The gateway's address must not be a way to the host's loopback. */
	list_add(&words, "--no-map-gw");
	list_add(&words, "--fd");
	list_add(&words, "3");
	if (host_resolver() == RESOLVER_LOOPBACK) {
		list_add(&words, "--dns-forward");
		list_add(&words, RESOLVER_ADDRESS);
	} else if (host_resolver() == RESOLVER_NONE && !o->quiet) {
		note("the guest has no DNS: /etc/resolv.conf names no server by an IPv4 address; "
		     "add a line 'nameserver ADDRESS' there, or in the guest");
	}
	for (size_t i = 0; i < o->publish.n; i++)
		ports = xprintf("%s%s%s", ports, i ? "," : "", o->publish.v[i]);
	if (o->publish.n) {
		list_add(&words, "--tcp-ports");
		list_add(&words, ports);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	c.argv = words.v;
	c.fds[0] = null;
	c.fds[1] = null;
	c.fds[2] = errors[1];
	c.fds[3] = ends[1];
	m->passt = start(&c);
	m->passt_errors = errors[0];
	close(errors[1]);
	close(ends[1]);
	close(null);
	return ends[0];
}

/*
 * What passt says although nothing is wrong: as root, without a syslog, on a
 * host that has one of IPv4 and IPv6. Without both it ends, and says so. What
 * is with name servers start_passt() knows better.
 */
static bool is_noise(const char *line)
{
	static const char *const noise[] = {
		"Don't run as root.", "No external routable interface for IPv",
		"No routable interface for IPv", "Couldn't get any nameserver address",
	};

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (!strncmp(line, noise[i], strlen(noise[i])))
			return true;
	return !strncmp(line, "Failed to send ", 15) && strstr(line, " bytes to syslog");
}

static void passt_line(struct machine *m, const struct options *o, char *line)
{
	if (!*line || (is_noise(line) && !o->verbose))
		return;
	if (o->quiet)
		snprintf(m->passt_last, sizeof(m->passt_last), ": %s", line);
	else
		note("passt: %s", line);
}

/**
 * machine_read_passt() - hand on the lines that passt has written to its stderr
 *
 * With --quiet the last one is kept in @passt_last, for when passt ends.
 */
void machine_read_passt(struct machine *m, const struct options *o)
{
	char buf[512], clean[2];
	ssize_t n;

	while (m->passt_errors >= 0 && (n = read(m->passt_errors, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		for (ssize_t i = 0; i < n; i++) {
			bool full = m->passt_len == sizeof(m->passt_text) - 1;

			if (buf[i] == '\n' || full) {
				m->passt_text[m->passt_len] = 0;
				m->passt_len = 0;
				passt_line(m, o, m->passt_text);
			}
			if (buf[i] != '\n' && clean_text(clean, &buf[i], 1) == 1)
				m->passt_text[m->passt_len++] = clean[0];
		}
	}
	if (m->passt_errors < 0)
		return;
	close(m->passt_errors);
	m->passt_errors = -1;
	m->passt_text[m->passt_len] = 0;
	passt_line(m, o, m->passt_text);	/* one without an end */
}

/*
 * A file without a name that takes what is written to an image, and ends with
 * the guest. It is sparse, and large only where the guest writes.
 */
static int open_cow(void)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char *path;
		int fd;

		if (!dirs[i] || !*dirs[i])
			continue;
		fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		path = xprintf("%s/uml.XXXXXX", dirs[i]);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
		free(path);
		if (fd >= 0)
			return fd;
	}
	die("no place for what the guest writes to its root: /var/tmp and /tmp cannot be written: %s",
	    strerror(errno));
}

/**
 * machine_start() - start the guest's kernel, and its network
 */
void machine_start(struct machine *m, const struct options *o)
{
	struct list words = { };
	struct child c = { .nfds = 6 };
	int chan[2], out, net = -1, cow = -1;

	m->passt_errors = -1;
	kernel_line(o, &words, true);
	pair(chan);
	m->console = term_pair(&out);
	if (m->console < 0) {
		int ends[2];

		/* No pseudo-terminals here: output alone. */
		if (pipe2(ends, O_CLOEXEC) < 0)
			die("cannot make a pipe: %s", strerror(errno));
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		m->console = ends[0];
		out = ends[1];
	}
	if (o->network == NET_USER)
		net = start_passt(m, o);
	else if (o->network == NET_FD)
		net = o->net_fd;
	if (o->root_cow)
		cow = open_cow();
	c.argv = words.v;
	c.fds[0] = out;
	c.fds[1] = out;
	c.fds[2] = out;
	c.fds[CHAN_FD] = chan[1];
	c.fds[NET_FD_IN_GUEST] = net;
	c.fds[COW_FD] = cow;
	m->pid = start(&c);
	close(out);
	close(chan[1]);
	if (net >= 0)
		close(net);
	if (cow >= 0)
		close(cow);
	peer_init(&m->chan, chan[0]);
}

static void log_add(struct machine *m, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		m->log[m->log_len++ % LOG_SIZE] = text[i];
}

/* Read what the console says now: up to CONSOLE_READ bytes, none when it is silent. */
void machine_read_console(struct machine *m, const char **text, size_t *len)
{
	static char buf[CONSOLE_READ];
	ssize_t n;

	*len = 0;
	if (m->console < 0)
		return;
	n = read(m->console, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(m->console);
		m->console = -1;
		return;
	}
	log_add(m, buf, n);
	*text = buf;
	*len = n;
}

/* The last @lines lines that the console said, to stderr. */
void machine_show_log(const struct machine *m, unsigned int lines)
{
	unsigned long long end = m->log_len, at = end;
	unsigned long long first = end > LOG_SIZE ? end - LOG_SIZE : 0;
	size_t len = 0;
	char *text;

	while (at > first) {
		if (m->log[(at - 1) % LOG_SIZE] == '\n' && at != end && !lines--)
			break;
		at--;
	}
	text = xrealloc(NULL, end - at);
	while (at < end)
		text[len++] = m->log[at++ % LOG_SIZE];
	print_clean(2, text, len);
	free(text);
}

/* Has the console said @text, of late? */
bool machine_has_said(const struct machine *m, const char *text)
{
	unsigned long long at = m->log_len > LOG_SIZE ? m->log_len - LOG_SIZE : 0;
	size_t len = strlen(text);

	for (; at + len <= m->log_len; at++) {
		size_t n = 0;

		while (n < len && m->log[(at + n) % LOG_SIZE] == text[n])
			n++;
		if (n == len)
			return true;
	}
	return false;
}

/* See who has ended. */
void machine_reap(struct machine *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->pid) {
			m->pid = 0;
			m->status = status;
		} else if (pid == m->passt) {
			m->passt = 0;
			m->passt_ended = true;
		}
	}
}

/* End the guest at once. */
void machine_kill(struct machine *m)
{
	if (m->pid) {
		kill(-m->pid, SIGKILL);
		kill(m->pid, SIGKILL);
		while (waitpid(m->pid, &m->status, 0) < 0 && errno == EINTR)
			;
		m->pid = 0;
	}
	if (m->passt) {
		kill(m->passt, SIGTERM);
		while (waitpid(m->passt, NULL, 0) < 0 && errno == EINTR)
			;
		m->passt = 0;
	}
}
