// SPDX-License-Identifier: GPL-2.0
/*
 * The report of the host, in the words that users of UML know, on stderr.
 * What the engine needs is checked by the engine; what was needed once (a
 * tmpfs, the skas3 patch) is reported and never fatal.
 */
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/signal.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include <linux/ptrace.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/page.h>
#include <asm/trap.h>

#define PTRACE_FAULTINFO	52
#define PTRACE_LDT		54

/**
 * host_error() - words for an error of the host
 * @err: -errno
 */
const char *host_error(int err)
{
	static const struct {
		int err;
		const char *text;
	} table[] = {
		{ EPERM, "Operation not permitted" },
		{ ENOENT, "No such file or directory" },
		{ EIO, "Input/output error" },
		{ EBADF, "Bad file descriptor" },
		{ EAGAIN, "Resource temporarily unavailable" },
		{ ENOMEM, "Cannot allocate memory" },
		{ EACCES, "Permission denied" },
		{ EBUSY, "Device or resource busy" },
		{ EEXIST, "File exists" },
		{ ENOTDIR, "Not a directory" },
		{ EISDIR, "Is a directory" },
		{ EINVAL, "Invalid argument" },
		{ EFBIG, "File too large" },
		{ EMFILE, "Too many open files" },
		{ ENOSPC, "No space left on device" },
		{ EROFS, "Read-only file system" },
		{ ENOSYS, "Function not implemented" },
		{ ELOOP, "Too many levels of symbolic links" },
		{ ENAMETOOLONG, "File name too long" },
		{ ENXIO, "No such device or address" },
		{ EFAULT, "Bad address" },
		{ ENODEV, "No such device" },
		{ ENOTCONN, "Transport endpoint is not connected" },
		{ EPROTOTYPE, "Protocol wrong type for socket" },
		{ ECONNREFUSED, "Connection refused" },
	};

	for (int i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == -err)
			return table[i].text;
	return "error";
}

static void print(const char *fmt, va_list args)
{
	char line[256];

	host_write(2, line, vscnprintf(line, sizeof(line), fmt, args));
}

/**
 * boot_say() - a line of the report, which quiet leaves out
 */
void boot_say(const char *fmt, ...)
{
	va_list args;

	if (boot_options.quiet)
		return;
	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
}

/**
 * boot_warn() - a line that must be seen: what was asked for cannot be done
 */
void boot_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
}

/**
 * boot_die() - say why the guest cannot start, and exit with status 1
 */
void __noreturn boot_die(const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	console_restore();
	n = scnprintf(line, sizeof(line), "linux: ");
	va_start(args, fmt);
	n += vscnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);
	host_write(2, line, n);
	um_exit(EXIT_BAD_OPTION);
}

static void __init check_exec_map(int fd)
{
	int err = fd;
	void *at = (void *)PAGE_OFFSET;

	if (fd >= 0) {
		err = host_setsize(fd, PAGE_SIZE);
		if (!err)
			err = host_map_shared_new(at, PAGE_SIZE, HOST_PROT_READ | HOST_PROT_EXEC,
						  fd, 0);
		if (!err)
			host_unmap(at, PAGE_SIZE);
		host_close(fd);
	}
	if (err)
		boot_say("failed: %s (not needed: guest memory is a memfd)\n", host_error(err));
	else
		boot_say("OK\n");
}

/*
 * Does the host know a ptrace request of the skas3 patch? 1: yes, 0: no, -errno:
 * what is asked for before it was refused.
 */
static int __init probe_request(int request)
{
	unsigned long buf[16] = { 0 };
	int parent = host_getpid(), pid, status, err;

	pid = host_fork();
	if (pid < 0)
		return pid;
	if (!pid) {
		host_die_with(parent);
		err = host_ptrace_traceme();
		if (err)
			host_exit(-err);
		host_kill(host_getpid(), SIGSTOP);
		host_exit(0);
	}
	while (host_wait(pid, &status) == -EINTR)
		;
	if ((status & 0xff) != 0x7f)
		return status & 0xff00 ? -(status >> 8 & 0xff) : -ECHILD;
	err = host_ptrace_raw(request, pid, NULL, buf);
	host_kill(pid, SIGKILL);
	while (host_wait(pid, &status) == -EINTR)
		;
	if (err == -EIO || err == -EINVAL)	/* a request that nobody knows */
		return 0;
	return err < 0 ? err : 1;
}

