// SPDX-License-Identifier: GPL-2.0
/*
 * Seccomp filters of guest programs.
 */
#include "test.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <ucontext.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

#define FIELD(name) offsetof(struct seccomp_data, name)

/* A filter that answers one system call with @action; returns what seccomp does. */
static long filter(long nr, unsigned int action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

TEST(errno_and_inheritance)
{
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	OK(filter(SYS_getppid, SECCOMP_RET_ERRNO | 123, 0));
	CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
	errno = 0;
	CHECK_EQ(syscall(SYS_getppid), -1);
	CHECK_EQ(errno, 123);
	CHECK_EQ(syscall(SYS_getpid), getpid());
	CHILD(pid, CHECK_EQ(syscall(SYS_getppid), -1));
	WAIT_OK(pid);
	/* A second filter can only take away more. */
	OK(filter(SYS_getppid, SECCOMP_RET_ALLOW, 0));
	CHECK_EQ(syscall(SYS_getppid), -1);
}

TEST(argument_of_64_bits)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(args[5]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x11223344, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x55667788, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 55),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	CHECK_EQ(syscall(SYS_getppid, 0, 0, 0, 0, 0, 0x1122334455667789), getppid());
	FAILS(syscall(SYS_getppid, 0, 0, 0, 0, 0, 0x1122334455667788), 55);
}

static volatile siginfo_t info;
static volatile uint64_t trap_rip;

static void trapped(int sig, siginfo_t *si, void *ucp)
{
	greg_t *regs = ((ucontext_t *)ucp)->uc_mcontext.gregs;

	info = *si;
	trap_rip = regs[REG_RIP];
	regs[REG_RAX] = 0x5ca1ab1e;
}

TEST(trap_siginfo)
{
	on_signal(SIGSYS, trapped, 0);
	OK(filter(SYS_getppid, SECCOMP_RET_TRAP | 77, 0));
	CHECK_EQ(syscall(SYS_getppid), 0x5ca1ab1e);
	CHECK_EQ(info.si_code, SYS_SECCOMP);
	CHECK_EQ(info.si_syscall, SYS_getppid);
	CHECK_EQ(info.si_arch, AUDIT_ARCH_X86_64);
	CHECK_EQ(info.si_errno, 77);
	CHECK_EQ(info.si_call_addr, trap_rip);
	/* rip is behind the instruction. */
	CHECK_EQ(*(uint16_t *)(trap_rip - 2), 0x050f);
	CHILD(pid, signal(SIGSYS, SIG_DFL); syscall(SYS_getppid));
	WAIT_SIGNAL(pid, SIGSYS);
}

TEST(kill_process)
{
	CHILD(pid,
		signal(SIGSYS, SIG_IGN);
		OK(filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0));
		syscall(SYS_getppid));
	WAIT_SIGNAL(pid, SIGSYS);
}

TEST(instruction_pointer_is_seen)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
	};
	long ret = SYS_getppid;
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	pid_t parent = getppid();
	uintptr_t here;

	asm volatile("lea 1f(%%rip), %0" : "=r"(here));
	code[3].k = (uint32_t)here;
	/* Equal: fall on to ALLOW; other places get an error. */
	code[3].jt = 0;
	code[3].jf = 1;
	code[1].jf = 2;
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	FAILS(syscall(SYS_getppid), EPERM);
	asm volatile("syscall\n1:" : "+a"(ret) : : "rcx", "r11", "memory");
	CHECK_EQ(ret, parent);
}

/* The supervisor answers for the kernel. */
TEST(user_notification)
{
	struct seccomp_notif_resp resp = { 0 };
	struct seccomp_notif req = { 0 };
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];
	int listener;

	OK(pipe(fds));
	listener = filter(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	OK(listener);
	CHILD(pid, CHECK_EQ(syscall(SYS_getppid, 1, 2, 3), 31337); FAILS(syscall(SYS_getppid), EXDEV));
	pfd.fd = listener;
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(OK(poll(&pfd, 1, 5000)), 1);
		memset(&req, 0, sizeof(req));
		OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req));
		CHECK_EQ(req.pid, pid);
		CHECK_EQ(req.data.nr, SYS_getppid);
		if (i == 0)
			CHECK_EQ(req.data.args[2], 3);
		resp.id = req.id;
		resp.val = i ? 0 : 31337;
		resp.error = i ? -EXDEV : 0;
		OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp));
	}
	WAIT_OK(pid);
}

TEST(strict_mode)
{
	CHILD(good,
		OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
		syscall(SYS_exit, 3));
	WAIT_EXIT(good, 3);
	CHILD(bad,
		OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
		syscall(SYS_getpid));
	WAIT_SIGNAL(bad, SIGKILL);
}
