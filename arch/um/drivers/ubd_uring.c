// SPDX-License-Identifier: GPL-2.0
/*
 * Requests by the host's io_uring: the vCPU puts a batch on the ring with one
 * host call, the host's own threads carry it out, and one thread of ours takes
 * the results. There is one ring for all disks; what it may do is told in
 * host/uring.c.
 *
 * Copies of more than a vCPU does itself (UBD_TRY_BYTES) are left to the disk's
 * threads, which measured quicker (docs/performance.md), unless ubd=uring asks
 * for the ring. For what is smaller no difference was seen for sure.
 *
 * A read or write that is whole in one file is one operation; a write that is
 * to be on stable storage is two, linked. All else is left to the disk's own
 * threads (ubd_host.c): flushes of COW files, reads from both of its files,
 * bits that are not in memory, discards of a block device. So is each request
 * that did not go well on the ring, as a whole: they find out why, or do it.
 * But an error of a sync is the answer, since the host tells it only once.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/host_uring.h>
#include "ubd.h"

#define SLOTS		32	/* a file and a backing file for each disk */
#define TAG_SYNC	1	/* beside the request's address: its second part */

static DEFINE_SPINLOCK(lock);	/* to put and to submit */
static bool running, all_sizes;
static char stack[UBD_STACK_SIZE] __aligned(16);

/* The host did nothing, and might another time. */
static bool not_done(int result)
{
	return result == -ECANCELED || result == -EAGAIN || result == -EINTR || result == -EBADF;
}

/* One of its results; by whoever learns it. */
static void part_done(u64 tag, int result)
{
	struct ubd_io *io = (struct ubd_io *)(tag & ~TAG_SYNC);
	bool transfer = io->op <= UBD_WRITE && !(tag & TAG_SYNC);

	if (transfer ? result != io->len : not_done(result))
		WRITE_ONCE(io->redo, true);
	else if (result < 0)
		WRITE_ONCE(io->error, result);
	if (__atomic_sub_fetch(&io->parts, 1, __ATOMIC_ACQ_REL))
		return;
	if (!io->error && io->redo) {
		ubd_threads.submit(io);
		ubd_threads.kick(io->image);
	} else if (!io->error && io->op == UBD_WRITE && io->image->is_cow) {
		ubd_done(io, ubd_cow_written(io->image, io));
	} else {
		ubd_done(io, io->error);
	}
}

/* Under @lock. What the host does not take now, threads do. */
static void submit_all(void)
{
	u64 tag;

	if (!host_uring_submit())
		return;
	while ((tag = host_uring_take_back()))
		part_done(tag, -ECANCELED);
}

/* The operation that a request is, if it is one. */
static bool translate(struct ubd_io *io, struct host_uring_op *op)
{
	struct ubd_image *img = io->image;
	int fd = img->fd;

	if (io->op <= UBD_WRITE && io->len > UBD_TRY_BYTES && !all_sizes)
		return false;
	*op = (struct host_uring_op){
		.slot = img->slot, .offset = io->offset, .len = io->len, .tag = (u64)io,
		.iov = io->iov, .segments = io->segments,
	};
	switch (io->op) {
	case UBD_READ:
		op->what = HOST_URING_READ;
		if (img->is_cow && !ubd_cow_place(img, io, &fd, &op->offset))
			return false;
		op->slot += fd != img->fd;
		return true;
	case UBD_WRITE:
		op->what = HOST_URING_WRITE;
		op->linked = io->fua || img->sync;
		if (!img->is_cow)
			return true;
		op->offset += img->cow.data_at;
		return !op->linked && ubd_cow_loaded(img, io);
	case UBD_FLUSH:
		op->what = HOST_URING_SYNC;
		return !img->is_cow;
	case UBD_DISCARD:
	case UBD_ZERO:
		op->what = HOST_URING_PUNCH;
		op->linked = io->op == UBD_ZERO && (io->fua || img->sync);
		return !img->is_cow && !img->block;
	}
	return false;
}

