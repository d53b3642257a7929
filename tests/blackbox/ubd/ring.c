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
#include <dirent.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_INSN	0x050fUL
#define OPS		64

static int pid, tids[64], count;
static unsigned long long held[64];	/* signals that came meanwhile */
static unsigned long rings, sqes;

static void quit(const char *what, int status)
{
	perror(what);
	exit(status);
}

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

/* The host's own, which carries out what is on the ring? */
static int is_worker(const char *tid)
{
	char name[64], comm[32] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task/%.12s/comm", pid, tid);
	f = fopen(name, "r");
	if (f && !fgets(comm, sizeof(comm), f))
		*comm = 0;
	if (f)
		fclose(f);
	return !strncmp(comm, "iou-", 4);
}

/* All threads but those of the host's kernel. */
static void stop_all(void)
{
	char name[64];
	struct dirent *d;
	int status;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	dir = opendir(name);
	while (dir && (d = readdir(dir)) && count < 64) {
		int tid = atoi(d->d_name);

		if (!tid || is_worker(d->d_name))
			continue;
		if (ptrace(PTRACE_SEIZE, tid, 0, 0)) {
			if (tid == pid)
				quit("ptrace", 77);
			continue;
		}
		if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
			quit("stop", 1);
		tids[count++] = tid;
	}
	if (!count)
		quit("task", 1);
}

static void let_go(void)
{
	for (int i = 0; i < count; i++) {
		ptrace(PTRACE_DETACH, tids[i], 0, 0);
		for (int sig = 1; sig < 64; sig++)
			if (held[i] & 1ULL << sig)
				syscall(SYS_tkill, tids[i], sig);
	}
}

/* By its first thread, which then is as it was. */
static long call(long nr, long a, long b, long c, long d)
{
	struct user_regs_struct saved, regs;
	unsigned long code, old;
	int status, tid;

	if (ptrace(PTRACE_GETREGS, pid, 0, &saved))
		quit("registers", 1);
	regs = saved;
	code = regs.rip - 2;
	old = ptrace(PTRACE_PEEKTEXT, pid, code, 0);
	if ((old & 0xffff) != SYSCALL_INSN &&
	    ptrace(PTRACE_POKETEXT, pid, code, (old & ~0xffffUL) | SYSCALL_INSN))
		quit("poke", 1);
	regs.rip = code;
	regs.orig_rax = -1;
	regs.rax = nr;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = 0;
	regs.r9 = 0;
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs))
		quit("registers", 1);
	do {	/* a signal may come first */
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0))
			quit("step", 1);
		/* The end of the others comes before the end of the first. */
		do {
			tid = waitpid(-1, &status, __WALL);
		} while (tid > 0 && tid != pid);
		if (tid < 0)
			quit("wait", 1);
		if (!WIFSTOPPED(status)) {
			printf("killed\n");
			exit(0);
		}
		if (WSTOPSIG(status) != SIGTRAP)
			for (int i = 0; i < count; i++)
				if (tids[i] == pid)
					held[i] |= 1ULL << WSTOPSIG(status);
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
			quit("registers", 1);
	} while (regs.rip == code);
	if ((old & 0xffff) != SYSCALL_INSN)
		ptrace(PTRACE_POKETEXT, pid, code, old);
	if (ptrace(PTRACE_SETREGS, pid, 0, &saved))
		quit("registers", 1);
	return regs.rax;
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
