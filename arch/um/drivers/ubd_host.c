// SPDX-License-Identifier: GPL-2.0
/*
 * The host side of a disk: a thread that does the reads, writes and syncs, so
 * that the vCPU never waits for the host's disk. Requests and results travel
 * on two lists without locks; each is pushed by one side and taken whole by
 * the other.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "ubd.h"

static void push(struct ubd_io **list, struct ubd_io *io)
{
	io->next = __atomic_load_n(list, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(list, &io->next, io, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

/* Take a list whole, oldest first. */
static struct ubd_io *take(struct ubd_io **list)
{
	struct ubd_io *io = __atomic_exchange_n(list, NULL, __ATOMIC_ACQUIRE);
	struct ubd_io *out = NULL;

	while (io) {
		struct ubd_io *next = io->next;

		io->next = out;
		out = io;
		io = next;
	}
	return out;
}

/* Read or write all of it; a file that ends early is an I/O error. */
static int transfer(struct ubd_thread *t, struct ubd_io *io)
{
	struct host_iovec *iov = io->iov;
	unsigned int n = io->segments;
	u64 offset = io->offset;

	while (n) {
		long got = io->op == UBD_READ ? host_preadv(t->fd, iov, n, offset)
					      : host_pwritev(t->fd, iov, n, offset);

		if (got < 0)
			return got;
		if (!got)
			return -EIO;
		offset += got;
		while (n && got >= iov->len) {
			got -= iov->len;
			iov++;
			n--;
		}
		if (n) {
			iov->base += got;
			iov->len -= got;
		}
	}
	return 0;
}

static int do_io(struct ubd_thread *t, struct ubd_io *io)
{
	int err;

	switch (io->op) {
	case UBD_READ:
		return transfer(t, io);
	case UBD_WRITE:
		err = transfer(t, io);
		return !err && io->fua ? host_fdatasync(t->fd) : err;
	case UBD_FLUSH:
		return host_fdatasync(t->fd);
	case UBD_DISCARD:
		return host_discard(t->fd, io->offset, io->len, t->block);
	}
	return -EOPNOTSUPP;
}

static int ubd_main(void *arg)
{
	struct ubd_thread *t = arg;

	host_block_all_signals();
	host_unpin();
	for (;;) {
		unsigned int seen = __atomic_load_n(&t->wake, __ATOMIC_SEQ_CST);
		struct ubd_io *io = take(&t->todo), *next;

		if (!io) {
			host_futex_wait(&t->wake, seen, 0);
			continue;
		}
		for (; io; io = next) {
			next = io->next;
			io->error = do_io(t, io);
			push(&t->done, io);
			vcpu_raise(&vcpu0, IRQ_UBD);
		}
	}
	return 0;
}

/**
 * ubd_thread_start() - start a disk's thread
 *
 * Return: 0 or -errno of the host.
 */
int ubd_thread_start(struct ubd_thread *t)
{
	int err = host_thread(ubd_main, t, t->stack, sizeof(t->stack));

	return err < 0 ? err : 0;
}

/**
 * ubd_submit() - hand a request over
 */
void ubd_submit(struct ubd_thread *t, struct ubd_io *io)
{
	push(&t->todo, io);
	__atomic_fetch_add(&t->wake, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&t->wake);
}

/**
 * ubd_completed() - all requests that are done, oldest first
 */
struct ubd_io *ubd_completed(struct ubd_thread *t)
{
	return take(&t->done);
}
