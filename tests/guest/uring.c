// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring by its raw system calls: the rings are memory that the kernel and
 * the program share, which is what a port may get wrong.
 */
#include "test.h"
#include <linux/io_uring.h>

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static void set_up(struct ring *ring, int entries)
{
	struct io_uring_params *p = &ring->params;

	memset(p, 0, sizeof(*p));
	ring->fd = syscall(SYS_io_uring_setup, entries, p);
	if (ring->fd < 0 && !in_guest())
		test_skip("the host refuses: %s", strerror(errno));
	OK(ring->fd);
	ring->sq = MAP(NULL, p->sq_off.array + p->sq_entries * 4, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = MAP(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
		       IORING_OFF_CQ_RING);
	ring->sqes = MAP(NULL, p->sq_entries * sizeof(struct io_uring_sqe),
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			 IORING_OFF_SQES);
}

static struct io_uring_sqe *next_sqe(struct ring *ring)
{
	unsigned int *tail = (void *)(ring->sq + ring->params.sq_off.tail);
	unsigned int i = *tail & (ring->params.sq_entries - 1);

	((unsigned int *)(ring->sq + ring->params.sq_off.array))[i] = i;
	memset(&ring->sqes[i], 0, sizeof(ring->sqes[i]));
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return &ring->sqes[i];
}

struct completion {
	uint64_t user_data;
	int res;
};

static struct completion reap(struct ring *ring)
{
	unsigned int *head = (void *)(ring->cq + ring->params.cq_off.head);
	unsigned int *tail = (void *)(ring->cq + ring->params.cq_off.tail);
	struct io_uring_cqe *cqes = (void *)(ring->cq + ring->params.cq_off.cqes);
	struct io_uring_cqe *cqe;
	struct completion done;

	CHECK_NE(*head, __atomic_load_n(tail, __ATOMIC_ACQUIRE));
	cqe = &cqes[*head & (ring->params.cq_entries - 1)];
	done = (struct completion){ cqe->user_data, cqe->res };
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return done;
}

static int enter(struct ring *ring, int submit, int complete)
{
	return syscall(SYS_io_uring_enter, ring->fd, submit, complete,
		       IORING_ENTER_GETEVENTS, NULL, 0);
}

TEST(nop)
{
	struct ring ring;

	set_up(&ring, 8);
	for (int i = 0; i < 100; i++) {
		struct io_uring_sqe *sqe = next_sqe(&ring);
		struct completion cqe;

		sqe->opcode = IORING_OP_NOP;
		sqe->user_data = 1000 + i;
		CHECK_EQ(OK(enter(&ring, 1, 1)), 1);
		cqe = reap(&ring);
		CHECK_EQ(cqe.user_data, 1000 + i);
		CHECK_EQ(cqe.res, 0);
	}
}

TEST(read_write_timeout)
{
	struct __kernel_timespec ts = { 0, 20000000 };
	int fd = OK(memfd_create("uring", 0));
	struct io_uring_sqe *sqe;
	char buf[8] = "";
	int64_t start;
	struct ring ring;

	set_up(&ring, 8);
	sqe = next_sqe(&ring);
	sqe->opcode = IORING_OP_WRITE;
	sqe->flags = IOSQE_IO_LINK;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)"ring";
	sqe->len = 5;
	sqe = next_sqe(&ring);
	sqe->opcode = IORING_OP_READ;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buf;
	sqe->len = 5;
	CHECK_EQ(OK(enter(&ring, 2, 2)), 2);
	CHECK_EQ(reap(&ring).res, 5);
	CHECK_EQ(reap(&ring).res, 5);
	CHECK(!strcmp(buf, "ring"));
	sqe = next_sqe(&ring);
	sqe->opcode = IORING_OP_TIMEOUT;
	sqe->addr = (uintptr_t)&ts;
	sqe->len = 1;
	start = now_ns();
	CHECK_EQ(OK(enter(&ring, 1, 1)), 1);
	CHECK_EQ(reap(&ring).res, -ETIME);
	CHECK_GE(now_ns() - start, 20000000);
}

/* A read that waits is done by a worker, a kernel thread in our space. */
TEST(blocking_read_by_worker)
{
	struct io_uring_sqe *sqe;
	char buf[8] = "";
	struct ring ring;
	int fds[2];

	OK(pipe(fds));
	set_up(&ring, 8);
	sqe = next_sqe(&ring);
	sqe->opcode = IORING_OP_READ;
	sqe->flags = IOSQE_ASYNC;
	sqe->fd = fds[0];
	sqe->addr = (uintptr_t)buf;
	sqe->len = sizeof(buf);
	CHECK_EQ(OK(enter(&ring, 1, 0)), 1);
	sleep_ms(20);
	CHECK_EQ(write(fds[1], "late", 5), 5);
	OK(enter(&ring, 0, 1));
	CHECK_EQ(reap(&ring).res, 5);
	CHECK(!strcmp(buf, "late"));
}
