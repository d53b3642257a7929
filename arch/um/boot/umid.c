// SPDX-License-Identifier: GPL-2.0
/*
 * umid=NAME: the directory $HOME/.uml/NAME, with the file pid and the socket
 * mconsole, while the guest runs. Tools that manage guests look there. Whose lock
 * is on the file pid has the name.
 */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>

#define HOME_MAX	256	/* characters of $HOME */
#define TRIES		50	/* of 10 ms: somebody who ends removes the files */

static char home_dir[HOME_MAX + 8] __ro_after_init;
static char dir[HOME_MAX + 80] __ro_after_init;
static char pid_file[HOME_MAX + 96] __ro_after_init;
static char socket_file[HOME_MAX + 96] __ro_after_init;

/*
 * Make or take over the pid file, and lock it. The lock is the name: it is held
 * for as long as the kernel process is there, by no other process, so files that
 * are there without it have been left by a guest that is gone, whatever is in them.
 * Who had the file open before another one removed it has locked nothing.
 *
 * Return: a descriptor, or -errno: -EAGAIN when another guest has it.
 */
static int __init take(void)
{
	struct host_file_info info;
	int fd, err = -EAGAIN;

	for (int i = 0; i < TRIES; i++) {
		if (i)
			host_poll_two(-1, -1, 10);
		err = host_mkdir(dir, 0700);
		if (err && err != -EEXIST)
			return err;
		fd = host_open(pid_file, HOST_RDWR | HOST_MAKE | HOST_NOFOLLOW | HOST_NONBLOCK);
		err = fd;
		if (fd == -ENOENT)	/* the directory was just removed */
			continue;
		if (fd < 0)
			return fd;
		err = host_file_info(fd, &info);
		if (!err && info.block)
			err = -EINVAL;
		if (err) {
			host_close(fd);
			return err;
		}
		err = host_lock_file(fd, true);
		if (err == -EACCES)
			err = -EAGAIN;
		if (!err && host_file_is(fd, pid_file))
			return fd;
		host_close(fd);
		if (err && err != -EAGAIN)
			return err;
		err = -EAGAIN;
	}
	return err;
}

static void __init __noreturn cannot_take(const char *name, int err)
{
	/* What is there is not ours to remove, but a directory that is empty. */
	pid_file[0] = 0;
	host_rmdir(dir);
	if (err == -EAGAIN)
		boot_die("umid=%s: the name is in use by another guest (see %s)\n", name, dir);
	if (err == -EINVAL || err == -EISDIR || err == -ELOOP)
		boot_die("umid=%s: %s/pid is there and no plain file; remove it\n", name, dir);
	boot_die("umid=%s: cannot make and lock %s/pid: %s\n", name, dir, host_error(err));
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
	if (!home || !*home)
		boot_die("umid=%s: $HOME is not set\n", name);
	if (strlen(home) > HOME_MAX)
		boot_die("umid=%s: $HOME is longer than %d characters; set a shorter one\n",
			 name, HOME_MAX);

	snprintf(home_dir, sizeof(home_dir), "%s/.uml", home);
	err = host_mkdir(home_dir, 0700);
	if (err && err != -EEXIST)
		boot_die("umid=%s: cannot make %s: %s\n", name, home_dir, host_error(err));
	snprintf(dir, sizeof(dir), "%s/.uml/%s", home, name);
	snprintf(pid_file, sizeof(pid_file), "%s/pid", dir);
	snprintf(socket_file, sizeof(socket_file), "%s/mconsole", dir);
	fd = take();
	if (fd < 0)
		cannot_take(name, fd);
	/* Never closed, see take(). */
	snprintf(buf, sizeof(buf), "%d\n", host_getpid());
	err = host_setsize(fd, 0);
	if (!err)
		err = host_pwrite(fd, buf, strlen(buf), 0);
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
