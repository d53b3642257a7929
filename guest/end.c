// SPDX-License-Identifier: GPL-2.0
/*
 * The end of the guest: whoever is left is asked to go and then made to, disks
 * that were mounted are unmounted, and the kernel is told how to end.
 */
#include <linux/mount.h>
#include "guest.h"

#define GRACE_MS	1000

/* Reap until no process is left or @ms have passed; 0 when none is left. */
static int reap_all(int ms)
{
	unsigned long children = SIG_BIT(SIGCHLD);
	struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	int waited;

	for (waited = 0; waited <= ms; waited += 10) {
		pid_t pid;

		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0)
			return 0;
		my_syscall4(__NR_rt_sigtimedwait, &children, NULL, &tick, SIGSET_SIZE);
	}
	return -1;
}

/* The start of /proc/mounts: more than any disks that a user mounts by hand. */
static char mounts[16384];

/*
 * Unmount what lies on a device, the newest first. In a line of /proc/mounts
 * the device comes first, then the path; a path with a blank is escaped and is
 * left to sync().
 */
static void unmount_disks(void)
{
	int fd = open("/proc/mounts", O_RDONLY);
	int len = 0, got;
	char *line;

	if (fd < 0)
		return;
	while ((got = read(fd, mounts + len, sizeof(mounts) - 1 - len)) > 0)
		len += got;
	close(fd);
	mounts[len] = 0;
	while (len > 0) {
		char *path, *end;

		mounts[--len] = 0;	/* the newline, or where a cut line ends */
		line = strrchr(mounts, '\n');
		line = line ? line + 1 : mounts;
		len = line - mounts;
		path = strchr(line, ' ');
		end = path ? strchr(path + 1, ' ') : NULL;
		if (!end || strncmp(line, "/dev/", 5))
			continue;
		*end = 0;
		if (umount2(path + 1, 0) < 0)
			warn("cannot unmount", path + 1);
	}
}

/*
 * End the guest by the reboot command @cmd; with RESTART2 the port makes
 * @status the exit status of the host command.
 */
void end_guest(unsigned int cmd, int status)
{
	char word[32] = "exit=";

	chdir("/");
	if (reap_all(0) < 0) {
		kill(-1, SIGTERM);
		kill(-1, SIGCONT);
		if (reap_all(GRACE_MS) < 0) {
			kill(-1, SIGKILL);
			reap_all(GRACE_MS);
		}
	}
	unmount_disks();
	my_syscall0(__NR_sync);

	itoa_r(status, word + strlen(word));
	sys_reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd, word);
	sys_reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL);
	fprintf(stderr, "init: the kernel does not power off\n");
	for (;;)
		my_syscall0(__NR_pause);
}
