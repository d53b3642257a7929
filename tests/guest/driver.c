// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of the guest tests: /init of the archive that tests/guest/run
 * boots, and on the host an ordinary program.
 *
 *   driver SECONDS DIR [PROGRAM[:CASE]...]
 *
 * Executes every program in DIR, by name, with a time limit over the whole
 * program (each case has its own, see lib.c), and says what became of it.
 * Named programs and cases run alone. The last line is "@@ done".
 *
 * As process 1 it mounts what a booted system has, takes 160 (900 when LONG is
 * in the environment, which the kernel's command line gives) and /tests for
 * the first two arguments, and ends by a reboot that names the exit status.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *type, *dir, *data;
} mounts[] = {
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "devtmpfs", "/dev", NULL },
	{ "devpts", "/dev/pts", "ptmxmode=666" },
	{ "tmpfs", "/dev/shm", "mode=1777" },
	{ "mqueue", "/dev/mqueue", NULL },
	{ "cgroup2", "/sys/fs/cgroup", NULL },
	{ "tmpfs", "/tmp", "mode=1777" },
};

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* What an init does; what fails is said and left to the tests to stumble on. */
static void set_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, mounts[i].data) &&
		    errno != EBUSY)
			printf("driver: mount %s: %s\n", mounts[i].dir, strerror(errno));
	}
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		printf("driver: lo: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
	chdir("/");
	setenv("TEST_IN_GUEST", "1", 1);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
}

static bool run(const char *dir, const char *name, char **argv, int seconds)
{
	char path[512];
	time_t end = now() + seconds;
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	argv[0] = path;
	pid = fork();
	if (pid < 0) {
		printf("@@ not ok %s - driver cannot fork: %s\n", name, strerror(errno));
		return false;
	}
	if (!pid) {
		setsid();
		execv(path, argv);
		perror(path);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (now() > end) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			printf("@@ not ok %s - program not done in %d s\n", name, seconds);
			return false;
		}
		usleep(5000);
	}
	if (WIFSIGNALED(status))
		printf("@@ not ok %s - program died of signal %d\n", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) > 1)
		printf("@@ not ok %s - program ended with %d\n", name, WEXITSTATUS(status));
	return !status;
}

/*
 * Collects the cases of @name that were asked for in @argv; all when nothing,
 * or the whole program, was asked for. Other arguments (the kernel gives its
 * init the words that it does not know) name no program and do nothing.
 */
static bool pick(const char *name, char **wanted, int nr, char **argv)
{
	size_t len = strlen(name);
	bool whole = false;
	int n = 1;

	for (int i = 0; i < nr; i++) {
		if (strncmp(wanted[i], name, len))
			continue;
		if (!wanted[i][len])
			whole = true;
		else if (wanted[i][len] == ':')
			argv[n++] = wanted[i] + len + 1;
	}
	argv[whole ? 1 : n] = NULL;
	return whole || n > 1;
}

static void power_off(int status)
{
	char how[16];

	snprintf(how, sizeof(how), "exit=%d", status);
	fflush(NULL);
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_RESTART2, how);
	perror("reboot");
}

int main(int argc, char **argv)
{
	bool first = getpid() == 1;
	const char *dir = first ? "/tests" : argc > 2 ? argv[2] : NULL;
	int seconds = first ? (getenv("LONG") ? 900 : 160) : argc > 2 ? atoi(argv[1]) : 0;
	struct rlimit nofile = { 4096, 4096 };
	int skip = first ? 1 : 3;
	struct dirent **list;
	bool named = false;
	int n, bad = 0;

	if (first)
		set_up();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!dir) {
		fprintf(stderr, "usage: %s SECONDS DIR [PROGRAM[:CASE]...]\n", argv[0]);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &nofile);
	n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		perror(dir);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			char *args[argc + 2];
			bool asked = pick(list[i]->d_name, argv + skip, argc - skip, args);

			if (list[i]->d_name[0] == '.')
				continue;
			if (pass == 0)
				named |= asked;
			else if (!named || asked)
				bad |= !run(dir, list[i]->d_name, args, seconds);
			fflush(stdout);
		}
	}
	printf("@@ done\n");
	if (first)
		power_off(n < 0 ? 2 : bad);
	return n < 0 ? 2 : bad;
}
