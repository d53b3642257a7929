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
 *
 * prepare_root() mounts it, while the programs of the initramfs are still in
 * reach; enter_root() makes it the root, once.
 */
#include <linux/mount.h>
#include "guest.h"

#define NEW_ROOT	"/root"		/* in the initramfs */

static int prepared;

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
		return mount("hostfs", at, "hostfs", flags, NULL);
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
		return 0;
	}
	errno = EINVAL;
	if (!mode)
		return fail("UML_ROOT without a mode:", source);
	*mode++ = 0;
	if (!strcmp(mode, "overlay")) {
		if (mount_overlay(source) < 0)
			return -1;
	} else if (mount_source(source, NEW_ROOT, strcmp(mode, "ro") ? 0 : MS_RDONLY) < 0) {
		return fail("cannot mount the root from", source);
	}
	prepared = 1;
	return 0;
}

/**
 * enter_root() - make what prepare_root() mounted the root, with fresh /proc,
 * /sys, /dev, /run and /tmp; does nothing the second time
 *
 * Return: 0, or -1 and errno.
 */
int enter_root(void)
{
	static const char *const kept[] = { "/proc", "/sys", "/dev", "/run", NULL };
	char path[64] = NEW_ROOT;
	char *tmp = take_variable("UML_TMP");
	int i;

	if (!prepared)
		return 0;
	prepared = 0;
	for (i = 0; kept[i]; i++) {
		strlcpy(path + sizeof(NEW_ROOT) - 1, kept[i], sizeof(path) - sizeof(NEW_ROOT));
		mkdir(path, 0755);
		if (mount(kept[i], path, NULL, MS_MOVE, NULL) < 0)
			warn("cannot move the mount", kept[i]);
	}
	if (!tmp || strcmp(tmp, "keep")) {
		mkdir(NEW_ROOT "/tmp", 01777);
		if (mount("/tmp", NEW_ROOT "/tmp", NULL, MS_MOVE, NULL) < 0)
			warn("cannot move the mount", "/tmp");
	}
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return fail("cannot enter", "the root");
	chdir("/");
	return 0;
}
