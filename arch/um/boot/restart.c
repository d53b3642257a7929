// SPDX-License-Identifier: GPL-2.0
/*
 * restart: a reboot of the guest starts it again, from the same command line,
 * in the same process of the user's shell.
 *
 * The kernel process cannot do that. Its filter, which survives exec, forbids it
 * to start programs and to open what the command line names. So with this option
 * the process that the user starts is a parent that forks before anything is
 * done, and waits: the child boots and is the kernel process. When that ends, and
 * has asked for it, the parent forks again. It has no memory in common with its
 * child, and learns one bit from it.
 *
 * Signals that press the power button are handed on. The parent ends as its
 * child does, and the child with the parent.
 */
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>

UM_HELP(restart,
"restart\n"
"    A reboot of the guest starts it again, with the same command line; without\n"
"    this it ends the guest.\n\n");

static int ask_fd __ro_after_init = -1;

static bool __init wanted(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "restart"))
			return true;
	return false;
}

/* Until the kernel process has ended. Return: its wait status. */
static int __init watch(int pid, u64 signals)
{
	int status = 0;

	while (!host_is_dead(pid)) {
		int signo = host_signal_wait(signals);

		if (signo > 0 && signo != SIGCHLD)
			host_kill(pid, signo);
	}
	while (host_wait(pid, &status) == -EINTR)
		;
	return status;
}

static void __init __noreturn end_as(int status, u64 mask)
{
	int signo = status & 0x7f;

	if (signo) {
		host_dumpable(0);	/* one core is enough */
		host_signal_default(signo);
		host_signal_mask(mask & ~sigmask(signo));
		host_kill(host_getpid(), signo);
	}
	host_exit(signo ? 128 + signo : status >> 8 & 0xff);
}

static void __init __noreturn fail(const char *what)
{
	/* Not boot_die(): only the stack may be written yet. */
	host_write(2, "linux: restart: cannot ", 23);
	host_write(2, what, strlen(what));
	host_write(2, "\n", 1);
	host_exit(EXIT_BAD_OPTION);
}

/**
 * restart_supervise() - with the option restart, become the parent
 *
 * Before anything but the stack is written to. Return: in each kernel process,
 * what restart_begin() wants, or -1 without the option.
 */
int __init restart_supervise(int argc, char **argv)
{
	const u64 signals = sigmask(SIGCHLD) | sigmask(SIGTERM) | sigmask(SIGINT) |
			    sigmask(SIGHUP);
	int fd, parent = host_getpid(), dumpable = host_dumpable(-1);
	u64 mask = host_signal_get_mask(), asked;

	if (!wanted(argc, argv))
		return -1;
	fd = host_eventfd();
	if (fd < 0)
		fail("make an eventfd");
	host_signal_default(SIGCHLD);
	host_signal_mask(mask | signals);
	do {
		int status, pid = host_fork();

		if (pid < 0)
			fail("start a process for the guest's kernel: see RLIMIT_NPROC");
		if (!pid) {
			host_die_with(parent);
			host_dumpable(dumpable);
			host_signal_mask(mask);
			return fd;
		}
		/* Who owns the guest's kernel may have a way to files of /proc. */
		host_dumpable(0);
		status = watch(pid, signals);
		if (host_read(fd, &asked, sizeof(asked)) != sizeof(asked))
			end_as(status, mask);
	} while (true);
}

/**
 * restart_begin() - in the kernel process, as soon as it has memory of its own
 */
void __init restart_begin(int fd)
{
	ask_fd = fd;
}

/**
 * restart_wanted() - does a reboot start the guest again
 */
bool restart_wanted(void)
{
	return ask_fd >= 0;
}

/**
 * restart_ask() - right before the kernel process ends: once more
 */
void restart_ask(void)
{
	u64 one = 1;

	host_write(ask_fd, &one, sizeof(one));
}
