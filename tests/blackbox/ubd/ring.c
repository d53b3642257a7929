// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - use the io_uring of another process, as who has taken over that
 * process would.
 *
 *	ring PID RINGFD ops|setup|register|enter
 *
 * ops: stops its threads, puts one entry after the other on its ring, each with
 * another operation or other flags, submits it from the process's first thread,
 * and prints "OPERATION FLAGS RESULT" for each; then all go on. The others: the
 * first thread makes another ring, registers something else with this one, or
 * submits with other flags; prints what that returned, or "killed". Ends with
 * 77 where tracing is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/uio.h>
#include "../takeover.h"

#define OPS		64

static unsigned long rings, sqes;

static void copy(int write, unsigned long at, void *buf, size_t len)
{
	struct iovec own = { buf, len }, other = { (void *)at, len };

	if (syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, pid, &own, 1, &other,
		    1, 0) != (long)len)
		quit("its memory", 77);
}

static unsigned int word(unsigned long at)
{
	unsigned int value;

	copy(0, at, &value, sizeof(value));
	return value;
}

static void find_rings(void)
{
	unsigned long start, offset;
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/maps", pid);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "[io_uring]") ||
		    sscanf(line, "%lx-%*x %*s %lx", &start, &offset) != 2)
			continue;
		if (offset == IORING_OFF_SQ_RING)
			rings = start;
		if (offset == IORING_OFF_SQES)
			sqes = start;
	}
	if (!rings || !sqes)
		quit("no ring in its memory", 1);
}

/* Where things are in the memory of a ring: as in one of ours. */
static struct io_uring_params layout(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 2048 };

	if (syscall(SYS_io_uring_setup, 128, &p) < 0)
		quit("io_uring_setup", 77);
	return p;
}

static void try(const struct io_uring_params *p, int fd, int op, int flags)
{
	struct io_uring_sqe sqe = {
		.opcode = op, .flags = flags, .fd = flags & IOSQE_FIXED_FILE ? 0 : fd,
	};
	unsigned int tail = word(rings + p->sq_off.tail), seen = word(rings + p->cq_off.tail);
	struct io_uring_cqe cqe;
	long n;

	copy(1, sqes + (tail & (p->sq_entries - 1)) * sizeof(sqe), &sqe, sizeof(sqe));
	tail++;
	copy(1, rings + p->sq_off.tail, &tail, sizeof(tail));
	n = call(SYS_io_uring_enter, fd, 1, 0, 0);
	for (int i = 0; i < 1000 && word(rings + p->cq_off.tail) == seen; i++)
		usleep(10000);
	if (n != 1 || word(rings + p->cq_off.tail) != seen + 1) {
		printf("%d %d no result: submitted %ld\n", op, flags, n);
		exit(1);
	}
	copy(0, rings + p->cq_off.cqes + (seen & (p->cq_entries - 1)) * sizeof(cqe), &cqe,
	     sizeof(cqe));
	printf("%d %d %d\n", op, flags, cqe.res);
}

static void try_all(int fd)
{
	static const int flags[] = {
		0, IOSQE_FIXED_FILE, IOSQE_ASYNC, IOSQE_FIXED_FILE | IOSQE_ASYNC,
		IOSQE_FIXED_FILE | IOSQE_ASYNC | IOSQE_IO_DRAIN,
		IOSQE_FIXED_FILE | IOSQE_ASYNC | IOSQE_BUFFER_SELECT,
	};
	struct io_uring_params p = layout();

	find_rings();
	for (int op = 0; op < OPS; op++)
		for (unsigned int i = 0; i < sizeof(flags) / sizeof(*flags); i++)
			try(&p, fd, op, flags[i]);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	pid = atoi(argv[1]);
	fd = atoi(argv[2]);
	stop_all();
	if (!strcmp(argv[3], "setup"))
		printf("%ld\n", call(SYS_io_uring_setup, 8, 0, 0, 0));
	else if (!strcmp(argv[3], "register"))
		printf("%ld\n", call(SYS_io_uring_register, fd, IORING_UNREGISTER_FILES, 0, 0));
	else if (!strcmp(argv[3], "enter"))
		printf("%ld\n", call(SYS_io_uring_enter, fd, 0, 0, IORING_ENTER_SQ_WAKEUP));
	else
		try_all(fd);
	let_go();
	return 0;
}
