/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that come and go while the guest runs. A driver registers its class;
 * the management console finds it by the name that the command line uses:
 * "ubd1=/a/file", "con2=pts", "vec0:transport=tap,ifname=tap0".
 */
#ifndef _UM_HOTPLUG_H
#define _UM_HOTPLUG_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct hotplug_class - a kind of device with numbers
 * @name: what stands before the number: "ubd", "vec", "con", "ssl"
 * @config: make device @nr as @value says. @value is what follows the '=' or
 *	':', or with @flags what follows the number; it may be changed, and is
 *	gone when the callback returns
 * @show: write how device @nr was configured (one line, no newline) into @buf
 *	of @size bytes; -ENODEV when there is none
 * @remove: take device @nr away, or refuse: -EBUSY when it is in use
 * @flags: letters may stand between the number and '=', as in "ubd1r=FILE";
 *	@config gets "r=FILE", and "=FILE" where there are none
 * @list: for hotplug_register()
 *
 * Callbacks run in process context, one at a time over all classes, and may
 * sleep. They return 0 or -errno, and may point @why to a sentence for the
 * user, a string that stays.
 */
struct hotplug_class {
	const char *name;
	int (*config)(unsigned int nr, char *value, const char **why);
	int (*show)(unsigned int nr, char *buf, size_t size);
	int (*remove)(unsigned int nr, const char **why);
	bool flags;
	struct list_head list;
};

void hotplug_register(struct hotplug_class *c);

int hotplug_config(char *request, const char **why);
int hotplug_show(const char *device, char *buf, size_t size, const char **why);
int hotplug_remove(const char *device, const char **why);

/* For drivers, at boot and within @config: what the host has under a name. */
int hotplug_open(const char *path, int flags);

#endif
