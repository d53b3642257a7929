// SPDX-License-Identifier: GPL-2.0
/*
 * umid=NAME: the directory $HOME/.uml/NAME, with the file pid and the socket
 * mconsole, while the guest runs. Tools that manage guests look there.
 */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>

static char home_dir[256] __ro_after_init;
static char dir[256] __ro_after_init;
static char pid_file[272] __ro_after_init;
static char socket_file[272] __ro_after_init;

/* Is the guest that left this directory gone? */
static bool __init stale(void)
{
	char buf[16] = "";
	int fd, pid, n;

	fd = host_open(pid_file, HOST_RDONLY);
	if (fd < 0)
		return fd == -ENOENT;
	n = host_read(fd, buf, sizeof(buf) - 1);
	host_close(fd);
	if (n <= 0)
		return true;
	strim(buf);
	if (kstrtoint(buf, 10, &pid) || pid <= 0)
		return true;
	return host_kill(pid, 0) == -ESRCH;
}

/**
 * umid_init() - make the directory; end if the name is taken
 * @home: $HOME, or NULL
 */
void __init umid_init(const char *home)
{
	const char *name = boot_options.umid;
	char buf[16];
	int fd, err;

	if (!name)
		return;
	for (const char *p = name; *p; p++)
		if (!isalnum(*p) && !strchr("_-.", *p))
			boot_die("umid=%s: a name is made of letters, digits, '_', '-' and '.'\n",
				 name);
	if (!*name || *name == '.' || strlen(name) > 64)
		boot_die("umid=%s: a name has 1 to 64 characters and does not start with '.'\n",
			 name);
	if (!home || !*home || strlen(home) > 128)
		boot_die("umid=%s: $HOME is not set\n", name);

	snprintf(home_dir, sizeof(home_dir), "%s/.uml", home);
	err = host_mkdir(home_dir, 0700);
	if (err && err != -EEXIST)
		boot_die("umid=%s: cannot make %s: %s\n", name, home_dir, host_error(err));
	snprintf(dir, sizeof(dir), "%s/.uml/%s", home, name);
	snprintf(pid_file, sizeof(pid_file), "%s/pid", dir);
	snprintf(socket_file, sizeof(socket_file), "%s/mconsole", dir);
	err = host_mkdir(dir, 0700);
	if (err == -EEXIST && stale()) {
		host_unlink(pid_file);
		err = 0;
	}
	if (err == -EEXIST) {
		pid_file[0] = 0;
		boot_die("umid=%s: the name is in use by another guest (see %s)\n", name, dir);
	}
	if (err)
		boot_die("umid=%s: cannot make %s: %s\n", name, dir, host_error(err));
	fd = host_create(pid_file, 0600);
	if (fd < 0)
		boot_die("umid=%s: cannot make %s: %s\n", name, pid_file, host_error(fd));
	snprintf(buf, sizeof(buf), "%d\n", host_getpid());
	err = host_write(fd, buf, strlen(buf));
	host_close(fd);
	/* An empty one is taken for what a dead guest has left. */
	if (err != strlen(buf))
		boot_die("umid=%s: cannot write %s: %s\n", name, pid_file,
			 host_error(err < 0 ? err : -ENOSPC));
}

/**
 * umid_dir() - the directory, or "" without a name
 */
const char *umid_dir(void)
{
	return pid_file[0] ? dir : "";
}

/**
 * umid_remove() - at the end, whatever the way
 */
void umid_remove(void)
{
	if (!pid_file[0])
		return;
	host_unlink(socket_file);
	host_unlink(pid_file);
	host_rmdir(dir);
}

/**
 * umid_home() - the directory in which names of guests are, or NULL without one
 */
const char *umid_home(void)
{
	return pid_file[0] ? home_dir : NULL;
}
