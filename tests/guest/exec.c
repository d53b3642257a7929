// SPDX-License-Identifier: GPL-2.0
/*
 * exec: what the new program gets, what is refused, and very many of them.
 */
#include "test.h"
#include "exec.h"
#include <sys/uio.h>

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

#define MANY_PAGES	64

static void fill_pages(unsigned char *pages, unsigned char what)
{
	for (int i = 0; i < MANY_PAGES; i++)
		pages[i * PAGE] = what + i;
}

static bool pages_are(const volatile unsigned char *pages, unsigned char what)
{
	for (int i = 0; i < MANY_PAGES; i++)
		if (pages[i * PAGE] != (unsigned char)(what + i))
			return false;
	return true;
}

/*
 * A program that ends without having run since somebody else changed its memory, one
 * that executes another right then, and one that is made after both: none may see a
 * page of another.
 */
TEST(exec_between_others)
{
	unsigned char *pages = ANON(MANY_PAGES * PAGE), theirs[MANY_PAGES];
	char byte;

	for (int round = 0; round < 8; round++) {
		struct iovec from[MANY_PAGES], to[MANY_PAGES];
		int begun[2], go[2];

		OK(pipe(begun));
		OK(pipe(go));
		fill_pages(pages, round);
		CHILD(victim,
			CHECK(pages_are(pages, round));
			CHECK_EQ(write(begun[1], "v", 1), 1);
			pause_forever());
		CHECK_EQ(read(begun[0], &byte, 1), 1);
		CHILD(other,
			close(go[1]);
			CHECK_EQ(write(begun[1], "o", 1), 1);
			CHECK_EQ(read(go[0], &byte, 1), 1);
			execl(SELF, "self", "exec:exit_with", "0", NULL));
		CHECK_EQ(read(begun[0], &byte, 1), 1);
		sleep_ms(5);
		for (int i = 0; i < MANY_PAGES; i++) {
			theirs[i] = 0xee;
			from[i] = (struct iovec) { theirs + i, 1 };
			to[i] = (struct iovec) { pages + i * PAGE, 1 };
		}
		CHECK_EQ(process_vm_writev(victim, from, MANY_PAGES, to, MANY_PAGES, 0),
			 MANY_PAGES);
		OK(kill(victim, SIGKILL));
		CHECK(WIFSIGNALED(wait_status(victim, 10)));
		CHECK_EQ(write(go[1], "g", 1), 1);
		WAIT_OK(other);
		CHILD(after, CHECK(pages_are(pages, round)));
		WAIT_OK(after);
		CHECK(pages_are(pages, round));
		close(begun[0]);
		close(begun[1]);
		close(go[0]);
		close(go[1]);
	}
}
