// SPDX-License-Identifier: GPL-2.0
/*
 * main() of every guest test program.
 *
 * Without arguments all cases run; with arguments, those named; "-l" lists
 * them. Each case runs in a child with its own process group and its output
 * in a pipe; the parent waits with the case's time limit, kills the group,
 * and prints one line that begins with "@@ ", which is how the host finds
 * the verdicts between whatever else the console carries.
 *
 * A program that tests exec runs itself again: argv[1] "exec:NAME" calls the
 * function exec_NAME that it registered with exec_register().
 */
#include "test.h"
#include "exec.h"
#include <libgen.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/prctl.h>

#define MAX_CASES 64
#define SKIPPED 77

static struct {
	const char *name;
	void (*run)(void);
	int seconds;
} cases[MAX_CASES];
static int nr_cases;

static struct {
	const char *name;
	int (*run)(int argc, char **argv);
} execs[MAX_CASES];
static int nr_execs;

void test_register(const char *name, void (*run)(void), int seconds)
{
	if (nr_cases == MAX_CASES)
		abort();
	cases[nr_cases].name = name;
	cases[nr_cases].run = run;
	cases[nr_cases++].seconds = seconds;
}

void exec_register(const char *name, int (*run)(int argc, char **argv))
{
	if (nr_execs == MAX_CASES)
		abort();
	execs[nr_execs].name = name;
	execs[nr_execs++].run = run;
}

bool in_guest(void)
{
	return getenv("TEST_IN_GUEST");
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

ssize_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (got < size - 1 && (n = read(fd, buf + got, size - 1 - got)) > 0)
		got += n;
	buf[got] = 0;
	close(fd);
	return got;
}

int spew(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

void on_signal(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | flags };

	sa.sa_sigaction = handler;
	OK(sigaction(sig, &sa, NULL));
}

/* For a child that is to be killed: the case's end does it at the latest. */
void pause_forever(void)
{
	for (;;)
		pause();
}

/* One line, in one write: several processes may talk at once. */
static void say(const char *prefix, const char *fmt, va_list ap)
{
	char line[900];
	int n = snprintf(line, sizeof(line), "%s", prefix);

	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) < 0)
		_exit(2);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("# ", fmt, ap);
	va_end(ap);
}

static void quote(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[800];
	const char *base = strrchr(file, '/');
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	quote("%s:%d: %s", base ? base + 1 : file, line, text);
	_exit(1);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("skip: ", fmt, ap);
	va_end(ap);
	_exit(SKIPPED);
}

int wait_status(pid_t pid, int seconds)
{
	int64_t end = now_ns() + seconds * 1000000000LL;
	int pause_us = 50;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG | __WALL);

		if (got == pid)
			return status;
		if (got < 0)
			test_fail(__FILE__, __LINE__, "wait for %d: %s", pid, strerror(errno));
		if (now_ns() > end)
			break;
		usleep(pause_us);
		if (pause_us < 10000)
			pause_us *= 2;
	}
	kill(pid, SIGKILL);
	test_fail(__FILE__, __LINE__, "child %d did not end in %d s", pid, seconds);
}

/* Reads the case's output until it is dead or its time is up. */
static int attend(pid_t pid, int fd, int seconds, char *out, size_t size)
{
	int64_t end = now_ns() + seconds * 1000000000LL;
	int pause_us = 50;
	size_t got = 0;
	int status = -1;

	for (;;) {
		bool dead = waitpid(pid, &status, WNOHANG) == pid;
		char waste[256];
		ssize_t n;

		do {
			bool full = got == size - 1;

			n = read(fd, full ? waste : out + got,
				 full ? sizeof(waste) : size - 1 - got);
			if (n > 0 && !full)
				got += n;
		} while (n > 0);
		out[got] = 0;
		if (dead)
			break;
		if (now_ns() > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			status = -1;
			break;
		}
		usleep(pause_us);
		if (pause_us < 5000)
			pause_us *= 2;
	}
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return status;
}

static bool run_case(const char *prog, int i)
{
	static char out[32768];
	char why[1000] = "";
	int64_t start = now_ns();
	int fds[2];
	int status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		perror("pipe2");
		return false;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return false;
	}
	if (!pid) {
		setpgid(0, 0);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		cases[i].run();
		_exit(0);
	}
	setpgid(pid, pid);
	close(fds[1]);
	status = attend(pid, fds[0], cases[i].seconds, out, sizeof(out));
	close(fds[0]);

	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
		if (line[0] == '#') {
			printf("@@ # %s:%s %s\n", prog, cases[i].name, line + 2);
		} else if (!strncmp(line, "skip: ", 6)) {
			snprintf(why, sizeof(why), "%s", line + 6);
		} else {
			size_t n = strlen(why);

			snprintf(why + n, sizeof(why) - n, "%s%s", n ? "; " : "", line);
		}
	}
	if (status == -1)
		printf("@@ not ok %s:%s - not done in %d s; %s\n", prog, cases[i].name,
		       cases[i].seconds, why);
	else if (WIFSIGNALED(status))
		printf("@@ not ok %s:%s - died of signal %d; %s\n", prog, cases[i].name,
		       WTERMSIG(status), why);
	else if (WEXITSTATUS(status) == SKIPPED)
		printf("@@ skip %s:%s - %s\n", prog, cases[i].name, why);
	else if (WEXITSTATUS(status))
		printf("@@ not ok %s:%s - %s\n", prog, cases[i].name, why);
	else
		printf("@@ ok %s:%s (%lld ms)\n", prog, cases[i].name,
		       (long long)(now_ns() - start) / 1000000);
	fflush(stdout);
	return status == 0 || (status > 0 && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED);
}

int main(int argc, char **argv)
{
	char *prog = basename(argv[0]);
	int bad = 0;

	if (argc > 1 && !strncmp(argv[1], "exec:", 5)) {
		for (int i = 0; i < nr_execs; i++)
			if (!strcmp(execs[i].name, argv[1] + 5))
				return execs[i].run(argc - 2, argv + 2);
		return 126;
	}
	/* Orphans of a case are ours to reap, and so cannot pile up. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < nr_cases; i++) {
		bool wanted = argc < 2;

		if (argc == 2 && !strcmp(argv[1], "-l")) {
			printf("%s:%s\n", prog, cases[i].name);
			continue;
		}
		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], cases[i].name);
		if (wanted && !run_case(prog, i))
			bad = 1;
	}
	return bad;
}
