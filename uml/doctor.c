// SPDX-License-Identifier: GPL-2.0
/*
 * uml doctor: what this host allows, found out by doing it. Guests are started
 * to see which transport they run on and what a system call costs there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "machine.h"

#define GUEST_MS	20000	/* a guest that takes longer is none */
#define CALLS		20000	/* of read and write each, in the guest */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

static void say(const char *mark, const char *what, const char *fmt, ...) __printf(3, 4);

static void say(const char *mark, const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("%-5s%-22s", mark, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* Run @probe in a child; did it return 0? */
static bool in_child(int (*probe)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(probe());
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static int probe_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? 1 : 0;
}

static int probe_ptrace(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return 1;
	kill(pid, SIGKILL);
	return 0;
}

static long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static bool in_path(const char *name)
{
	static const char more[] = ":/usr/sbin:/sbin";
	char *path = xprintf("%s%s", getenv("PATH") ? getenv("PATH") : "", more), *rest = path, *dir;
	bool found = false;

	while (!found && (dir = strsep(&rest, ":"))) {
		char *file = xprintf("%s/%s", dir, name);

		found = !access(file, X_OK);
		free(file);
	}
	free(path);
	return found;
}

/* Run the kernel with up to two options; its output in @out. -1: too slow or killed. */
static int run_guest(const char *kernel, const char *option, const char *second,
		     const char *script, char *out, size_t size)
{
	struct list argv = { };
	long long end = now_ms() + GUEST_MS;
	int ends[2], status = -1, null;
	size_t len = 0;
	ssize_t n = 1;
	pid_t pid;

	list_add(&argv, kernel);
	list_add(&argv, "quiet");
	list_add(&argv, "mem=64M");
	if (option)
		list_add(&argv, option);
	if (second)
		list_add(&argv, second);
	list_add(&argv, "--");
	list_add(&argv, "sh");
	list_add(&argv, "-c");
	list_add(&argv, script);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		dup2(null, 0);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(kernel, argv.v);
		_exit(EXIT_NOT_EXECUTABLE);
	}
	close(ends[1]);
	close(null);
	while (n > 0 && len < size - 1 && now_ms() < end) {
		struct pollfd p = { .fd = ends[0], .events = POLLIN };

		if (poll(&p, 1, end - now_ms()) <= 0)
			break;
		n = read(ends[0], out + len, size - 1 - len);
		len += n > 0 ? n : 0;
	}
	out[len] = 0;
	if (n > 0)
		kill(-pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, &status, 0);
	close(ends[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static double host_call_us(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / 1e3 / CALLS;
}

/* A guest over one transport: does it run, how fast? */
static bool try_transport(const char *kernel, const char *option, const char *what, char *name)
{
	static const char script[] =
		"grep ^transport /proc/cpuinfo; time dd if=/dev/zero of=/dev/null bs=1 count=20000";
	char out[4096], *p;
	long long start;
	double seconds;
	int minutes;

	start = now_ms();
	if (run_guest(kernel, option, NULL, "true", out, sizeof(out))) {
		out[strcspn(out, "\n")] = 0;
		say("NO", what, "%s", *out ? out : "the guest does not start");
		return false;
	}
	start = now_ms() - start;
	if (run_guest(kernel, option, NULL, script, out, sizeof(out)))
		return false;
	p = strstr(out, "transport");
	p = p ? strchr(p, ':') : NULL;
	if (p && name)
		snprintf(name, 32, "%.*s", (int)strcspn(p + 2, "\r\n"), p + 2);
	/* busybox: "real<tab>0m 0.04s" */
	p = strstr(out, "real\t");
	if (!p || sscanf(p, "real %dm %lf", &minutes, &seconds) != 2) {
		say("NO", what, "the guest's clock cannot be read");
		return false;
	}
	seconds += 60 * minutes;
	say("ok", what, "start to end %lld ms; a system call %.1f us, on the host %.1f us", start,
	    seconds * 1e6 / (2 * CALLS), host_call_us());
	return true;
}

/* A guest is asked for io_uring: it has it, or says why not. */
static void check_disks(const char *kernel)
{
	int fd = memfd_create("uml-doctor-disk", 0);
	long off = read_number("/proc/sys/kernel/io_uring_disabled");
	char out[4096], *why, *end, *disk;

	if (fd < 0 || ftruncate(fd, 1 << 20))
		return;		/* there are no guests then */
	disk = xprintf("ubd0=fd:%d", fd);
	if (run_guest(kernel, "ubd=uring", disk, "cat /sys/block/ubda/transport", out,
		      sizeof(out)))
		say("NO", "disks", "a guest with a disk does not start");
	else if (!strcmp(out, "uring\n"))
		say("ok", "disks", "uring: the host's io_uring, but for large copies, which threads do");
	else {
		why = strstr(out, "ubd=uring: ");
		why = why ? why + strlen("ubd=uring: ") : xstrdup("the guest does not say why");
		why[strcspn(why, "\n")] = 0;
		end = strstr(why, ": threads");
		if (end)
			*end = 0;
		say("no", "disks", "threads: %s%s", why,
		    off > 0 ? " (kernel.io_uring_disabled is set)" : "");
	}
	free(disk);
	close(fd);
}

static void check_guests(const char *kernel, bool *runs)
{
	char transport[32] = "", version[256];
	FILE *f;

	setenv("KERNEL", kernel, 1);
	f = popen("\"$KERNEL\" --version 2>&1", "re");
	if (!f || !fgets(version, sizeof(version), f))
		snprintf(version, sizeof(version), "says no version");
	if (f)
		pclose(f);
	version[strcspn(version, "\n")] = 0;
	say("ok", "kernel", "%s: %s", kernel, version);
	*runs = try_transport(kernel, NULL, "guests", transport);
	if (*runs)
		say("ok", "transport", "%s: %s", transport, !strcmp(transport, "seccomp") ?
		    "the host allows filters, and this is the faster one" :
		    "seccomp cannot be used here, see below; this one is slower");
	if (!*runs || strcmp(transport, "ptrace"))
		try_transport(kernel, "skas0=ptrace", "guests over ptrace", NULL);
	if (*runs)
		check_disks(kernel);
}

static void check_host(void)
{
	unsigned int trap = SECCOMP_RET_TRAP;
	cpu_set_t cpus;
	struct rlimit r;
	int abi, fd;

	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		say("ok", "processors", "%d%s", CPU_COUNT(&cpus), CPU_COUNT(&cpus) > 1 ? "" :
		    "; with two, system calls are handed over without a switch");
	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap))
		say("ok", "seccomp filters", "%s", prctl(PR_GET_SECCOMP) ?
		    "there; this process is under one already" : "there");
	else
		say("NO", "seccomp filters", "%s: an old kernel, or a sandbox that refuses them",
		    strerror(errno));
	if (in_child(probe_ptrace))
		say("ok", "ptrace", "of one's own children (yama.ptrace_scope %ld)",
		    read_number("/proc/sys/kernel/yama/ptrace_scope"));
	else
		say("no", "ptrace", "refused: yama.ptrace_scope is 3, or a sandbox");
	fd = memfd_create("uml-doctor", MFD_CLOEXEC);
	if (fd >= 0)
		say("ok", "memfd", "guest memory needs no tmpfs");
	else
		say("NO", "memfd", "%s: guests have no memory without it", strerror(errno));
	close(fd);
	if (!getrlimit(RLIMIT_NPROC, &r) && r.rlim_cur != RLIM_INFINITY && r.rlim_cur < 200)
		say("NO", "process limit", "%lu: each guest program needs one (ulimit -u)",
		    (unsigned long)r.rlim_cur);
	say("ok", "max_map_count", "%ld", read_number("/proc/sys/vm/max_map_count"));
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	if (abi >= 6)
		say("ok", "landlock",
		    "version %d: a guest's kernel opens, removes and signals nothing else of yours",
		    abi);
	else if (abi > 0)
		say("ok", "landlock",
		    "version %d: a guest's kernel opens and removes nothing else of yours; version 6 (Linux 6.12) keeps signals in, too",
		    abi);
	else
		say("no", "landlock", "not in this kernel; guests run without that second fence");
	if (in_child(probe_namespace))
		say("ok", "user namespaces", "uml image build works without root");
	else
		say("no", "user namespaces", "refused (needed by uml image build without root only)");
	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	say(fd >= 0 ? "ok" : "no", "pseudo-terminals", "%s", fd >= 0 ? "there" :
	    "none: uml console can show, not type");
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		say("ok", "/dev/net/tun", "--network tap=IF can open it; IF must be made yours");
	else
		say("no", "/dev/net/tun", "%s (for --network tap=IF only)", strerror(errno));
	close(fd);
}

static void check_tool(const char *name, const char *package, const char *use)
{
	if (in_path(name))
		say("ok", name, "there, for %s", use);
	else
		say("no", name, "not there, for %s: apt-get install %s", use, package);
}

int cmd_doctor(int argc, char **argv)
{
	struct options o = { };
	bool runs;

	if (argc == 3 && !strcmp(argv[1], "--kernel"))
		o.kernel = argv[2];
	else if (argc != 1)
		die("usage: uml doctor [--kernel FILE]");
	check_guests(find_kernel(&o), &runs);
	check_host();
	check_tool("passt", "passt", "--network user");
	check_tool("mmdebstrap", "mmdebstrap", "uml image build");
	check_tool("mke2fs", "e2fsprogs", "uml image build");
	check_tool("gdb", "gdb", "uml run --gdb");
	return fflush(stdout) || !runs ? EXIT_OURS : 0;
}
