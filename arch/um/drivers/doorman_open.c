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
 *	config vecN:transport=tap,ifname=TAP, config ethN=tuntap,TAP
 *		the end of TAP, which has to be there and the user's
 *	config vecN:transport=stream,path=PATH
 *		a connection to PATH
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/if.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/un.h>
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

/* Sockets of consoles, to be removed when they are not used any more. */
#define SOCKETS	32
static char made[SOCKETS][sizeof_field(struct sockaddr_un, sun_path)];

static int listen_at(const char *path)
{
	int fd, i;

	for (i = 0; i < SOCKETS && *made[i]; i++)
		;
	if (i == SOCKETS)
		return -ENOSPC;
	fd = host_listen_unix(path);
	if (fd >= 0)
		strscpy(made[i], path);
	return fd;
}

/**
 * doorman_remove() - remove a socket that was made here, unless somebody listens there
 * @path: where; NULL: all of them
 */
void doorman_remove(const char *path)
{
	for (int i = 0; i < SOCKETS; i++)
		if (*made[i] && (!path || !strcmp(made[i], path))) {
			host_unlink_dead_socket(made[i]);
			*made[i] = 0;
		}
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
		return names(value, "socket:", m->data, ANY) ? listen_at(m->data) : -EPERM;
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

/*
 * Is this what the pairs KEY=VALUE say of a key, which has its '=' here? As
 * net_options.c reads them: of several the last.
 */
static bool says(const char *value, const char *key, const char *what)
{
	size_t n = strlen(key), len;
	bool found = false;

	for (;; value += len + 1) {
		len = strcspn(value, ",");
		if (!strncmp(value, key, n))
			found = len == n + strlen(what) && !strncmp(value + n, what, len - n);
		if (!value[len])
			return found;
	}
}

static bool names_tap(const char *device, const char *value, const char *name)
{
	static const char tuntap[] = "tuntap,";
	size_t n = sizeof(tuntap) - 1;

	if (!strncmp(device, "vec", 3))
		return says(value, "transport=", "tap") && says(value, "ifname=", name);
	return !strncmp(value, tuntap, n) && strcspn(value + n, ",") == strlen(name) &&
	       !strncmp(value + n, name, strlen(name));
}

/* Attaching to one that is not there would make it, where the user may. */
static int open_tap(const char *name)
{
	int fd, err = host_netdev_exists(name);

	if (err <= 0)
		return err ?: -ENODEV;
	fd = host_open("/dev/net/tun", HOST_RDWR | HOST_NONBLOCK);
	if (fd < 0)
		return fd;
	err = host_tap_attach(fd, name);
	if (!err)
		return fd;
	host_close(fd);
	return err;
}

static int connect_stream(const char *path)
{
	int fd = host_connect_stream(path);

	if (fd >= 0)
		host_socket_room(fd);
	return fd;
}

static int open_net(const char *device, const char *value, const struct door_message *m)
{
	if (!IS_ENABLED(CONFIG_UML_NET))
		return -EPERM;
	switch (m->type) {
	case DOOR_TAP:
		return strlen(m->data) < IFNAMSIZ && names_tap(device, value, m->data) ?
		       open_tap(m->data) : -EPERM;
	case DOOR_CONNECT:
		return !strncmp(device, "vec", 3) && says(value, "transport=", "stream") &&
		       says(value, "path=", m->data) ? connect_stream(m->data) : -EPERM;
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
	if (!strncmp(device, "vec", 3) || !strncmp(device, "eth", 3))
		return open_net(device, value, m);
	return -EPERM;
}
