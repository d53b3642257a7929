// SPDX-License-Identifier: GPL-2.0
/*
 * process.c - rows: making processes and threads and waiting for their end.
 *
 * exec starts this program itself, which is static, with --exit: the cost of a
 * dynamic linker is not part of these rows (the build row has it).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ubench.h"

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("child");
}

static double run_fork(long n)
{
	double start = now();

	while (n--) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(0);
		reap(pid);
	}
	return now() - start;
}

/* Not inlined: after vfork() the caller's variables would be in danger. */
static __attribute__((noinline)) pid_t start_self(int use_vfork)
{
	static char *const argv[] = { "ubench", "--exit", NULL };
	static char *const envp[] = { NULL };
	pid_t pid = use_vfork ? vfork() : fork();

	if (!pid) {
		execve("/proc/self/exe", argv, envp);
		_exit(127);
	}
	return pid;
}

static double exec_loop(long n, int use_vfork)
{
	double start = now();

	while (n--) {
		pid_t pid = start_self(use_vfork);

		if (pid < 0)
			die("fork");
		reap(pid);
	}
	return now() - start;
}

static double run_vfork_exec(long n)
{
	return exec_loop(n, 1);
}

static double run_fork_exec(long n)
{
	return exec_loop(n, 0);
}

static void *thread(void *arg)
{
	return arg;
}

static double run_thread(long n)
{
	double start = now();

	while (n--) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread, NULL) ||
		    pthread_join(t, NULL))
			die("pthread");
	}
	return now() - start;
}

const struct row process_rows[] = {
	{ "fork_exit", "us", 1e3, 0, 4, 0, run_fork },
	{ "vfork_exec", "us", 1e3, 0, 4, 0, run_vfork_exec },
	{ "fork_exec", "us", 1e3, 0, 4, 0, run_fork_exec },
	{ "thread", "us", 1e3, 0, 10, 0, run_thread },
	{ }
};
