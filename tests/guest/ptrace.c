// SPDX-License-Identifier: GPL-2.0
/*
 * ptrace between guest programs, as gdb and strace use it.
 */
#include "test.h"
#include "exec.h"
#include <elf.h>
#include <linux/ptrace.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/user.h>

/* <sys/ptrace.h> and <linux/ptrace.h> exclude each other. */
static long ptrace(long what, long pid, void *addr, void *data)
{
	long word = 0;
	bool peek = what == PTRACE_PEEKTEXT || what == PTRACE_PEEKDATA || what == PTRACE_PEEKUSR;
	long ret = syscall(SYS_ptrace, what, pid, addr, peek ? &word : data);

	return ret < 0 ? ret : peek ? word : ret;
}

static void *word(long value)
{
	return (void *)value;
}

static void trace_me(void)
{
	OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
}

static void expect_stop(pid_t pid, int sig)
{
	int status = wait_status(pid, 5);

	if (!WIFSTOPPED(status) || WSTOPSIG(status) != sig)
		test_fail(__FILE__, __LINE__, "wait status %#x, wanted a stop by %d", status, sig);
}

static volatile long target_value = 5;

/* Not inlined, and it begins with an instruction of its own. */
__attribute__((noinline, noipa)) static long target(long x)
{
	return x * 2 + target_value;
}

