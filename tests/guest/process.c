// SPDX-License-Identifier: GPL-2.0
/*
 * How processes come and go: fork, vfork, clone, clone3, wait.
 */
#include "test.h"
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

TEST(fork_exit_status)
{
	static const int codes[] = { 0, 1, 77, 255 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		CHILD(pid, _exit(codes[i]));
		WAIT_EXIT(pid, codes[i]);
	}
}

TEST(wait_signal_status)
{
	struct rlimit none = { 0, 0 };
	int status;

	OK(setrlimit(RLIMIT_CORE, &none));
	CHILD(term, kill(getpid(), SIGTERM));
	WAIT_SIGNAL(term, SIGTERM);
	CHILD(aborted, abort());
	status = wait_status(aborted, 5);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGABRT);
	CHECK(!WCOREDUMP(status));
	CHILD(killed, pause_forever());
	OK(kill(killed, SIGKILL));
	WAIT_SIGNAL(killed, SIGKILL);
}

TEST(wait_stop_continue)
{
	siginfo_t si;
	int status;

	CHILD(pid, pause_forever());
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(OK(waitpid(pid, &status, WUNTRACED)), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	OK(kill(pid, SIGCONT));
	CHECK_EQ(OK(waitpid(pid, &status, WCONTINUED)), pid);
	CHECK(WIFCONTINUED(status));
	OK(kill(pid, SIGTERM));
	OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_EQ(si.si_status, SIGTERM);
	CHECK_EQ(si.si_pid, pid);
	WAIT_SIGNAL(pid, SIGTERM);
	FAILS(waitpid(pid, NULL, 0), ECHILD);
}

TEST(vfork_shares_memory)
{
	volatile int *seen = ANON(PAGE);
	pid_t pid = vfork();

	if (pid == 0) {
		*seen = 42;
		_exit(7);
	}
	OK(pid);
	/* The child is dead or executed another program: no waiting needed. */
	CHECK_EQ(*seen, 42);
	WAIT_EXIT(pid, 7);
}

static int clone_child(void *arg)
{
	*(volatile int *)arg = 5;
	return 9;
}

TEST(clone_vm)
{
	volatile int *word = ANON(PAGE);
	char *stack = ANON(16 * PAGE);
	pid_t pid = OK(clone(clone_child, stack + 16 * PAGE, CLONE_VM | SIGCHLD, (void *)word));

	WAIT_EXIT(pid, 9);
	CHECK_EQ(*word, 5);
	*word = 0;
	pid = OK(clone(clone_child, stack + 16 * PAGE, SIGCHLD, (void *)word));
	WAIT_EXIT(pid, 9);
	CHECK_EQ(*word, 0);
}

TEST(clone_files)
{
	int fds[2];
	pid_t pid;

	OK(pipe(fds));
	pid = OK(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
	if (pid == 0) {
		close(fds[0]);
		_exit(0);
	}
	WAIT_OK(pid);
	FAILS(fcntl(fds[0], F_GETFD), EBADF);
}

TEST(clone_tid_words)
{
	pid_t *parent_tid = ANON(PAGE);
	pid_t *child_tid = SHARED(PAGE);
	pid_t pid = OK(syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
			       0, parent_tid, child_tid, 0));

	if (pid == 0)
		_exit(*child_tid == getpid() ? 0 : 1);
	CHECK_EQ(*parent_tid, pid);
	WAIT_OK(pid);
	CHECK_EQ(*child_tid, pid);
}

static void ignore_it(int sig, siginfo_t *si, void *uc)
{
}

TEST(clone3_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	siginfo_t si = { 0 };
	struct sigaction sa;
	pid_t pid;

	signal(SIGUSR1, SIG_IGN);
	on_signal(SIGUSR2, ignore_it, 0);
	pid = OK(syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0) {
		OK(sigaction(SIGUSR1, NULL, &sa));
		CHECK(sa.sa_handler == SIG_IGN);
		OK(sigaction(SIGUSR2, NULL, &sa));
		CHECK(sa.sa_handler == SIG_DFL);
		_exit(3);
	}
	CHECK_GE(pidfd, 0);
	OK(waitid(P_PIDFD, pidfd, &si, WEXITED));
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_status, 3);
	args.flags = ~0ULL;
	FAILS(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
	FAILS(syscall(SYS_clone3, &args, 8), EINVAL);
}

TEST_LIMIT(fork_many_at_once, 30)
{
	pid_t pids[50];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = OK(fork());
		if (!pids[i]) {
			sleep_ms(50);
			_exit(i);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		WAIT_EXIT(pids[i], (int)i);
}

TEST(orphan_and_pdeathsig)
{
	int fds[2];
	char c;

	OK(pipe(fds));
	CHILD(pid,
		CHILD(inner,
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			CHECK_EQ(write(fds[1], "r", 1), 1);
			pause_forever());
		(void)inner;
		CHECK_EQ(read(fds[0], &c, 1), 1));
	WAIT_OK(pid);
	close(fds[1]);
	/* End of file only once the grandchild has died of its signal. */
	CHECK_EQ(read(fds[0], &c, 1), 0);
}

TEST(exit_group_of_vm_sharers)
{
	struct rusage ru;
	int status;

	CHILD(pid,
		volatile char *p = ANON(400 * PAGE);

		/* Page by page: a larger folio is one fault. */
		OK(madvise((void *)p, 400 * PAGE, MADV_NOHUGEPAGE));
		for (int i = 0; i < 400; i++)
			p[i * PAGE] = 1);
	CHECK_EQ(OK(wait4(pid, &status, 0, &ru)), pid);
	CHECK_EQ(status, 0);
	CHECK_GE(ru.ru_minflt, 400);
}
