// SPDX-License-Identifier: GPL-2.0
/*
 * What the doorman opens: only what the owner's request names. A name counts
 * when it stands in the request as it is, after one of "=:," and before one of
 * ",:" or the end. So a kernel process that was taken over gets nothing that
 * its owner did not just hand to it, and for disks not even more than that:
 * with the flag r, and behind the first name, a file is opened read-only.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/host.h>
#include "doorman.h"

static const char command[] = "config ";

/* Where in the request the name stands, or NULL. */
static const char *named(const struct request *r, const char *name)
{
	size_t len = strlen(name);
	const char *at = r->text + sizeof(command) - 1;

	if (strncmp(r->text, command, sizeof(command) - 1) || !len)
		return NULL;
	for (; (at = strstr(at, name)); at++)
		if (strchr("=:,", at[-1]) && (!at[len] || strchr(",:", at[len])))
			return at;
	return NULL;
}

static bool is_disk(const struct request *r)
{
	return !strncmp(skip_spaces(r->text + sizeof(command) - 1), "ubd", 3);
}

/* May the file that is named at @at be written: no disk is that the owner reads. */
static bool may_write(const struct request *r, const char *at)
{
	const char *p = skip_spaces(r->text + sizeof(command) - 1);

	if (!is_disk(r))
		return true;
	for (; p < at - 1; p++)
		if (*p == 'r' || *p == ',' || *p == '=')
			return false;
	return true;
}

/* Another device of this name is none: ubd1=con0, port 80 in 8080. */
static int open_named(const struct request *r, const struct door_message *m, const char *at)
{
	unsigned int port;

	switch (m->type) {
	case DOOR_OPEN:
		if (m->value & HOST_RDWR && !may_write(r, at))
			return -EACCES;
		if (m->value == HOST_APPEND)
			return is_disk(r) ? -EACCES :
			       host_open(m->data, HOST_APPEND | HOST_NONBLOCK | HOST_NOCTTY);
		return host_open(m->data, (m->value & HOST_RDWR) | HOST_NONBLOCK | HOST_NOCTTY);
	case DOOR_CONNECT:
		return host_connect_stream(m->data);
	case DOOR_LISTEN:
		return host_listen_unix(m->data);
	case DOOR_PORT:
		return kstrtouint(m->data, 10, &port) || port > 65535 ? -EINVAL :
		       host_listen_loopback(port);
	case DOOR_PTMX:
		return strcmp(m->data, "pts") && strcmp(m->data, "pty") ? -EPERM :
		       host_open("/dev/ptmx", HOST_RDWR | HOST_NONBLOCK | HOST_NOCTTY);
	}
	return -EINVAL;
}

/**
 * doorman_open() - open what the kernel process asks for, if the owner names it
 * @r: the owner's request
 * @m: from the kernel process, not trusted; @data ends with a NUL
 *
 * Return: a descriptor, -EPERM when the request does not name it, or -errno.
 */
int doorman_open(const struct request *r, const struct door_message *m)
{
	const char *at = named(r, m->data);

	return at ? open_named(r, m, at) : -EPERM;
}
