// SPDX-License-Identifier: GPL-2.0
/*
 * The host side of a disk: threads that do the reads, writes and syncs, so that
 * the vCPU never waits for the host's disk. They also do what the other
 * transport cannot (ubd_uring.c), and results of both take one way back.
 *
 * Requests and results travel on lists without locks; each is pushed by one
 * side and taken whole by the other. What was taken of the requests waits, in
 * order, on a list that only the threads share. The vCPU wakes one thread for a
 * batch; who takes a request and sees another one behind it wakes the next. A
 * result raises an interrupt only when the vCPU has fetched all before it.
 *
 * One thread at a time writes to a file: the host has a lock for each file that a
 * write holds, and threads that wait for it spin, on the vCPU's CPU as well.
 *
 * A large write that nobody waits for (the guest writes back in the background)
 * takes memory bandwidth and caches from the programs that run meanwhile, and its
 * pages are often written again before long. Behind such a write its thread rests
 * twice as long as that took, unless the vCPU is idle or a request comes that
 * somebody may wait for.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "ubd.h"

/**
 * ubd_lock() - take a lock; by host threads, and by a vCPU only for the last
 * flush of a disk that is removed or of a guest that ends
 */
void ubd_lock(struct ubd_lock *l)
{
	unsigned int seen = 0;

	if (__atomic_compare_exchange_n(&l->word, &seen, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE))
		host_futex_wait(&l->word, 2, 0);
}

/**
 * ubd_trylock() - take a lock if it is free
 */
