// SPDX-License-Identifier: GPL-2.0
/*
 * Output that waits in a ring until its reader takes it; a write never blocks.
 *
 * The standard files are not made non-blocking, since other programs share
 * them: they are opened anew where that can be. A socket has a flag for each
 * write. Of what is left, such as a terminal of somebody else, poll(2) says
 * whether it takes something, and then it takes a little.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "outlet.h"
#include "uml.h"

#define LITTLE	256

/* An outlet that leads nowhere yet. */
void outlet_init(struct outlet *o)
{
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	o->ring = xrealloc(NULL, OUTLET_SIZE);
}

/**
 * outlet_open() - let @o lead to the file of @fd
 *
 * A regular file never blocks, and has a position that must stay shared.
 */
void outlet_open(struct outlet *o, int fd)
{
	char path[32];
	struct stat st;
	int anew;

	o->fd = fd;
	o->how = PLAIN;
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
	    S_ISBLK(st.st_mode))
		return;
	if (S_ISSOCK(st.st_mode)) {
		o->how = SOCKET;
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	anew = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (anew >= 0)
		o->fd = anew;
	else
		o->how = SMALL;
}

/* How many bytes outlet_add() may be given now. */
size_t outlet_room(const struct outlet *o)
{
	return OUTLET_SIZE - o->len;
}

/* Put @len bytes behind those that wait. */
void outlet_add(struct outlet *o, const char *data, size_t len)
{
	size_t end = (o->at + o->len) % OUTLET_SIZE;
	size_t part = OUTLET_SIZE - end < len ? OUTLET_SIZE - end : len;

	memcpy(o->ring + end, data, part);
	memcpy(o->ring, data + part, len - part);
	o->len += len;
}

static ssize_t write_some(const struct outlet *o, const char *buf, size_t len)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	switch (o->how) {
	case PLAIN:
		break;
	case SOCKET:
		return send(o->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SMALL:
		if (poll(&p, 1, 0) != 1) {
			errno = EAGAIN;
			return -1;
		}
		if (len > LITTLE)
			len = LITTLE;
		break;
	}
	return write(o->fd, buf, len);
}

/* Write what the file takes now. Returns 0, or the errno of one that failed. */
int outlet_pour(struct outlet *o)
{
	while (o->len && o->fd >= 0) {
		size_t part = OUTLET_SIZE - o->at;
		ssize_t done;

		if (part > o->len)
			part = o->len;
		done = write_some(o, o->ring + o->at, part);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			break;
		if (done < 0)
			return errno;
		o->len -= done;
		/* From the start again when it is empty: that lies in a cache. */
		o->at = o->len ? (o->at + done) % OUTLET_SIZE : 0;
		o->passed += done;
	}
	return 0;
}

/* Before we end: write the rest, unless nobody takes any of it for @ms. */
void outlet_finish(struct outlet *o, int ms)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	while (o->len && o->fd >= 0 && !outlet_pour(o) && o->len)
		if (poll(&p, 1, ms) == 0)
			return;
}
