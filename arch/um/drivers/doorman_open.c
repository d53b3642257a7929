// SPDX-License-Identifier: GPL-2.0
/*
 * What the doorman opens: only what the owner's request names, and as what it
 * names it. The kernel process is not asked what it means: the request is read
 * here again. So one that was taken over gets no more than its owner just
 * handed to it.
 *
 *	config ubdN[FLAGS]=FILE[,BACKING[,SERIAL]]
 *		FILE, to be written unless there is the flag r; BACKING, to be read
 *	config conN=CHANNEL[,CHANNEL], and ssl
 *		file:PATH, as the first of two to be read, else to be written at its
 *		end; tty:PATH; socket:PATH and port:N, to listen there; pts
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/host.h>
#include "doorman.h"

static const char command[] = "config ";

enum place { INPUT = 1, OUTPUT = 2, ANY = INPUT | OUTPUT };

/* Behind the device's '=' or ':'; NULL when the request is of another kind. */
static const char *value_of(const struct request *r, const char **device)
{
	const char *p;

	if (strncmp(r->text, command, sizeof(command) - 1))
		return NULL;
	*device = skip_spaces(r->text + sizeof(command) - 1);
	p = strpbrk(*device, "=:");
	return p ? p + 1 : NULL;
}

/* Which of a disk's files the name is: 0 or 1, or -1; as ubd.c takes them apart. */
static int which_file(const char *value, const char *name)
{
	for (int i = 0; i < 2; i++) {
		size_t len = !strncmp(value, "fd:", 3) && isdigit(value[3]) ? 3 : 0;

		len += strcspn(value + len, ",:");
		if (len == strlen(name) && !strncmp(value, name, len))
			return i;
		if (!value[len])
			break;
		value += len + 1;
	}
	return -1;
}

static int open_disk(const char *device, const char *value, const struct door_message *m)
{
	int file = which_file(value, m->data);
	bool write = m->value & HOST_RDWR;

	if (file < 0 || m->type != DOOR_OPEN)
		return -EPERM;
	if (m->value & ~(HOST_RDWR | HOST_NONBLOCK))
		return -EACCES;
	if (write && (file || memchr(device, 'r', value - device)))
		return -EACCES;
	return host_open(m->data, (write ? HOST_RDWR : HOST_RDONLY) | HOST_NONBLOCK | HOST_NOCTTY);
}

/* Does the value name this, as this kind of channel, at such a place? */
static bool names(const char *value, const char *kind, const char *name, enum place place)
{
	const char *second = strchr(value, ',');
	size_t n = strlen(kind), len;

	for (int i = 0; i < 2 && value; i++) {
		len = strcspn(value, ",");
		if (len == n + strlen(name) && !strncmp(value, kind, n) &&
		    !strncmp(value + n, name, len - n) &&
		    (place == ANY || place == (second && !i ? INPUT : OUTPUT)))
			return true;
		value = i ? NULL : second ? second + 1 : NULL;
	}
	return false;
}

static int open_channel(const char *value, const struct door_message *m)
{
	unsigned int port;

	switch (m->type) {
	case DOOR_OPEN:
		if (m->value == HOST_APPEND)
			return names(value, "file:", m->data, OUTPUT) ?
			       host_open(m->data, HOST_APPEND | HOST_NONBLOCK | HOST_NOCTTY) : -EPERM;
		if (m->value & HOST_RDWR)
			return names(value, "tty:", m->data, ANY) ?
			       host_open(m->data, HOST_RDWR | HOST_NONBLOCK | HOST_NOCTTY) : -EPERM;
		return names(value, "file:", m->data, INPUT) ?
		       host_open(m->data, HOST_RDONLY | HOST_NONBLOCK | HOST_NOCTTY) : -EPERM;
	case DOOR_LISTEN:
		return names(value, "socket:", m->data, ANY) ? host_listen_unix(m->data) : -EPERM;
	case DOOR_PORT:
		if (!names(value, "port:", m->data, ANY))
			return -EPERM;
		return kstrtouint(m->data, 10, &port) || port > 65535 ? -EINVAL :
		       host_listen_loopback(port);
	case DOOR_PTMX:
		return names(value, "", "pts", ANY) || names(value, "", "pty", ANY) ?
		       host_open("/dev/ptmx", HOST_RDWR | HOST_NONBLOCK | HOST_NOCTTY) : -EPERM;
	}
	return -EPERM;
}

/**
 * doorman_open() - open what the kernel process asks for, if the owner names it
 * @r: the owner's request
 * @m: from the kernel process, not trusted; @data ends with a NUL
 *
 * Return: a descriptor, -EPERM when the request does not name it so, or -errno.
 */
int doorman_open(const struct request *r, const struct door_message *m)
{
	const char *device, *value = value_of(r, &device);

	if (!value || !*m->data)
		return -EPERM;
	if (!strncmp(device, "ubd", 3))
		return open_disk(device, value, m);
	if (!strncmp(device, "con", 3) || !strncmp(device, "ssl", 3))
		return open_channel(value, m);
	return -EPERM;
}