static void __init say_found(const char *what, bool enabled, int found)
{
	if (found < 0)
		boot_say("  - %s...cannot be told: %s (not needed)\n", what, host_error(found));
	else
		boot_say("  - %s...%s\n", what, !found ? "not found" :
			 enabled ? "found" : "found but disabled on command line");
}

/* seccomp where the host allows it, unless another transport is asked for. */
static int __init choose_engine(void)
{
	const char *want = boot_options.transport;
	int err;

	if (!want || !strcmp(want, "seccomp")) {
		engine = &engine_skas0_seccomp;
		err = engine->probe();
		if (!err)
			return 0;
		if (want)
			boot_die("skas0=seccomp: the host refuses seccomp filters (%s); leave the option out to run over ptrace\n",
				 host_error(err));
		boot_say("  seccomp filters are refused: guest programs run over ptrace, which is slower\n");
	}
	engine = &engine_skas0_ptrace;
	return engine->probe();
}

/**
 * boot_start_engine() - start it, or the other transport when nobody asked for
 * this one
 *
 * Ends with a message when guest programs cannot run.
 */
void __init boot_start_engine(void)
{
	int err = engine->start();

	if (err && engine == &engine_skas0_seccomp && !boot_options.transport) {
		boot_say("skas0 over seccomp does not start (%s): guest programs run over ptrace, which is slower\n",
			 host_error(err));
		engine = &engine_skas0_ptrace;
		if (engine->probe())
			boot_die("guest programs cannot run on this host: neither over seccomp nor over ptrace\n");
		err = engine->start();
	}
	if (err)
		boot_die("cannot start the first host process: %s (%d)\n",
			 host_error(err), -err);
}

/**
 * boot_probe_host() - print what the host can do; end if it is not enough
 */
void __init boot_probe_host(void)
{
	int fd, err;

	err = choose_engine();
	if (err)
		boot_die("guest programs cannot run on this host: seccomp filters are refused or not asked for, and ptrace is refused or lacks PTRACE_SYSEMU (%s). Allow one of them (in a container: a seccomp profile that permits it, or --cap-add SYS_PTRACE).\n",
			 host_error(err));

	boot_say("Checking for tmpfs mount on /dev/shm...");
	err = host_is_tmpfs("/dev/shm");
	if (err > 0)
		boot_say("OK\n");
	else
		boot_say("%s (not needed: guest memory is a memfd)\n",
			 err ? host_error(err) : "nothing mounted");

	boot_say("Checking PROT_EXEC mmap in /dev/shm/...");
	check_exec_map(host_open_tmpfile("/dev/shm"));

	boot_say("Checking PROT_EXEC mmap of a memfd...");
	fd = host_memfd("uml-probe", PAGE_SIZE);
	err = fd;
	if (fd >= 0) {
		err = host_map_shared_new((void *)PAGE_OFFSET, PAGE_SIZE,
					  HOST_PROT_READ | HOST_PROT_EXEC, fd, 0);
		host_close(fd);
	}
	if (err < 0)
		boot_die("failed: %s. Guest programs run from a memfd that must be executable: see the host's vm.memfd_noexec and security policy\n",
			 host_error(err));
	host_unmap((void *)PAGE_OFFSET, PAGE_SIZE);
	boot_say("OK\n");

	boot_say("Checking for the skas3 patch in the host:\n");
	fd = host_open("/proc/mm", HOST_RDWR);
	if (fd >= 0)
		host_close(fd);
	say_found("/proc/mm", boot_options.proc_mm, fd >= 0 ? 1 : fd == -ENOENT ? 0 : fd);
	say_found("PTRACE_FAULTINFO", boot_options.faultinfo, probe_request(PTRACE_FAULTINFO));
	say_found("PTRACE_LDT", boot_options.ldt, probe_request(PTRACE_LDT));
	boot_say("UML running in %s mode\n", engine->name);
}
