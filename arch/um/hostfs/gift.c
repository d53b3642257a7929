// SPDX-License-Identifier: GPL-2.0
/*
 * Gifts: the directories of the host that a guest may mount. Nothing else of
 * the host has a name in the guest. A gift is given on the command line,
 *
 *	hostfs=[NAME:]DIR[,ro]
 *
 * or as the root file system: rootfstype=hostfs rootflags=DIR, which may be
 * written to if "rw" is on the line. It is opened at once, before the kernel
 * process is confined (boot/confine.c), and Landlock is told of it.
 */
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include <asm/hostfs.h>
#include "hostfs.h"

#define GIFTS	32

UM_HELP(hostfs,
"hostfs=[NAME:]DIR[,ro]\n"
"    Give this directory of the host to the guest, to be mounted there:\n"
"    mount -t hostfs none /mnt -o DIR, or -o NAME, or a directory beneath it.\n"
"    With ro it can only be read. May be given several times. As root:\n"
"    root=/dev/root rootfstype=hostfs rootflags=DIR, with rw to write to it.\n\n");

static struct hostfs_gift gifts[GIFTS] __ro_after_init;
static unsigned int nr_gifts __ro_after_init;

/* Length of NAME in NAME:DIR, or 0. */
static size_t __init name_length(const char *s)
{
	size_t n = 0;

	while (isalnum(s[n]) || (n && s[n] && strchr("_.-", s[n])))
		n++;
	return s[n] == ':' ? n : 0;
}

static void __init give(const char *opt, char *name, char *dir, bool ro)
{
	struct hostfs_gift *g = &gifts[nr_gifts];
	static char path[PATH_MAX] __initdata;
	int fd, err;

	if (nr_gifts == GIFTS)
		boot_die("%s%s: no more than %d directories can be given\n", opt, dir, GIFTS);
	fd = host_gift_open(dir);
	if (fd < 0)
		boot_die("%s%s: cannot open the directory: %s\n", opt, dir, host_error(fd));
	g->name = name;
	g->given = dir;
	g->path = dir;
	if (host_gift_path(fd, path, sizeof(path)) > 0)
		g->path = kstrdup(path, GFP_KERNEL) ?: dir;
	if (hostfs_is_kernels(fd))
		boot_die("%s%s: holds files of the host's kernel, not of a disk; these are not given\n",
			 opt, dir);
	for (int i = 0; i < nr_gifts && name; i++)
		if (gifts[i].name && !strcmp(gifts[i].name, name))
			boot_die("%s%s:%s: this name is given twice\n", opt, name, dir);
	err = host_landlock_allow(fd, !ro);
	if (err)
		boot_die("%s%s: the host's Landlock does not take the directory: %s\n", opt, dir,
			 host_error(err));
	g->fd = fd;
	g->ro = ro;
	nr_gifts++;
}

static bool __init ends_with(char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	if (n <= m || strcmp(s + n - m, end))
		return false;
	s[n - m] = 0;
	return true;
}

static char *option[GIFTS] __initdata;
static unsigned int nr_options __initdata;

/* hostfs=[NAME:]DIR[,ro]; memory for names is not there yet. */
static int __init hostfs_option(char *str)
{
	if (nr_options == GIFTS)
		boot_die("hostfs=%s: no more than %d directories can be given\n", str, GIFTS);
	option[nr_options++] = str;
	return 1;
}
__setup("hostfs=", hostfs_option);

static void __init give_option(char *str)
{
	bool ro = ends_with(str, ",ro");
	size_t n = name_length(str);

	if (!ro)
		ends_with(str, ",rw");
	if (n)
		str[n] = 0;
	if (!str[n ? n + 1 : 0])
		boot_die("hostfs=: which directory? hostfs=[NAME:]DIR[,ro]\n");
	give("hostfs=", n ? str : NULL, n ? str + n + 1 : str, ro);
}

/* rootflags=DIR[,OPTION...] is a gift, too, unless it lies in one. */
static void __init give_root(void)
{
	const char *flags = boot_options.rootflags, *rest;
	char *dir;

	if (!boot_options.rootfstype || strcmp(boot_options.rootfstype, "hostfs") || !flags)
		return;
	if (*flags != '/')
		return;
	dir = kstrndup(flags, strcspn(flags, ","), GFP_KERNEL);
	if (dir && !hostfs_gift_find(dir, &rest))
		give("rootflags=", NULL, dir, !boot_options.rw);
}

/* Before any thread is started. */
static int __init take_gifts(void)
{
	for (int i = 0; i < nr_options; i++)
		give_option(option[i]);
	give_root();
	return 0;
}
core_initcall(take_gifts);

/**
 * hostfs_confine() - the guest has booted: files are opened in gifts only
 *
 * They get the permissions that the guest gives them. What was made before, for
 * disks and consoles, got those that the user's umask leaves.
 *
 * Return: whether it opens files at all.
 */
bool __init hostfs_confine(void)
{
	if (!nr_gifts)
		return false;
	host_umask_none();
	host_remember_cwd();
	hostfs_watch_init();
	return true;
}

/* What is left of @path behind @dir, or NULL when it is not beneath it. */
static const char *beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	if (strncmp(path, dir, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

/**
 * hostfs_gift_find() - the gift that a path is in
 * @path: of the host, absolute; or NAME or NAME/PATH
 * @rest: what is left of it behind the gift's own
 *
 * Return: the one that is nearest, or NULL.
 */
const struct hostfs_gift *hostfs_gift_find(const char *path, const char **rest)
{
	const struct hostfs_gift *found = NULL;

	for (int i = 0; i < nr_gifts; i++) {
		const struct hostfs_gift *g = &gifts[i];
		const char *left = NULL;

		if (*path != '/') {
			left = g->name ? beneath(path, g->name) : NULL;
			left = left ?: beneath(path, g->given);
		} else {
			left = beneath(path, g->path);
			if (!left && *g->given == '/')
				left = beneath(path, g->given);
		}
		if (left && (!found || strlen(left) < strlen(*rest))) {
			found = g;
			*rest = left;
		}
	}
	return found;
}

/**
 * hostfs_gift_only() - the gift, when there is one only; or NULL
 */
const struct hostfs_gift *hostfs_gift_only(void)
{
	return nr_gifts == 1 ? &gifts[0] : NULL;
}
