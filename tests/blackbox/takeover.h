/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Have another process make host calls, as who has taken it over would: all its
 * threads are stopped, and the first one makes the calls and then is as it was. Ends
 * with 77 where tracing is refused.
 */
#ifndef TESTS_BLACKBOX_TAKEOVER_H
#define TESTS_BLACKBOX_TAKEOVER_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_INSN	0x050fUL

static int pid, tids[64], count;
static unsigned long long held[64];	/* signals that came meanwhile */

static void quit(const char *what, int status)
{
	perror(what);
	exit(status);
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

#endif
