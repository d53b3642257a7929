// SPDX-License-Identifier: GPL-2.0
/*
 * procs.c - as many processes at once as there can be
 *
 *	procs COUNT
 *
 * Forks up to COUNT processes that wait, says how many live and what ended it,
 * and has each of them answer once by then, so that all have run and run now.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int max = argc > 1 ? atoi(argv[1]) : 100, n, answers = 0, err = 0, fds[2], back[2];
	pid_t *pids = calloc(max, sizeof(*pids));
	char c;

	setrlimit(RLIMIT_NPROC, &unlimited);
	if (!pids || pipe(fds) || pipe(back))
		return 2;
	for (n = 0; n < max; n++) {
		pids[n] = fork();
		if (!pids[n]) {
			/* A byte for each; then until it is killed. */
			if (read(fds[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
				for (;;)
					pause();
			_exit(3);
		}
		if (pids[n] < 0) {
			err = errno;
			break;
		}
	}
	for (int i = 0; i < n; i++)
		if (write(fds[1], "x", 1) != 1)
			return 2;
	while (answers < n && read(back[0], &c, 1) == 1)
		answers++;
	printf("live %d answered %d %s\n", n, answers, err ? strerror(err) : "enough");
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	pids[0] = fork();
	if (!pids[0])
		_exit(0);
	printf("%s\n", pids[0] > 0 && waitpid(pids[0], NULL, 0) == pids[0] ? "goes on" : "cannot fork");
	return 0;
}
