// SPDX-License-Identifier: GPL-2.0
/*
 * The root file system of the guest's commands, as UML_ROOT in the environment
 * says; without it they stay in the initramfs.
 *
 *   UML_ROOT=archive         a tmpfs on /root, which the launcher fills first
 *   UML_ROOT=SOURCE:MODE     SOURCE is "hostfs" or a disk such as /dev/ubda;
 *                            MODE is rw, ro, or overlay: what is written goes
 *                            to a tmpfs and ends with the guest
 *   UML_TMP=keep             /tmp is the root's own, not an empty one
 *   UML_VOLUMES=WORD:WORD... encoded as in UML_ARGV; three words each: the name
 *                            of a host directory, its mode, and its place
 *   UML_NET=dhcp             the kernel has asked for an address, and for the
 *                            name servers that /etc/resolv.conf is to have
 *   UML_NET=ADDRESS          the same, but this is the name server
 *
 * The root's host directory has the name "root" (hostfs=root:DIR).
 *
 * prepare_root() mounts it, while the programs of the initramfs are still in
 * reach; enter_root() makes it the root, once.
 */
#include <linux/mount.h>
#include "argv.h"
#include "guest.h"

#define NEW_ROOT	"/root"		/* in the initramfs */

static int prepared, own_files;	/* own: what is written there is ours alone */

static int fail(const char *what, const char *name)
{
	int err = errno;

	warn(what, name);
	errno = err;
	return -1;
}

static int mount_source(const char *source, const char *at, unsigned long flags)
{
	static const char *const types[] = { "ext4", "squashfs", NULL };
	int i;

	if (!strcmp(source, "hostfs"))
		return mount("none", at, "hostfs", flags, "root");
	for (i = 0; types[i]; i++) {
		/* Read-only, a journal cannot be played back: it is not looked at. */
		const char *options = i == 0 && (flags & MS_RDONLY) ? "noload" : NULL;

		if (mount(source, at, types[i], flags, options) == 0)
			return 0;
		if (errno != EINVAL)
			break;
	}
	return -1;
}

/* @source read-only below, a tmpfs above. */
static int mount_overlay(const char *source)
{
	mkdir("/.lower", 0755);
	mkdir("/.upper", 0755);
	if (mount_source(source, "/.lower", MS_RDONLY) < 0)
		return fail("cannot mount the root from", source);
	if (mount("tmpfs", "/.upper", "tmpfs", 0, "mode=755") < 0)
		return fail("cannot mount", "a tmpfs for the root");
	mkdir("/.upper/data", 0755);
	mkdir("/.upper/work", 0755);
	if (mount("overlay", NEW_ROOT, "overlay", 0,
		  "lowerdir=/.lower,upperdir=/.upper/data,workdir=/.upper/work") < 0)
		return fail("cannot mount an overlay over", source);
	return 0;
}

