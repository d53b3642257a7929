// SPDX-License-Identifier: GPL-2.0
/*
 * driver.c - runs kselftests; in a guest it is PID 1, on the host a child.
 *
 *	driver PLAN
 *
 * PLAN has a line a test: NAME, SECONDS, the directory it runs in, the program
 * and its arguments, all split at blanks.  Every test gets a session of its
 * own and a time limit; after it, all that it left running is killed.  The
 * words of the tests are copied to standard output; lines of ours start with
 * "@@" and are what tests/kselftest/run reads:
 *
 *	@@ start NAME
 *	@@ end NAME exit N | signal N | timeout | lost MESSAGE
 *	@@ done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS	32

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void mount_at(const char *type, const char *dir, const char *options)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, options) && errno != EBUSY)
		printf("@@ note mount %s: %s\n", dir, strerror(errno));
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("@@ note %s: %s\n", path, strerror(errno));
	close(fd);
}

static void guest_setup(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, s;

	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	mount_at("devpts", "/dev/pts", "ptmxmode=0666");
	mount_at("tmpfs", "/dev/shm", NULL);
	mount_at("mqueue", "/dev/mqueue", NULL);
	mount_at("tmpfs", "/tmp", NULL);
	mount_at("cgroup2", "/sys/fs/cgroup", NULL);
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
	symlink("/proc/self/fd", "/dev/fd");
	/* pidfd_test forks until the numbers of processes wrap around. */
	write_file("/proc/sys/kernel/pid_max", "4096");
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/tmp", 1);
	sethostname("guest", 5);
}

/*
 * Copy what the test prints until it ends, at most that long. Its output is a
 * pipe, as under any test harness; processes that it left behind may hold
 * the other end, so the end of the test counts, not the end of the pipe.
 * Returns 0 with the status, or -1 when it still runs.
 */
static int watch(pid_t pid, int out, int *status, double seconds)
{
	double end = now() + seconds;
	char buf[4096];
	int ended = 0;

	for (;;) {
		struct pollfd fd = { .fd = out, .events = POLLIN };
		ssize_t len = 0;

		if (poll(&fd, 1, ended ? 0 : 5) > 0)
			len = read(out, buf, sizeof(buf));
		if (len > 0) {
			fwrite(buf, 1, len, stdout);
			if (now() < end)
				continue;
		}
		if (ended)
			return 0;
		if (waitpid(pid, status, WNOHANG) == pid)
			ended = 1;
		else if (now() >= end)
			return -1;
		else if (fd.revents & POLLHUP)
			usleep(2000);
	}
}

static void kill_rest(pid_t pid)
{
	int i;

	if (getpid() == 1)
		kill(-1, SIGKILL);
	else
		kill(-pid, SIGKILL);
	/* Orphans come to PID 1: reap them, but never wait for a stuck one. */
	for (i = 0; i < 500; i++) {
		pid_t got = waitpid(-1, NULL, WNOHANG);

		if (got < 0)
			break;
		if (!got)
			usleep(2000);
	}
}

static void run_test(const char *name, double limit, const char *dir, char **argv)
{
	int status, in[2], out[2];
	pid_t pid;

	printf("\n@@ start %s\n", name);
	fflush(stdout);
	/* Its standard input is a pipe at its end: neither a file nor a terminal. */
	if (pipe(in) || pipe(out)) {
		printf("@@ end %s lost pipe: %s\n", name, strerror(errno));
		return;
	}
	pid = fork();
	if (pid < 0) {
		printf("@@ end %s lost fork: %s\n", name, strerror(errno));
		return;
	}
	if (!pid) {
		struct rlimit core = { 0, RLIM_INFINITY };

		setsid();
		setrlimit(RLIMIT_CORE, &core);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		close_range(3, ~0U, 0);
		if (!chdir(dir))
			execv(argv[0], argv);
		printf("%s in %s: %s\n", argv[0], dir, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	close(in[0]);
	close(in[1]);
	close(out[1]);
	if (watch(pid, out[0], &status, limit))
		printf("\n@@ end %s timeout\n", name);
	else if (WIFSIGNALED(status))
		printf("\n@@ end %s signal %d\n", name, WTERMSIG(status));
	else
		printf("\n@@ end %s exit %d\n", name, WEXITSTATUS(status));
	fflush(stdout);
	close(out[0]);
	kill_rest(pid);
}

int main(int argc, char **argv)
{
	const char *plan = argc > 1 ? argv[1] : "/kselftest/plan";
	char line[4096];
	FILE *f;

	if (getpid() == 1) {
		guest_setup();
		plan = "/kselftest/plan";
	}
	f = fopen(plan, "re");
	if (!f) {
		printf("@@ note %s: %s\n", plan, strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		char *word[MAX_ARGS + 1];
		int n = 0;

		for (word[n] = strtok(line, " \t\n"); word[n] && n < MAX_ARGS;
		     word[n] = strtok(NULL, " \t\n"))
			n++;
		word[n] = NULL;
		if (n >= 4)
			run_test(word[0], atof(word[1]), word[2], word + 3);
	}
	printf("\n@@ done\n");
	fflush(stdout);
	if (getpid() == 1) {
		sync();
		reboot(RB_POWER_OFF);
	}
	return 0;
}
