/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_FRAME_H
#define UML_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../guest/proto.h"

/*
 * Where more than this waits to be sent, what can wait is not added; and the
 * other end is not read, since each of its frames may call for one of ours.
 */
#define QUEUE_MAX	(256 * 1024)

/* What `uml` says to the launcher of a guest, beside what proto.h has. */
enum control_type {
	CTL_REQUEST = 96,	/* struct ctl_request */
	CTL_PART,		/* text of an answer that goes on */
	CTL_REPLY,		/* u32 status, then text */
};

enum control_op {
	CTL_INFO = 1,
	CTL_STOP,
	CTL_KILL,
	CTL_PAUSE,
	CTL_RESUME,
	CTL_SYSRQ,
	CTL_STATS,
	CTL_CONSOLE,
};

struct ctl_request {
	uint32_t op;
	uint32_t arg;
};

/**
 * struct peer - the other end of a socket that carries frames
 * @fd:		non-blocking, or -1
 * @in, @in_len: what has come and is no whole frame yet
 * @out, @out_at, @out_len: what is to be sent; @out_max is its size
 */
struct peer {
	int fd;
	char *in;
	size_t in_len;
	char *out;
	size_t out_at, out_len, out_max;
};

/* Takes a frame; negative when that breaks the protocol. */
typedef int (*frame_fn)(void *context, const struct uml_frame *head, const char *payload);

void peer_init(struct peer *p, int fd);
void peer_end(struct peer *p);
void peer_send(struct peer *p, unsigned int session, int type, int stream,
	       const void *payload, size_t len);
int peer_flush(struct peer *p);
int peer_receive(struct peer *p, frame_fn fn, void *context);
short peer_events(const struct peer *p);

#endif