static bool put(struct ubd_io *io)
{
	struct host_uring_op op;
	unsigned long flags;
	bool room;

	if (!translate(io, &op))
		return false;
	io->parts = 1 + op.linked;
	io->redo = false;
	spin_lock_irqsave(&lock, flags);
	if (host_uring_room() < io->parts)
		submit_all();
	room = host_uring_room() >= io->parts;
	if (room) {
		host_uring_put(&op);
		if (op.linked)
			host_uring_put(&(struct host_uring_op){
				.what = HOST_URING_SYNC, .slot = op.slot, .tag = op.tag | TAG_SYNC,
			});
	}
	spin_unlock_irqrestore(&lock, flags);
	return room;
}

static void submit(struct ubd_io *io)
{
	if (!put(io))
		ubd_threads.submit(io);
}

static void kick(struct ubd_image *img)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	submit_all();
	spin_unlock_irqrestore(&lock, flags);
	if (READ_ONCE(img->pool->todo))
		ubd_threads.kick(img);
}

const struct ubd_transport ubd_uring = {
	.name = "uring",
	.submit = submit,
	.kick = kick,
};

static int take_results(void *arg)
{
	host_block_all_signals();
	host_unpin();
	for (;;) {
		int result, err;
		u64 tag;

		if (host_uring_result(&tag, &result)) {
			if (tag)
				part_done(tag, result);
			continue;
		}
		err = host_uring_wait();
		if (err < 0 && err != -EINTR)
			host_poll_two(-1, -1, 20);	/* the host is short of something */
	}
	return 0;
}

/**
 * ubd_uring_start() - make the ring and the thread that takes its results
 *
 * @all: requests of all sizes are for the ring
 *
 * At boot, by the vCPU. Disks are attached before ubd_uring_enable() or later.
 *
 * Return: 0, or -errno on a host that has no io_uring for us.
 */
int __init ubd_uring_start(bool all)
{
	int err = host_uring_create(SLOTS);

	all_sizes = all;
	running = !err;
	return err;
}

/**
 * ubd_uring_enable() - the ring begins, and does what it is for and nothing else
 *
 * Return: 0 or -errno; then disks that are attached have to be detached.
 */
int __init ubd_uring_enable(void)
{
	int err = host_uring_enable();

	if (!err)
		err = host_thread(take_results, NULL, stack, UBD_STACK_SIZE);
	running = err >= 0;
	return min(err, 0);
}

static int attach(unsigned int slot, int fd, const char *name, bool write)
{
	int again = ubd_reopen(fd, name, write), err;

	if (again < 0)
		return again;
	err = host_uring_set_file(slot, again);
	host_close(again);
	return err;
}

/**
 * ubd_uring_attach() - have a disk's requests go by the ring, if they can
 * @img:	open; @transport is set
 * @spec:	as it was opened
 * @slot:	of two that are its own
 *
 * May sleep.
 */
void ubd_uring_attach(struct ubd_image *img, const struct ubd_spec *spec, unsigned int slot)
{
	int err;

	img->slot = slot;
	img->transport = &ubd_threads;
	if (!running)
		return;
	img->transport = &ubd_uring;
	err = attach(slot, img->fd, spec->file, !img->readonly);
	if (!err && img->is_cow)
		err = attach(slot + 1, img->cow.backing, spec->backing ?: "", false);
	if (!err)
		return;
	ubd_uring_detach(img);
	if (all_sizes)
		boot_warn("ubd=uring: %s cannot be on the ring (%s): threads do its work\n",
			  spec->file, host_error(err));
	else
		pr_info("ubd: %s is not on the ring: %s\n", spec->file, host_error(err));
}

/**
 * ubd_uring_detach() - requests go by threads from now on; the ring lets go of
 * the files
 *
 * What is under way is carried out.
 */
void ubd_uring_detach(struct ubd_image *img)
{
	if (img->transport != &ubd_uring)
		return;
	img->transport = &ubd_threads;
	if (host_uring_fd() < 0)
		return;
	kick(img);
	host_uring_set_file(img->slot, -1);
	host_uring_set_file(img->slot + 1, -1);
}
