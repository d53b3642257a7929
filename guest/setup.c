// SPDX-License-Identifier: GPL-2.0
/*
 * What a program expects of a Linux system before it starts: the usual file
 * systems, a host name, and the loopback interface.
 *
 * A file system that is mounted already, or that this kernel was built
 * without, is no fault. Anything else is told on the console and the boot goes
 * on: a shell with a part missing is worth more than none.
 */
#include <linux/mount.h>
#include <linux/sockios.h>
#include "guest.h"

struct mount_point {
	const char *type;
	const char *path;
	unsigned long flags;
	const char *options;
};

#define NO_EXEC	(MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* In order: each directory lies in what was mounted before. */
static const struct mount_point mount_points[] = {
	{ "proc",     "/proc",		NO_EXEC,		NULL },
	{ "sysfs",    "/sys",		NO_EXEC,		NULL },
	{ "devtmpfs", "/dev",		MS_NOSUID,		"mode=755" },
	{ "devpts",   "/dev/pts",	MS_NOSUID | MS_NOEXEC,	"gid=5,mode=620,ptmxmode=666" },
	{ "tmpfs",    "/dev/shm",	MS_NOSUID | MS_NODEV,	"mode=1777" },
	{ "mqueue",   "/dev/mqueue",	NO_EXEC,		NULL },
	{ "tmpfs",    "/run",		MS_NOSUID | MS_NODEV,	"mode=755" },
	{ "tmpfs",    "/tmp",		MS_NOSUID | MS_NODEV,	"mode=1777" },
	{ "cgroup2",  "/sys/fs/cgroup", NO_EXEC,		"nsdelegate" },
};

static const char *const links[][2] = {
	{ "/proc/self/fd",   "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

static void mount_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mount_points); i++) {
		const struct mount_point *m = &mount_points[i];

		mkdir(m->path, 0755);
		if (mount(m->type, m->path, m->type, m->flags, m->options) < 0 &&
		    errno != EBUSY && errno != ENODEV)
			warn("cannot mount", m->path);
	}
	for (i = 0; i < ARRAY_SIZE(links); i++)
		symlink(links[i][0], links[i][1]);
}

/*
 * The kernel's <linux/if.h> wants a libc's socket headers, so the one request
 * that is needed is spelled out: a name, then flags, in 40 bytes.
 */
struct flags_request {
	char name[16];
	short flags;
	char rest[22];
};

#define FLAG_UP		0x1
#define INET_FAMILY	2
#define DATAGRAM	2

static void loopback_up(void)
{
	struct flags_request request = { .name = "lo" };
	int fd;

	fd = my_syscall3(__NR_socket, INET_FAMILY, DATAGRAM, 0);
	if (fd < 0)
		return;		/* a kernel without IPv4 */
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.flags |= FLAG_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			warn("cannot bring up", "lo");
	}
	close(fd);
}

void setup_guest(void)
{
	static const char name[] = "uml";

	mount_all();
	if (my_syscall2(__NR_sethostname, name, sizeof(name) - 1) < 0)
		warn("cannot set the host name to", name);
	loopback_up();
}
