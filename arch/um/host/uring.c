// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring, locked. What is put on a ring is done by the host past the filter
 * of the kernel process (confine.c), so the ring itself is told, before it does
 * anything, what it may ever do: four operations, on files in its slots only,
 * carried out by the host's own worker threads only (IOSQE_ASYNC), so that who
 * submits never waits for a disk. Of io_uring_register(2) it keeps the change
 * of a slot, for disks that come and go. The host enforces this from
 * host_uring_enable() on, and nothing takes it back. No other ring can be made:
 * io_uring_setup(2) is not among the calls after boot.
 *
 * Two rings of memory are shared with the host: entries that we submit, behind
 * each other from head (the host's) to tail (ours), and results, the other way
 * round. They are the kernel process's own, not of the guest's memory, and no
 * child has them. The host's heads and tails are believed.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/minmax.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/io_uring.h>
#include <asm/host_uring.h>
#include "syscall.h"

#define ENTRIES		128		/* submitted at once */
#define RESULTS		2048		/* of all that can be under way */
#define WORKERS		16		/* host threads */
#define SQE_FLAGS	(IOSQE_FIXED_FILE | IOSQE_ASYNC)

static struct {
	int fd;
	u32 *sq_head, *sq_tail, sq_mask;
	struct io_uring_sqe *sqes;
	u32 *cq_head, *cq_tail, cq_mask;
	struct io_uring_cqe *cqes;
} ring = { .fd = -1 };

static const struct io_uring_restriction restrictions[] = {
	{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV },
	{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV },
	{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC },
	{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE },
	{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = SQE_FLAGS },
	{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = SQE_FLAGS | IOSQE_IO_LINK },
	{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_FILES_UPDATE },
};

static long ring_register(unsigned int op, const void *arg, unsigned int n)
{
	return host_call(__NR_io_uring_register, ring.fd, op, arg, n);
}

/* Not for a child, though the filter of a space leaves it no use. */
static void *map(u64 len, u64 offset)
{
	void *p = (void *)host_call(__NR_mmap, NULL, len, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_POPULATE, ring.fd, offset);

	if (!IS_ERR(p))
		host_call(__NR_madvise, p, len, MADV_DONTFORK);
	return p;
}

static int map_rings(const struct io_uring_params *p)
{
	u64 sq_len = p->sq_off.array + p->sq_entries * sizeof(u32);
	u64 cq_len = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	u64 len = max(sq_len, cq_len);
	void *at = map(len, IORING_OFF_SQ_RING);
	u32 *array;

	if (IS_ERR(at))
		return PTR_ERR(at);
	ring.sqes = map(p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	if (IS_ERR(ring.sqes)) {
		host_unmap(at, len);
		return PTR_ERR(ring.sqes);
	}
	ring.sq_head = at + p->sq_off.head;
	ring.sq_tail = at + p->sq_off.tail;
	ring.sq_mask = p->sq_entries - 1;
	ring.cq_head = at + p->cq_off.head;
	ring.cq_tail = at + p->cq_off.tail;
	ring.cq_mask = p->cq_entries - 1;
	ring.cqes = at + p->cq_off.cqes;
	array = at + p->sq_off.array;
	for (u32 i = 0; i < p->sq_entries; i++)
		array[i] = i;
	return 0;
}

/**
 * host_uring_create() - make the ring; it does nothing before host_uring_enable()
 * @slots:	for so many files, at most 64
 *
 * By the thread that will submit, at boot.
 *
 * Return: 0 or -errno; -ENOSYS, -EPERM on a host without io_uring or that
 * refuses it, -EINVAL on one that cannot lock a ring (before Linux 5.10).
 */
int host_uring_create(unsigned int slots)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
		.cq_entries = RESULTS,
	};
	u32 workers[2] = { WORKERS, 1 };
	int files[64], err;

	if (slots > ARRAY_SIZE(files))
		return -EINVAL;
	for (unsigned int i = 0; i < slots; i++)
		files[i] = -1;
	ring.fd = host_call(__NR_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0)
		return ring.fd;
	err = (p.features & IORING_FEAT_SINGLE_MMAP) && (p.features & IORING_FEAT_NODROP) ?
	      map_rings(&p) : -EINVAL;
	if (!err)
		err = ring_register(IORING_REGISTER_FILES, files, slots);
	if (!err)
		err = ring_register(IORING_REGISTER_RESTRICTIONS, restrictions,
				    ARRAY_SIZE(restrictions));
	if (err) {
		host_close(ring.fd);
		ring.fd = -1;
		return err;
	}
	/* A host before Linux 5.15 has its own limit, by the count of its CPUs. */
	ring_register(IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
	return 0;
}

/**
 * host_uring_enable() - begin; from now on the host holds the ring to its limits
 *
 * Return: 0 or -errno; then there is no ring.
 */
int host_uring_enable(void)
{
	int err = ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (!err)	/* a host may refuse one call of three */
		err = host_call(__NR_io_uring_enter, ring.fd, 0, 0, 0, NULL, 0);
	if (err < 0) {
		host_close(ring.fd);
		ring.fd = -1;
	}
	return min(err, 0);
}

/**
 * host_uring_fd() - the ring's descriptor, or -1 when there is no ring
 */
int host_uring_fd(void)
{
	return ring.fd;
}

/**
 * host_uring_set_file() - put a file into a slot, or with -1 nothing
 * @fd:	may be closed afterwards. The host keeps its open file for a moment
 *	(25 ms, seen) after the end of the kernel process, with what depends on
 *	it: so not one that holds a lock
 *
 * Return: 0 or -errno.
 */
int host_uring_set_file(unsigned int slot, int fd)
{
	struct io_uring_files_update update = { .offset = slot, .fds = (unsigned long)&fd };
	long n = ring_register(IORING_REGISTER_FILES_UPDATE, &update, 1);

	return n < 0 ? n : 0;
}

/* Entries that the host has not taken; it looks at them when we submit. */
static u32 waiting(void)
{
	return *ring.sq_tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE);
}

