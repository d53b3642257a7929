// SPDX-License-Identifier: GPL-2.0
/*
 * Frames (../guest/proto.h) over a stream socket.
 *
 * The other end may be hostile: a header is checked before its payload is
 * waited for, and one that is wrong ends the connection. What is to be sent is
 * kept until the socket takes it; who sends data looks at out_len first.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "frame.h"
#include "uml.h"

#define HEAD	sizeof(struct uml_frame)
#define IN	(4 * (UML_PAYLOAD_MAX + HEAD))

void peer_init(struct peer *p, int fd)
{
	memset(p, 0, sizeof(*p));
	p->fd = fd;
	p->in = xrealloc(NULL, IN);
}

void peer_end(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->in);
	free(p->out);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

void peer_send(struct peer *p, unsigned int session, int type, int stream,
	       const void *payload, size_t len)
{
	struct uml_frame head = {
		.len = len, .session = session, .type = type, .stream = stream,
	};

	if (p->out_at) {
		memmove(p->out, p->out + p->out_at, p->out_len);
		p->out_at = 0;
	}
	if (p->out_len + HEAD + len > p->out_max) {
		p->out_max = (p->out_len + HEAD + len) * 2;
		p->out = xrealloc(p->out, p->out_max);
	}
	memcpy(p->out + p->out_len, &head, HEAD);
	if (len)
		memcpy(p->out + p->out_len + HEAD, payload, len);
	p->out_len += HEAD + len;
}

/* Send what the socket takes now; -1 when the other end is gone. */
int peer_flush(struct peer *p)
{
	while (p->out_len) {
		ssize_t n = send(p->fd, p->out + p->out_at, p->out_len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -1;
		p->out_at += n;
		p->out_len -= n;
	}
	p->out_at = 0;
	return 0;
}

/*
 * Read what has come and hand on whole frames. Returns 1, 0 at the end of the
 * stream, -1 when the connection broke or @fn or a header was wrong.
 */
int peer_receive(struct peer *p, frame_fn fn, void *context)
{
	struct uml_frame head;
	size_t at = 0;
	ssize_t n;

	n = recv(p->fd, p->in + p->in_len, IN - p->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -1;
	if (n == 0)
		return 0;
	p->in_len += n;
	while (p->in_len - at >= HEAD) {
		memcpy(&head, p->in + at, HEAD);
		if (head.len > UML_PAYLOAD_MAX || head.stream > 2)
			return -1;
		if (p->in_len - at < HEAD + head.len)
			break;
		if (fn(context, &head, p->in + at + HEAD) < 0)
			return -1;
		at += HEAD + head.len;
	}
	memmove(p->in, p->in + at, p->in_len - at);
	p->in_len -= at;
	return 1;
}

/* What to wait for. */
short peer_events(const struct peer *p)
{
	return (p->out_len <= QUEUE_MAX ? POLLIN : 0) | (p->out_len ? POLLOUT : 0);
}
