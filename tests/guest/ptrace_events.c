// SPDX-License-Identifier: GPL-2.0
/*
 * ptrace: attaching, signals on their way, and the events of fork, exec, exit.
 */
#include "test.h"
#include "exec.h"
#include <sys/ptrace.h>
#include <sys/user.h>

EXECED(three)
{
	return 3;
}

static int next_stop(pid_t pid)
{
	int status = wait_status(pid, 5);

	if (!WIFSTOPPED(status))
		test_fail(__FILE__, __LINE__, "wait status %#x, wanted a stop", status);
	return status >> 8;
}

TEST(seize_interrupt_detach)
{
	volatile long *count = SHARED(PAGE);
	struct user_regs_struct regs;
	long before;

	CHILD(pid,
		for (;;)
			(*count)++);
	OK(ptrace(PTRACE_SEIZE, pid, 0, 0));
	for (int i = 0; i < 20; i++) {
		OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
		CHECK_EQ(next_stop(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
		OK(ptrace(PTRACE_GETREGS, pid, 0, &regs));
		before = *count;
		sleep_ms(2);
		CHECK_EQ(*count, before);
		OK(ptrace(PTRACE_CONT, pid, 0, 0));
		for (int64_t end = now_ns() + 2000000000; *count == before && now_ns() < end;)
			sched_yield();
		CHECK_NE(*count, before);
	}
	OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	next_stop(pid);
	OK(ptrace(PTRACE_DETACH, pid, 0, 0));
	OK(kill(pid, SIGTERM));
	WAIT_SIGNAL(pid, SIGTERM);
}

TEST(attach_to_a_sleeper)
{
	CHILD(pid, sleep_ms(500));
	sleep_ms(10);
	OK(ptrace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(next_stop(pid), SIGSTOP);
	OK(ptrace(PTRACE_DETACH, pid, 0, 0));
	WAIT_OK(pid);
}

static volatile int seen;

static void see(int sig, siginfo_t *si, void *uc)
{
	seen |= 1 << sig;
}

TEST(signals_pass_the_tracer)
{
	siginfo_t si;

	CHILD(pid,
		on_signal(SIGUSR1, see, 0);
		on_signal(SIGUSR2, see, 0);
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR1);
		raise(SIGUSR1);
		_exit(seen == 1 << SIGUSR2 ? 0 : 1));
	/* The first is kept from it, the second becomes another. */
	CHECK_EQ(next_stop(pid), SIGUSR1);
	OK(ptrace(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_signo, SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(next_stop(pid), SIGUSR1);
	OK(ptrace(PTRACE_CONT, pid, 0, SIGUSR2));
	WAIT_OK(pid);
}

TEST(faults_pass_the_tracer)
{
	siginfo_t si;

	CHILD(pid,
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		*(volatile int *)0x123 = 1);
	CHECK_EQ(next_stop(pid), SIGSEGV);
	OK(ptrace(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_code, SEGV_MAPERR);
	CHECK_EQ(si.si_addr, (void *)0x123);
	OK(ptrace(PTRACE_CONT, pid, 0, SIGSEGV));
	WAIT_SIGNAL(pid, SIGSEGV);
}

TEST(fork_exec_exit_events)
{
	unsigned long message;
	pid_t inner;

	CHILD(pid,
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		CHILD(grandchild, _exit(9));
		WAIT_EXIT(grandchild, 9);
		execl(SELF, "self", "exec:three", NULL));
	CHECK_EQ(next_stop(pid), SIGSTOP);
	OK(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC |
		  PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(next_stop(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
	OK(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
	inner = message;
	CHECK_EQ(next_stop(inner), SIGSTOP);
	OK(ptrace(PTRACE_CONT, inner, 0, 0));
	CHECK_EQ(next_stop(inner), SIGTRAP | PTRACE_EVENT_EXIT << 8);
	OK(ptrace(PTRACE_CONT, inner, 0, 0));
	WAIT_EXIT(inner, 9);
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	int stop = next_stop(pid);

	if (stop == SIGCHLD) {
		OK(ptrace(PTRACE_CONT, pid, 0, SIGCHLD));
		stop = next_stop(pid);
	}
	CHECK_EQ(stop, SIGTRAP | PTRACE_EVENT_EXEC << 8);
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(next_stop(pid), SIGTRAP | PTRACE_EVENT_EXIT << 8);
	OK(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
	CHECK_EQ(message, 3 << 8);
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	WAIT_EXIT(pid, 3);
}

/* What a debugger does to call a function: new registers, then the old. */
TEST(step_into_signal_handler)
{
	struct user_regs_struct regs;

	CHILD(pid,
		on_signal(SIGUSR1, see, 0);
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR1);
		_exit(seen ? 0 : 1));
	CHECK_EQ(next_stop(pid), SIGUSR1);
	OK(ptrace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1));
	CHECK_EQ(next_stop(pid), SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, 0, &regs));
	CHECK_EQ(regs.rip, (unsigned long)see);
	CHECK_EQ(regs.rdi, SIGUSR1);
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	WAIT_OK(pid);
}

TEST(refusals)
{
	CHILD(pid, pause_forever());
	FAILS(ptrace(PTRACE_CONT, pid, 0, 0), ESRCH);
	FAILS(ptrace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	FAILS(ptrace(PTRACE_ATTACH, 1 << 22, 0, 0), ESRCH);
	OK(ptrace(PTRACE_SEIZE, pid, 0, 0));
	FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
	OK(kill(pid, SIGKILL));
	WAIT_SIGNAL(pid, SIGKILL);
}
