// SPDX-License-Identifier: GPL-2.0
/*
 * guest.c - what ubench does as /init of a guest.
 *
 * It mounts /proc, /dev and a tmpfs, brings the loopback interface up, mounts the
 * Debian image read-only where UBENCH_BUILD names its device, and forks: the
 * child returns to main() and measures, we wait for it and power off.  So the
 * rows run in an ordinary process, not in PID 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ubench.h"

static void mount_at(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		printf("@note mount %s: %s\n", dir, strerror(errno));
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(s, SIOCGIFFLAGS, &ifr))
		printf("@note no lo: %s\n", strerror(errno));
	ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
	ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
}

/* The build row's own root; without it that row is skipped. */
static void mount_image(const char *device)
{
	mkdir("/image", 0755);
	if (mount(device, "/image", "ext4", MS_RDONLY, "noload") ||
	    mount("tmpfs", "/image/tmp", "tmpfs", 0, NULL) ||
	    mount("devtmpfs", "/image/dev", "devtmpfs", 0, NULL)) {
		printf("@note image %s: %s\n", device, strerror(errno));
		return;
	}
	build_root = "/image";
}

/* Returns 0 in the child that is to measure; the parent ends the guest. */
int guest_main(void)
{
	const char *image = getenv("UBENCH_BUILD");
	pid_t pid;
	int status, fd;

	mount_at("proc", "/proc");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	loopback_up();
	if (image)
		mount_image(image);

	fflush(stdout);
	pid = fork();
	if (!pid)
		return 0;
	while (waitpid(pid, &status, 0) != pid && errno == EINTR)
		;
	if (pid < 0 || status)
		printf("@note ubench ended with status %#x\n", status);
	printf("@off\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