bool ubd_trylock(struct ubd_lock *l)
{
	unsigned int seen = 0;

	return __atomic_compare_exchange_n(&l->word, &seen, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/**
 * ubd_unlock() - let the lock go, and wake who waits for it
 */
void ubd_unlock(struct ubd_lock *l)
{
	if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
		host_futex_wake(&l->word);
}

/* Returns whether the list was empty. */
static bool push(struct ubd_io **list, struct ubd_io *io)
{
	struct ubd_io *head = __atomic_load_n(list, __ATOMIC_RELAXED);

	do {
		io->next = head;
	} while (!__atomic_compare_exchange_n(list, &head, io, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return !head;
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

static void advance(struct ubd_cursor *c, u64 done)
{
	while (c->n && done >= c->iov->len) {
		done -= c->iov->len;
		c->iov++;
		c->n--;
	}
	if (done) {
		c->iov->base += done;
		c->iov->len -= done;
	}
}

/**
 * ubd_transfer() - read or write all of a range
 * @c: guest memory, @len bytes or more; moved behind them
 *
 * Return: 0 or -errno; -EIO when the file ends before the range does.
 */
int ubd_transfer(int fd, bool write, struct ubd_cursor *c, u64 len, u64 offset)
{
	while (len) {
		u64 sum = 0, over;
		unsigned int n = 0;
		long got;

		while (sum < len)
			sum += c->iov[n++].len;
		over = sum - len;
		c->iov[n - 1].len -= over;
		got = write ? host_pwritev(fd, c->iov, n, offset)
			    : host_preadv(fd, c->iov, n, offset);
		c->iov[n - 1].len += over;
		if (got < 0)
			return got;
		if (!got)
			return -EIO;
		advance(c, got);
		offset += got;
		len -= got;
	}
	return 0;
}

static int raw_io(struct ubd_image *img, struct ubd_io *io)
{
	struct ubd_cursor c = { .iov = io->iov, .n = io->segments };

	switch (io->op) {
	case UBD_READ:
	case UBD_WRITE:
		return ubd_transfer(img->fd, io->op == UBD_WRITE, &c, io->len, io->offset);
	case UBD_DISCARD:
	case UBD_ZERO:
		return host_discard(img->fd, io->offset, io->len, img->block);
	}
	return -EOPNOTSUPP;
}

static int flush(struct ubd_image *img)
{
	return img->is_cow ? ubd_cow_flush(img) : host_fdatasync(img->fd);
}

static bool has_work(struct ubd_pool *pool)
{
	return __atomic_load_n(&pool->first, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&pool->todo, __ATOMIC_SEQ_CST);
}

static void wake_one(struct ubd_pool *pool)
{
	__atomic_fetch_add(&pool->wake, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&pool->idle, __ATOMIC_SEQ_CST))
		host_futex_wake(&pool->wake);
}

static bool takes_turns(const struct ubd_io *io)
{
	return io->op == UBD_WRITE && !io->image->block;
}

static void append(struct ubd_io **first, struct ubd_io **last, struct ubd_io *io)
{
	io->next = NULL;
	if (*first)
		(*last)->next = io;
	else
		__atomic_store_n(first, io, __ATOMIC_RELAXED);
	*last = io;
}

/* Under the pool's lock: it can be carried out, or waits for another write. */
static void line_up(struct ubd_pool *pool, struct ubd_io *io)
{
	struct ubd_image *img = io->image;

	if (takes_turns(io)) {
		if (img->writing) {
			append(&img->writes, &img->last_write, io);
			return;
		}
		img->writing = true;
	}
	append(&pool->first, &pool->last, io);
}

/* A write is in the file. Another thread takes the next if this one is to sync. */
static void next_write(struct ubd_image *img, bool syncs)
{
	struct ubd_pool *pool = img->pool;
	struct ubd_io *io;

	ubd_lock(&pool->lock);
	img->writing = false;
	io = img->writes;
	if (io) {
		img->writes = io->next;
		line_up(pool, io);
	}
	ubd_unlock(&pool->lock);
	if (io && syncs)
		wake_one(pool);
}

/* What follows in the disk's queue waits, too, if it can. */
static void rest(struct ubd_io *io, u64 began)
{
	struct ubd_image *img = io->image;
	u64 now = host_monotonic_ns();

	if (vcpu_is_idle(io->queue->vcpu))
		return;
	__atomic_store_n(&img->resting, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&img->urgent, __ATOMIC_SEQ_CST)) {
		host_futex_wait(&img->urgent, 0, now + min(2 * (now - began), UBD_REST_NS));
		WRITE_ONCE(img->rests, img->rests + 1);
	}
	__atomic_store_n(&img->resting, false, __ATOMIC_RELAXED);
}

static int do_io(struct ubd_io *io)
{
	struct ubd_image *img = io->image;
	u64 began = io->can_wait ? host_monotonic_ns() : 0;
	bool syncs = (io->op == UBD_WRITE || io->op == UBD_ZERO) && (io->fua || img->sync);
	bool copies = io->op == UBD_WRITE && io->len > UBD_TRY_BYTES;
	int err;

	if (io->op == UBD_FLUSH)
		return flush(img);
	if (copies)
		spread_helper(true);
	err = img->is_cow ? ubd_cow_io(img, io) : raw_io(img, io);
	if (copies)
		spread_helper(false);
	if (io->can_wait && takes_turns(io))
		rest(io, began);
	if (takes_turns(io))
		next_write(img, syncs);
	if (!err && syncs)
		err = flush(img);
	return err;
}

/**
 * ubd_try() - carry a request out at once if that needs no waiting
 *
 * By a vCPU. A hand-over to a thread and back costs more than the host takes
 * for what lies in its page cache.
 *
 * Return: true when it is done, well; else it is to be submitted.
 */
bool ubd_try(struct ubd_io *io)
{
	struct ubd_image *img = io->image;
	bool write = io->op == UBD_WRITE;
	u64 offset = io->offset;
	int fd = img->fd;
	long got;

	if (io->op > UBD_WRITE || io->len > UBD_TRY_BYTES || img->cannot_try[write])
		return false;
	if (write && (io->fua || img->sync))
		return false;
	if (img->is_cow && !ubd_cow_place(img, io, &fd, &offset))
		return false;
	got = write ? host_pwritev_nowait(fd, io->iov, io->segments, offset)
		    : host_preadv_nowait(fd, io->iov, io->segments, offset);
	if (got == -EOPNOTSUPP || got == -ENOSYS)
		img->cannot_try[write] = true;
	return got == io->len;
}

static struct ubd_io *next_io(struct ubd_pool *pool)
{
	struct ubd_io *io, *fresh, *next;
	bool more;

	ubd_lock(&pool->lock);
	for (fresh = take(&pool->todo); fresh; fresh = next) {
		next = fresh->next;
		line_up(pool, fresh);
	}
	io = pool->first;
	if (io)
		__atomic_store_n(&pool->first, io->next, __ATOMIC_RELAXED);
	more = pool->first;
	ubd_unlock(&pool->lock);
	if (more)
		wake_one(pool);
	return io;
}

static int ubd_main(void *arg)
{
	struct ubd_pool *pool = arg;

	host_block_all_signals();
	host_unpin();
	for (;;) {
		struct ubd_io *io = next_io(pool);

		if (io) {
			ubd_done(io, do_io(io));
		} else {
			unsigned int seen;

			__atomic_fetch_add(&pool->idle, 1, __ATOMIC_SEQ_CST);
			seen = __atomic_load_n(&pool->wake, __ATOMIC_SEQ_CST);
			if (!has_work(pool))
				host_futex_wait(&pool->wake, seen, 0);
			__atomic_fetch_sub(&pool->idle, 1, __ATOMIC_SEQ_CST);
		}
	}
	return 0;
}

/**
 * ubd_pool_start() - start the threads
 *
 * At boot, since the kernel process may make no thread afterwards.
 *
 * Return: 0, or -errno of the host when it gives not even one.
 */
int ubd_pool_start(struct ubd_pool *pool)
{
	int i, err = 0;

	for (i = 0; i < UBD_THREADS && err >= 0; i++)
		err = host_thread(ubd_main, pool, pool->stacks[i], UBD_STACK_SIZE);
	return i > 1 || err >= 0 ? 0 : err;
}

/**
 * ubd_begin() - a request is about to be given to a transport
 *
 * By a vCPU.
 */
void ubd_begin(struct ubd_io *io)
{
	struct ubd_image *img = io->image;

	if (io->can_wait)
		return;
	__atomic_fetch_add(&img->urgent, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&img->resting, __ATOMIC_SEQ_CST))
		host_futex_wake(&img->urgent);
}

static void submit(struct ubd_io *io)
{
	push(&io->image->pool->todo, io);
}

static void kick(struct ubd_image *img)
{
	wake_one(img->pool);
}

const struct ubd_transport ubd_threads = {
	.name = "threads",
	.submit = submit,
	.kick = kick,
};

/**
 * ubd_done() - a request is carried out; it goes back to its vCPU
 * @error: 0 or -errno
 *
 * By any host thread of a transport.
 */
void ubd_done(struct ubd_io *io, int error)
{
	struct ubd_queue *q = io->queue;

	io->error = error;
	if (!io->can_wait)
		__atomic_fetch_sub(&io->image->urgent, 1, __ATOMIC_RELAXED);
	if (push(&q->done, io))		/* now @io is the vCPU's */
		vcpu_raise(q->vcpu, IRQ_UBD);
}

/**
 * ubd_completed() - all requests of a queue that are done, oldest first
 */
struct ubd_io *ubd_completed(struct ubd_queue *q)
{
	return take(&q->done);
}
