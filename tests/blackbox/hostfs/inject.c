// SPDX-License-Identifier: GPL-2.0
/*
 * inject.c - have a thread of another process make a system call, as who has
 * taken over that process would.
 *
 *	inject TID read|write|unlink|watch:FD:MASK PATH
 *
 * prints what the call returned: openat2(2) for reading or writing, unlinkat(2),
 * inotify_add_watch(2). The thread then goes on where it was. Ends with 77 where tracing is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_INSN	0x050fUL

/* What the call reads, put where the thread's stack is free. */
struct args {
	struct open_how how;
	char path[512];
};

static int tid;
static unsigned long long held;	/* signals that came meanwhile */

static void quit(const char *what, int status)
{
	perror(what);
	exit(status);
}

static long call(long nr, long a, long b, long c, long d, struct user_regs_struct regs)
{
	unsigned long code = regs.rip - 2, old = ptrace(PTRACE_PEEKTEXT, tid, code, 0);
	int status;

	if ((old & 0xffff) != SYSCALL_INSN &&
	    ptrace(PTRACE_POKETEXT, tid, code, (old & ~0xffffUL) | SYSCALL_INSN))
		quit("poke", 1);
	regs.rip = code;
	regs.orig_rax = -1;
	regs.rax = nr;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	if (ptrace(PTRACE_SETREGS, tid, 0, &regs))
		quit("registers", 1);
	do {	/* a signal may come first */
		if (ptrace(PTRACE_SINGLESTEP, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
			quit("step", 1);
		if (!WIFSTOPPED(status)) {
			printf("killed\n");
			exit(0);
		}
		if (WSTOPSIG(status) != SIGTRAP)
			held |= 1ULL << WSTOPSIG(status);
		if (ptrace(PTRACE_GETREGS, tid, 0, &regs))
			quit("registers", 1);
	} while (regs.rip == code);
	if ((old & 0xffff) != SYSCALL_INSN)
		ptrace(PTRACE_POKETEXT, tid, code, old);
	return regs.rax;
}

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	struct args args = { };
	unsigned int fd, mask;
	unsigned long at;
	int status;
	long ret;

	if (argc != 4 || strlen(argv[3]) >= sizeof(args.path))
		return 2;
	tid = atoi(argv[1]);
	memcpy(args.path, argv[3], strlen(argv[3]) + 1);
	args.how.flags = !strcmp(argv[2], "write") ? O_WRONLY : O_RDONLY;
	if (ptrace(PTRACE_SEIZE, tid, 0, 0))
		quit("ptrace", errno == EPERM ? 77 : 1);
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid ||
	    ptrace(PTRACE_GETREGS, tid, 0, &regs))
		quit("stop", 1);
	at = (regs.rsp - 256 - sizeof(args)) & ~15UL;
	for (size_t i = 0; i < sizeof(args); i += 8)
		if (ptrace(PTRACE_POKEDATA, tid, at + i, *(long *)((char *)&args + i)))
			quit("stack", 1);
	if (!strcmp(argv[2], "unlink"))
		ret = call(SYS_unlinkat, AT_FDCWD, at + offsetof(struct args, path), 0, 0, regs);
	else if (sscanf(argv[2], "watch:%u:%x", &fd, &mask) == 2)
		ret = call(SYS_inotify_add_watch, fd, at + offsetof(struct args, path), mask, 0,
			   regs);
	else
		ret = call(SYS_openat2, AT_FDCWD, at + offsetof(struct args, path),
			   at + offsetof(struct args, how), sizeof(args.how), regs);
	printf("%ld\n", ret);
	if (ptrace(PTRACE_SETREGS, tid, 0, &regs) || ptrace(PTRACE_DETACH, tid, 0, 0))
		quit("go on", 1);
	for (int i = 1; i < 64; i++)
		if (held & 1ULL << i)
			syscall(SYS_tkill, tid, i);
	return 0;
}
