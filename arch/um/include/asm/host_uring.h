/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's io_uring: one ring, made at boot, that can do nothing but read,
 * write, sync and punch holes in files that were put into its slots, and has
 * the host's own threads do even that. See arch/um/host/uring.c.
 *
 * host_uring_room(), _put(), _submit() and _take_back() are for one caller at a
 * time; host_uring_result() and _wait() for one thread.
 */
#ifndef _ASM_UM_HOST_URING_H
#define _ASM_UM_HOST_URING_H

#include <linux/types.h>

enum host_uring_what { HOST_URING_READ, HOST_URING_WRITE, HOST_URING_SYNC, HOST_URING_PUNCH };

/**
 * struct host_uring_op - something for the ring to do
 * @what:	READ, WRITE: preadv(2), pwritev(2); SYNC: fdatasync(2);
 *		PUNCH: fallocate(2) of a hole
 * @linked:	the next one is done when this one is, and only if it was done
 *		whole; both are put before the next host_uring_submit()
 * @slot:	of the file
 * @iov:	READ, WRITE: @segments of it, which stay until there is a result
 * @offset:	in the file, bytes
 * @len:	PUNCH: bytes
 * @tag:	comes with the result; not 0
 */
struct host_uring_op {
	enum host_uring_what what;
	bool linked;
	unsigned int slot;
	const struct host_iovec *iov;
	unsigned int segments;
	u64 offset;
	u64 len;
	u64 tag;
};

int host_uring_create(unsigned int slots);
int host_uring_enable(void);
int host_uring_fd(void);
int host_uring_set_file(unsigned int slot, int fd);
unsigned int host_uring_room(void);
void host_uring_put(const struct host_uring_op *op);
int host_uring_submit(void);
u64 host_uring_take_back(void);
bool host_uring_result(u64 *tag, int *result);
int host_uring_wait(void);

#endif
