// SPDX-License-Identifier: GPL-2.0
/*
 * The console of a guest that has a launcher: Enter starts a shell of root on
 * it (uml console). Until then nothing runs there.
 */
#include "agent.h"

static int fd = -1;
static pid_t shell;

/* The console's descriptor while it waits for a key; -1 when there is none. */
int getty_fd(void)
{
	if (fd < 0 && !shell)
		fd = open("/dev/tty0", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return shell ? -1 : fd;
}

static __noreturn void run_shell(void)
{
	static char *env[] = { "PATH=" PATH_DEFAULT, "HOME=/root", "TERM=linux", NULL, NULL };
	static char *argv[] = { "sh", NULL };
	unsigned long none = 0;
	int i, tty;

	setsid();
	tty = open("/dev/tty0", O_RDWR);
	ioctl(tty, TIOCSCTTY, 0);
	for (i = 0; i < 3; i++)
		dup2(tty, i);
	if (tty > 2)
		close(tty);
	my_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGSET_SIZE);
	execve("/bin/sh", argv, env);
	warn("cannot run", "/bin/sh");
	exit(EXIT_NOT_RUN);
}

/* A key was pressed, or the line is gone. */
void getty_ready(void)
{
	char keys[256];
	int n = read(fd, keys, sizeof(keys));

	close(fd);
	fd = -1;
	shell = n > 0 ? fork() : -1;	/* a line without input is left alone */
	if (shell == 0)
		run_shell();
}

/* Somebody has ended: was it the shell? */
void getty_reaped(pid_t pid)
{
	if (pid == shell)
		shell = 0;
}
