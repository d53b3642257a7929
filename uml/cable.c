// SPDX-License-Identifier: GPL-2.0
/*
 * The cable between passt and the guest. passt sends as much at once as the
 * guest's receive window holds, some MiB, and forgets what the socket has no
 * room for: the guest waits for it to be sent again, and gets a hundredth of
 * what it could. How large a Unix socket's buffer may be says net.core.wmem_max,
 * and the usual 208 KiB are three frames. A TCP connection on the loopback is
 * slower by a third for one frame, but its buffers grow to megabytes as they are
 * needed (net.ipv4.tcp_wmem). So it is the second choice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "machine.h"

#define ROOM	(4 << 20)	/* more than a window that the guest opens */
#define TRIES	16		/* of others to take our connection's place */

/* Let the end send much at once. Return: as much as it should be */
static bool make_room(int end)
{
	int room = ROOM;
	socklen_t len = sizeof(room);

	setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (getsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, &len) < 0)
		return false;
	return room >= ROOM;	/* the host counts all twice: half of it is enough */
}

static int tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

/* Listen where nobody but this host can connect. Return: a socket, or -1 */
static int listener(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int s = tcp_socket();

	*at = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (s >= 0 && !bind(s, (void *)at, sizeof(*at)) && !listen(s, TRIES) &&
	    !getsockname(s, (void *)at, &len))
		return s;
	if (s >= 0)
		close(s);
	return -1;
}

/* The connection that @end has made, and no other user's. Return: it, or -1 */
static int accept_from(int s, int end)
{
	struct sockaddr_in own, peer;
	socklen_t len = sizeof(own);

	if (getsockname(end, (void *)&own, &len) < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		int c;

		len = sizeof(peer);
		c = accept4(s, (void *)&peer, &len, SOCK_CLOEXEC);
		if (c < 0)
			return -1;
		if (peer.sin_port == own.sin_port && peer.sin_addr.s_addr == own.sin_addr.s_addr)
			return c;
		close(c);
	}
	return -1;
}

static bool tcp_pair(int ends[2])
{
	struct sockaddr_in at;
	int s = listener(&at), one = 1;

	if (s < 0)
		return false;
	ends[1] = -1;
	ends[0] = tcp_socket();
	if (ends[0] >= 0 && !connect(ends[0], (void *)&at, sizeof(at)))
		ends[1] = accept_from(s, ends[0]);
	close(s);
	if (ends[1] < 0) {
		if (ends[0] >= 0)
			close(ends[0]);
		return false;
	}
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

/**
 * cable() - two connected stream sockets
 * @ends: the guest's, and passt's, which may send much at once
 */
void cable(int ends[2])
{
	int tcp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("cannot make a socket: %s", strerror(errno));
	if (make_room(ends[1]) || !tcp_pair(tcp))
		return;
	close(ends[0]);
	close(ends[1]);
	ends[0] = tcp[0];
	ends[1] = tcp[1];
}