/**
 * host_uring_room() - how many more can be put before host_uring_submit()
 */
unsigned int host_uring_room(void)
{
	return ring.sq_mask + 1 - waiting();
}

/**
 * host_uring_put() - add something to do; there must be room
 */
void host_uring_put(const struct host_uring_op *op)
{
	struct io_uring_sqe *sqe = &ring.sqes[*ring.sq_tail & ring.sq_mask];

	*sqe = (struct io_uring_sqe){
		.flags = SQE_FLAGS | (op->linked ? IOSQE_IO_LINK : 0),
		.fd = op->slot,
		.user_data = op->tag,
	};
	switch (op->what) {
	case HOST_URING_READ:
	case HOST_URING_WRITE:
		sqe->opcode = op->what == HOST_URING_READ ? IORING_OP_READV : IORING_OP_WRITEV;
		sqe->addr = (unsigned long)op->iov;
		sqe->len = op->segments;
		sqe->off = op->offset;
		break;
	case HOST_URING_SYNC:
		sqe->opcode = IORING_OP_FSYNC;
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		break;
	case HOST_URING_PUNCH:
		sqe->opcode = IORING_OP_FALLOCATE;
		sqe->off = op->offset;
		sqe->addr = op->len;
		sqe->len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		break;
	}
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
}

/**
 * host_uring_submit() - hand all that was put to the host; does not wait
 *
 * Return: 0, or -errno: -EAGAIN, -EBUSY when the host is short of something.
 * Then take back what the host has not taken.
 */
int host_uring_submit(void)
{
	u32 left;

	while ((left = waiting())) {
		long n = host_call(__NR_io_uring_enter, ring.fd, left, 0, 0, NULL, 0);

		if (n < 0 && n != -EINTR)
			return n;
		if (!n)
			return -EAGAIN;
	}
	return 0;
}

/**
 * host_uring_take_back() - after an error: remove what was put last
 *
 * Return: its tag, or 0 when the host has all.
 */
u64 host_uring_take_back(void)
{
	if (!waiting())
		return 0;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail - 1, __ATOMIC_RELEASE);
	return ring.sqes[*ring.sq_tail & ring.sq_mask].user_data;
}

/**
 * host_uring_result() - the next result
 * @tag:	filled
 * @result:	filled: bytes, 0, or -errno; -ECANCELED when what it was linked
 *		to failed
 *
 * Return: whether there is one.
 */
bool host_uring_result(u64 *tag, int *result)
{
	u32 head = *ring.cq_head;

	if (head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*tag = ring.cqes[head & ring.cq_mask].user_data;
	*result = ring.cqes[head & ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/**
 * host_uring_wait() - sleep until there is a result
 *
 * Return: 0 or -errno.
 */
int host_uring_wait(void)
{
	return host_call(__NR_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}