TEST(registers)
{
	struct user_regs_struct regs;
	long before;

	CHILD(pid,
		long result;

		trace_me();
		/* The tracer puts the numbers in while we are stopped. */
		asm volatile("xor %%rbx, %%rbx\n\tint3\n\tmov %%rbx, %0"
			     : "=r"(result) : : "rbx");
		_exit(result));
	expect_stop(pid, SIGSTOP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	before = regs.rip;
	CHECK_EQ(ptrace(PTRACE_PEEKUSR, pid, word(offsetof(struct user, regs.rip)), NULL), before);
	CHECK_EQ(regs.cs, 0x33);
	CHECK_EQ(regs.ss, 0x2b);
	CHECK_NE(regs.fs_base, 0);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	CHECK_EQ(regs.rbx, 0);
	regs.rbx = 66;
	OK(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_EXIT(pid, 66);
}

TEST(breakpoint)
{
	struct user_regs_struct regs;
	long text;

	CHILD(pid, trace_me(); _exit(target(20)));
	expect_stop(pid, SIGSTOP);
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, (void *)&target_value, NULL), 5);
	OK(ptrace(PTRACE_POKEDATA, pid, (void *)&target_value, word(7)));
	text = ptrace(PTRACE_PEEKTEXT, pid, target, NULL);
	OK(ptrace(PTRACE_POKETEXT, pid, target, word((text & ~0xffL) | 0xcc)));
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	CHECK_EQ(regs.rip, (long)target + 1);
	CHECK_EQ(regs.rdi, 20);
	OK(ptrace(PTRACE_POKETEXT, pid, target, word(text)));
	regs.rip--;
	regs.rdi = 30;
	OK(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_EXIT(pid, 67);
	/* Our own text was never written to. */
	CHECK_EQ(target(1), 7);
}

TEST(single_step)
{
	struct user_regs_struct regs;
	unsigned long last;
	int steps = 0;

	CHILD(pid,
		trace_me();
		asm volatile("int3\n\tmov $10, %%ecx\n1:\tdec %%ecx\n\tjnz 1b\n\tint3"
			     : : : "ecx", "cc"));
	expect_stop(pid, SIGSTOP);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	last = regs.rip;
	/* One mov, ten times dec and jnz, and the int3, which traps itself. */
	for (; steps < 100; steps++) {
		OK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
		expect_stop(pid, SIGTRAP);
		OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		CHECK_NE(regs.rip, last);
		last = regs.rip;
		if ((ptrace(PTRACE_PEEKTEXT, pid, (void *)(last - 1), NULL) & 0xff) == 0xcc)
			break;
	}
	CHECK_EQ(steps, 21);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_OK(pid);
}

TEST(single_step_over_system_call)
{
	struct user_regs_struct regs;

	CHILD(pid,
		long ret = SYS_getppid;

		trace_me();
		asm volatile("int3\n\tsyscall\n\tnop" : "+a"(ret) : : "rcx", "r11", "memory");
		_exit(ret == getppid() ? 0 : 1));
	expect_stop(pid, SIGSTOP);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	unsigned long at = regs.rip;

	OK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	CHECK_EQ(regs.rip, at + 2);
	CHECK_EQ(regs.rax, getpid());
	OK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	CHECK_EQ(regs.rip, at + 3);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_OK(pid);
}

TEST(system_call_stops)
{
	struct ptrace_syscall_info info;
	struct user_regs_struct regs;
	int entries = 0, exits = 0, status;

	CHILD(pid,
		trace_me();
		for (int i = 0; i < 10; i++)
			syscall(SYS_getppid);
		CHECK_EQ(syscall(SYS_getuid), 4242);
		syscall(SYS_exit_group, 5));
	expect_stop(pid, SIGSTOP);
	OK(ptrace(PTRACE_SETOPTIONS, pid, NULL,
		  word(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)));
	for (int i = 0; i < 200; i++) {
		OK(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		status = wait_status(pid, 5);
		if (!WIFSTOPPED(status))
			break;
		CHECK_EQ(WSTOPSIG(status), SIGTRAP | 0x80);
		OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		OK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, word(sizeof(info)), &info));
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			CHECK_EQ(info.entry.nr, regs.orig_rax);
			CHECK_EQ(regs.rax, -ENOSYS);
			entries += info.entry.nr == SYS_getppid;
		} else {
			CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
			CHECK_EQ(info.exit.rval, regs.rax);
			exits += regs.orig_rax == SYS_getppid && (pid_t)regs.rax == getpid();
			if (regs.orig_rax == SYS_getuid) {
				regs.rax = 4242;
				OK(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
			}
		}
	}
	CHECK_EQ(entries, 10);
	CHECK_EQ(exits, 10);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

TEST(change_system_call)
{
	struct user_regs_struct regs;

	CHILD(pid,
		trace_me();
		/* Becomes getpid; and the next is suppressed. */
		CHECK_EQ(syscall(SYS_getppid), getpid());
		FAILS(syscall(SYS_getsid, 0), ENOSYS));
	expect_stop(pid, SIGSTOP);
	for (int i = 0; i < 60; i++) {
		OK(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		int status = wait_status(pid, 5);

		if (!WIFSTOPPED(status)) {
			CHECK_EQ(status, 0);
			return;
		}
		OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		if (regs.orig_rax == SYS_getppid)
			regs.orig_rax = SYS_getpid;
		else if (regs.orig_rax == SYS_getsid)
			regs.orig_rax = -1;
		else
			continue;
		OK(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	}
	test_fail(__FILE__, __LINE__, "no end after 60 stops");
}

TEST(regsets)
{
	static char xstate[16384] __attribute__((aligned(64)));
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };
	size_t size;

	CHILD(pid,
		float in[4] = { 1, 2, 3, 4 };
		float out[4];

		trace_me();
		asm volatile("movups %1, %%xmm9\n\tint3\n\tmovups %%xmm9, %0"
			     : "=m"(out) : "m"(in) : "xmm9");
		_exit(out[0] == 9 && out[3] == 4 ? 0 : 1));
	expect_stop(pid, SIGSTOP);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	expect_stop(pid, SIGTRAP);
	OK(ptrace(PTRACE_GETREGSET, pid, word(NT_PRSTATUS), &iov));
	CHECK_EQ(iov.iov_len, sizeof(regs));
	OK(ptrace(PTRACE_SETREGSET, pid, word(NT_PRSTATUS), &iov));
	iov = (struct iovec){ xstate, sizeof(xstate) };
	OK(ptrace(PTRACE_GETREGSET, pid, word(NT_X86_XSTATE), &iov));
	size = iov.iov_len;
	note("NT_X86_XSTATE has %zu bytes", size);
	CHECK_GE(size, 576);
	float *xmm9 = (float *)(xstate + 160 + 9 * 16);

	CHECK(xmm9[0] == 1 && xmm9[1] == 2 && xmm9[2] == 3 && xmm9[3] == 4);
	xmm9[0] = 9;
	iov.iov_len = size;
	OK(ptrace(PTRACE_SETREGSET, pid, word(NT_X86_XSTATE), &iov));
	struct user_fpregs_struct fp;

	iov = (struct iovec){ &fp, sizeof(fp) };
	OK(ptrace(PTRACE_GETREGSET, pid, word(NT_PRFPREG), &iov));
	CHECK_EQ(iov.iov_len, 512);
	CHECK(((float *)fp.xmm_space)[36] == 9);
	CHECK_EQ(fp.mxcsr, 0x1f80);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_OK(pid);
}

/* A watch register traps, or is refused; it must not be silently nothing. */
TEST(debug_registers)
{
	long offset = offsetof(struct user, u_debugreg);
	bool refused;

	CHILD(pid, trace_me(); target_value = 8; _exit(44));
	expect_stop(pid, SIGSTOP);
	errno = 0;
	refused = ptrace(PTRACE_POKEUSR, pid, word(offset), (void *)&target_value) < 0 ||
		ptrace(PTRACE_POKEUSR, pid, word(offset + 7 * 8), word(0xd0101)) < 0;
	note("a watch register is %s", refused ? strerror(errno) : "accepted");
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	if (!refused) {
		int status = wait_status(pid, 5);

		/* There are virtual machines whose processor does not do it. */
		if (!in_guest() && WIFEXITED(status))
			test_skip("the host's watch registers do nothing");
		CHECK(WIFSTOPPED(status));
		CHECK_EQ(WSTOPSIG(status), SIGTRAP);
		CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, (void *)&target_value, NULL), 8);
		OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	}
	WAIT_EXIT(pid, 44);
}
