// SPDX-License-Identifier: GPL-2.0
/*
 * The register of classes of devices that can be configured, shown and removed
 * while the guest runs, by the names of the command line.
 *
 * A device is CLASS NUMBER [FLAGS]; a request to configure it goes on with '='
 * or ':' and what the class makes of it. Requests come from the owner of the
 * guest through the management console, one at a time.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "hotplug.h"

static LIST_HEAD(classes);
static DEFINE_MUTEX(lock);	/* the list, and one callback at a time */

/**
 * hotplug_register() - make a class of devices known
 * @c: it stays for ever; all its callbacks are there
 *
 * May sleep.
 */
void hotplug_register(struct hotplug_class *c)
{
	mutex_lock(&lock);
	list_add_tail(&c->list, &classes);
	mutex_unlock(&lock);
}

/*
 * Find the class and the number that @device begins with; @rest gets what
 * follows them. Return: the class, or NULL.
 */
static struct hotplug_class *find(const char *device, unsigned int *nr, const char **rest)
{
	struct hotplug_class *c;

	list_for_each_entry(c, &classes, list) {
		size_t n = strlen(c->name);
		const char *p = device + n;

		if (strncmp(device, c->name, n) || !isdigit(*p))
			continue;
		for (*nr = 0; isdigit(*p) && *nr < 10000; p++)
			*nr = *nr * 10 + (*p - '0');
		*rest = p;
		return c;
	}
	return NULL;
}

/* A device alone, as show and remove want it. */
static struct hotplug_class *find_exactly(const char *device, unsigned int *nr, const char **why)
{
	const char *rest;
	struct hotplug_class *c = find(device, nr, &rest);

	if (c && !*rest)
		return c;
	*why = c ? "a device is a name and a number" : "no such kind of device";
	return NULL;
}

/**
 * hotplug_config() - make a device, or change it
 * @request: as on the command line, "ubd1=/a/file"; is changed
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * May sleep.
 *
 * Return: 0, -ENODEV for an unknown kind of device, -EINVAL for one without
 * value, or what the class says.
 */
int hotplug_config(char *request, const char **why)
{
	struct hotplug_class *c;
	const char *rest;
	unsigned int nr;
	int err = -ENODEV;

	*why = NULL;
	mutex_lock(&lock);
	c = find(request, &nr, &rest);
	if (!c) {
		*why = "no such kind of device";
		goto out;
	}
	err = -EINVAL;
	if (c->flags && strpbrk(rest, "=:"))
		err = c->config(nr, (char *)rest, why);
	else if (*rest == '=' || *rest == ':')
		err = c->config(nr, (char *)rest + 1, why);
	else
		*why = "the number wants '=' and a value behind it";
out:
	mutex_unlock(&lock);
	return err;
}

/**
 * hotplug_show() - tell how a device was configured
 * @device: "ubd1"
 * @buf: gets the text
 * @size: its size in bytes, at least 1
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * May sleep.
 *
 * Return: 0, -ENODEV, or what the class says.
 */
int hotplug_show(const char *device, char *buf, size_t size, const char **why)
{
	struct hotplug_class *c;
	unsigned int nr;
	int err = -ENODEV;

	*why = NULL;
	*buf = 0;
	mutex_lock(&lock);
	c = find_exactly(device, &nr, why);
	if (c)
		err = c->show(nr, buf, size);
	mutex_unlock(&lock);
	return min(err, 0);
}

/**
 * hotplug_remove() - take a device away
 * @device: "ubd1"
 * @why: gets a sentence for the user when it fails, or NULL
 *
 * May sleep.
 *
 * Return: 0, -ENODEV, or what the class says: -EBUSY when it is in use.
 */
int hotplug_remove(const char *device, const char **why)
{
	struct hotplug_class *c;
	unsigned int nr;
	int err = -ENODEV;

	*why = NULL;
	mutex_lock(&lock);
	c = find_exactly(device, &nr, why);
	if (c)
		err = c->remove(nr, why);
	mutex_unlock(&lock);
	return err;
}