/* Make a directory and those above it. */
static int make_path(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static void join(char *to, size_t size, const char *a, const char *b, const char *c)
{
	strlcpy(to, a, size);
	strlcat(to, b, size);
	strlcat(to, c, size);
}

/* An overlay volume: its parts are in /run, which only root may look into. */
static int mount_volume_overlay(const char *name, const char *at)
{
	static const char *const parts[] = { "/lower", "/data", "/work", NULL };
	char base[64], path[128], options[400];
	int i;

	join(base, sizeof(base), "/run/uml/", name, "");
	mkdir("/run/uml", 0700);
	mkdir(base, 0700);
	if (mount("tmpfs", base, "tmpfs", 0, "mode=755") < 0)
		return -1;
	strlcpy(options, "", sizeof(options));
	for (i = 0; parts[i]; i++) {
		static const char *const keys[] = { "lowerdir=", ",upperdir=", ",workdir=" };

		join(path, sizeof(path), base, parts[i], "");
		mkdir(path, 0755);
		strlcat(options, keys[i], sizeof(options));
		strlcat(options, path, sizeof(options));
	}
	join(path, sizeof(path), base, "/lower", "");
	if (mount("none", path, "hostfs", MS_RDONLY, name) < 0)
		return -1;
	return mount("overlay", at, "overlay", 0, options);
}

/* In the new root: the host directories of UML_VOLUMES. */
static int mount_volumes(char *encoded)
{
	char **words;
	int n, i;

	if (!encoded)
		return 0;
	words = malloc((uml_argv_count(encoded) + 1) * sizeof(*words));
	n = words ? uml_argv_decode(encoded, words) : -1;
	if (n < 0 || n % 3) {
		errno = EINVAL;
		return fail("malformed:", "UML_VOLUMES");
	}
	for (i = 0; i < n; i += 3) {
		char *name = words[i], *mode = words[i + 1], *at = words[i + 2];
		int ret;

		if (make_path(at) < 0)
			return fail("cannot make the directory", at);
		if (!strcmp(mode, "overlay"))
			ret = mount_volume_overlay(name, at);
		else
			ret = mount("none", at, "hostfs", strcmp(mode, "ro") ? 0 : MS_RDONLY, name);
		if (ret < 0)
			return fail("cannot mount the volume", at);
	}
	free(words);
	return 0;
}

/*
 * What resolv.conf is to say: what the DHCP server said of name servers, or
 * that there is one at @net, which answers over UDP, at length when asked so.
 */
static int name_servers(const char *net, char *text, int size)
{
	int fd, len;

	if (strcmp(net, "dhcp")) {
		strlcpy(text, "nameserver ", size);
		strlcat(text, net, size);
		strlcat(text, "\noptions edns0\n", size);
		return strlen(text);
	}
	fd = open("/proc/net/pnp", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, text, size);
	close(fd);
	return len;
}

/*
 * A file lies over the root's own resolv.conf, so that a root of the host stays
 * as it is; where that is no file, a link to nowhere perhaps, it is made anew.
 */
static void set_name_servers(const char *net, int may_write)
{
	static char text[1024];
	int fd, len = name_servers(net, text, sizeof(text));
	struct stat st;

	if (len <= 0)
		return;
	fd = open("/run/resolv.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, len) != len)
		warn("cannot write", "/run/resolv.conf");
	close(fd);
	if (stat("/etc/resolv.conf", &st) == 0) {
		if (mount("/run/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
			warn("cannot set", "/etc/resolv.conf");
	} else if (may_write) {
		unlink("/etc/resolv.conf");
		symlink("/run/resolv.conf", "/etc/resolv.conf");
	}
}

/**
 * prepare_root() - mount the root that UML_ROOT names, if it names one
 *
 * Return: 0, or -1 and errno; the console says what could not be mounted.
 */
int prepare_root(void)
{
	char *source = take_variable("UML_ROOT");
	char *mode = source ? strchr(source, ':') : NULL;

	if (!source)
		return 0;
	mkdir(NEW_ROOT, 0755);
	if (!strcmp(source, "archive")) {
		if (mount("tmpfs", NEW_ROOT, "tmpfs", 0, "mode=755") < 0)
			return fail("cannot mount", "a tmpfs for the root");
		prepared = 1;
		own_files = 1;
		return 0;
	}
	errno = EINVAL;
	if (!mode)
		return fail("UML_ROOT without a mode:", source);
	*mode++ = 0;
	if (!strcmp(mode, "overlay")) {
		if (mount_overlay(source) < 0)
			return -1;
		own_files = 1;
	} else if (mount_source(source, NEW_ROOT, strcmp(mode, "ro") ? 0 : MS_RDONLY) < 0) {
		return fail("cannot mount the root from", source);
	}
	prepared = 1;
	return 0;
}

static int switch_root(int keep_tmp)
{
	static const char *const kept[] = { "/proc", "/sys", "/dev", "/run", "/tmp", NULL };
	char path[64] = NEW_ROOT;
	int i;

	for (i = 0; kept[i]; i++) {
		if (keep_tmp && !strcmp(kept[i], "/tmp"))
			continue;
		strlcpy(path + sizeof(NEW_ROOT) - 1, kept[i], sizeof(path) - sizeof(NEW_ROOT));
		mkdir(path, 0755);
		if (mount(kept[i], path, NULL, MS_MOVE, NULL) < 0)
			warn("cannot move the mount", kept[i]);
	}
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return fail("cannot enter", "the root");
	chdir("/");
	return 0;
}

/**
 * enter_root() - make what prepare_root() mounted the root, with fresh /proc,
 * /sys, /dev, /run and /tmp, and put the volumes in place; does nothing the
 * second time
 *
 * Return: 0, or -1 and errno.
 */
int enter_root(void)
{
	static int done;
	char *tmp, *net;

	if (done)
		return 0;
	done = 1;
	tmp = take_variable("UML_TMP");
	net = take_variable("UML_NET");
	if (prepared && switch_root(tmp && !strcmp(tmp, "keep")) < 0)
		return -1;
	if (net)
		set_name_servers(net, own_files || !prepared);
	return mount_volumes(take_variable("UML_VOLUMES"));
}
