// SPDX-License-Identifier: GPL-2.0
/*
 * /init of the embedded initramfs: makes the guest usable, runs one main
 * program on the console, and ends the guest with that program's status.
 *
 * All signals are blocked and taken one at a time by sigtimedwait: no handler
 * runs, and no signal is lost between a look and a wait. Orphans are reaped as
 * they end. The signals by which busybox's halt, poweroff and reboot talk to
 * process 1 end the guest too. Words that the kernel gives as arguments (such
 * as "single") are ignored.
 *
 * With a launcher (agent.c) there is no main program on the console.
 */
#include "agent.h"

static const struct {
	int signal;
	unsigned int cmd;
} requests[] = {
	{ SIGUSR1, LINUX_REBOOT_CMD_HALT },
	{ SIGUSR2, LINUX_REBOOT_CMD_POWER_OFF },
	{ SIGPWR,  LINUX_REBOOT_CMD_POWER_OFF },
	{ SIGTERM, LINUX_REBOOT_CMD_RESTART },
	{ SIGINT,  LINUX_REBOOT_CMD_RESTART },
};

/* Reap whoever has ended. When @main_pid has, end the guest as it did. */
static void reap(pid_t main_pid)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != main_pid)
			continue;
		end_guest(LINUX_REBOOT_CMD_RESTART2,
			  WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

/* The kernel opens the console for /init if its root has /dev/console. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/console", O_RDWR);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* A signal to process 1 may be a request to end. */
void init_request(int sig)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].signal == sig)
			end_guest(requests[i].cmd, 0);
}

int main(void)
{
	unsigned long all = ~0UL;
	pid_t main_pid;
	int sig;

	if (getpid() != 1) {
		fprintf(stderr, "init: runs only as process 1 of a guest\n");
		return 1;
	}
	my_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, NULL, SIGSET_SIZE);
	setup_guest();
	open_standard_files();
	reboot(LINUX_REBOOT_CMD_CAD_OFF);

	if (channel_open() >= 0)
		agent();
	if (prepare_root() < 0 || enter_root() < 0)
		end_guest(LINUX_REBOOT_CMD_RESTART2, EXIT_BAD_ARGV);
	main_pid = start_main();
	if (main_pid < 0)
		end_guest(LINUX_REBOOT_CMD_RESTART2, EXIT_NOT_RUN);
	for (;;) {
		sig = my_syscall4(__NR_rt_sigtimedwait, &all, NULL, NULL, SIGSET_SIZE);
		if (sig == SIGCHLD)
			reap(main_pid);
		init_request(sig);
	}
}
