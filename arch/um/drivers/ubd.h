/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of ubd share: the driver and its host thread. */
#ifndef _UM_DRIVERS_UBD_H
#define _UM_DRIVERS_UBD_H

#include <linux/types.h>
#include <asm/host.h>

#define UBD_MAX_SEGMENTS	64

enum ubd_op { UBD_READ, UBD_WRITE, UBD_FLUSH, UBD_DISCARD };

/**
 * struct ubd_io - a request on its way to the host and back
 * @next:	in one of the two lists
 * @op:		what to do
 * @fua:	UBD_WRITE: on stable storage before it is done
 * @error:	result, 0 or -errno
 * @offset:	in the file, bytes
 * @len:	bytes
 * @segments:	used part of @iov
 * @iov:	guest memory, by its addresses in the direct map
 */
struct ubd_io {
	struct ubd_io *next;
	u8 op;
	bool fua;
	int error;
	u64 offset;
	u64 len;
	unsigned int segments;
	struct host_iovec iov[UBD_MAX_SEGMENTS];
};

/**
 * struct ubd_thread - the host thread of one disk
 * @fd:		the file
 * @block:	it is a block device
 * @wake:	counts requests; the thread sleeps on it
 * @todo, @done: lists, newest first, taken whole
 * @stack:	of the thread
 */
struct ubd_thread {
	int fd;
	bool block;
	unsigned int wake;
	struct ubd_io *todo;
	struct ubd_io *done;
	char stack[16384] __aligned(16);
};

int ubd_thread_start(struct ubd_thread *t);
void ubd_submit(struct ubd_thread *t, struct ubd_io *io);
struct ubd_io *ubd_completed(struct ubd_thread *t);

#endif
