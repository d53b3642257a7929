// SPDX-License-Identifier: GPL-2.0
/*
 * exec: what the new program gets, what is refused, and very many of them.
 */
#include "test.h"
#include "exec.h"

EXECED(exit_with)
{
	return argc > 0 ? atoi(argv[0]) : 99;
}

EXECED(count_args)
{
	return argc;
}

TEST(exec_args_env)
{
	char *args[260] = { "self", "exec:count_args" };
	char *env[] = { "A=1", NULL };

	for (int i = 2; i < 202; i++)
		args[i] = "x";
	CHILD(pid, execve(SELF, args, env));
	WAIT_EXIT(pid, 200);
}

TEST(exec_errors)
{
	char *args[] = { "x", NULL };
	char *big = ANON(64 * PAGE);
	char *many[] = { "x", big, NULL };
	char path[] = "/tmp/exec-XXXXXX";
	int fd = OK(mkstemp(path));

	OK(fchmod(fd, 0755));
	CHECK_EQ(write(fd, "nonsense\n", 9), 9);
	close(fd);
	FAILS(execv(path, args), ENOEXEC);
	OK(chmod(path, 0644));
	FAILS(execv(path, args), EACCES);
	OK(unlink(path));
	FAILS(execv(path, args), ENOENT);
	memset(big, 'a', 40 * PAGE);
	FAILS(execv(SELF, many), E2BIG);
	FAILS(syscall(SYS_execve, 8UL, args, NULL), EFAULT);
}

TEST(exec_closes_cloexec)
{
	int fd = OK(open("/dev/null", O_RDONLY | O_CLOEXEC));
	char link[64];

	snprintf(link, sizeof(link), "%d", fd);
	CHILD(pid, execl(SELF, "self", "exec:fd_is_closed", link, NULL));
	WAIT_OK(pid);
}

EXECED(fd_is_closed)
{
	return argc == 1 && fcntl(atoi(argv[0]), F_GETFD) < 0 && errno == EBADF ? 0 : 1;
}

TEST_LIMIT(vfork_exec_storm, 40)
{
	char code[8];

	for (int i = 0; i < 300; i++) {
		pid_t pid;

		snprintf(code, sizeof(code), "%d", i % 200);
		pid = vfork();
		if (pid == 0) {
			execl(SELF, "self", "exec:exit_with", code, NULL);
			_exit(250);
		}
		OK(pid);
		WAIT_EXIT(pid, i % 200);
	}
}
