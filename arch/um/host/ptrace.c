// SPDX-License-Identifier: GPL-2.0
/*
 * ptrace(2), for the engine that runs guest code under PTRACE_SYSEMU. All of
 * it must be called by the thread that traces.
 */
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/signal.h>
#include <linux/uio.h>
#include <uapi/asm/ptrace.h>
#include "syscall.h"

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | \
		 PTRACE_O_TRACEFORK)

/**
 * host_ptrace_raw() - ptrace(2) as it is, for a request that has no function here
 */
long host_ptrace_raw(int request, int pid, void *addr, void *data)
{
	return host_call(__NR_ptrace, request, pid, addr, data);
}

/**
 * host_ptrace_seize() - trace a process without stopping it; it dies with us
 */
int host_ptrace_seize(int pid)
{
	return host_ptrace_raw(PTRACE_SEIZE, pid, NULL, (void *)OPTIONS);
}

/**
 * host_ptrace_traceme() - the parent traces this process from now on
 */
int host_ptrace_traceme(void)
{
	return host_ptrace_raw(PTRACE_TRACEME, 0, NULL, NULL);
}

/**
 * host_ptrace_setoptions() - for one that is traced by TRACEME: what host_ptrace_seize() sets
 */
int host_ptrace_setoptions(int pid)
{
	return host_ptrace_raw(PTRACE_SETOPTIONS, pid, NULL, (void *)OPTIONS);
}

/**
 * host_ptrace_interrupt() - make a tracee stop
 *
 * It does not matter whether it runs: the stop comes at its next return to
 * user mode, and any other stop that comes first takes its place.
 */
int host_ptrace_interrupt(int pid)
{
	return host_ptrace_raw(PTRACE_INTERRUPT, pid, NULL, NULL);
}

/**
 * host_ptrace_resume() - go on by @request (PTRACE_CONT or the like), with @signo or 0
 */
int host_ptrace_resume(int pid, int request, int signo)
{
	return host_ptrace_raw(request, pid, NULL, (void *)(long)signo);
}

/**
 * host_ptrace_getregs() - general registers of a tracee that has stopped
 */
int host_ptrace_getregs(int pid, struct pt_regs *regs)
{
	return host_ptrace_raw(PTRACE_GETREGS, pid, NULL, regs);
}

/**
 * host_ptrace_setregs() - set its general registers
 */
int host_ptrace_setregs(int pid, const struct pt_regs *regs)
{
	return host_ptrace_raw(PTRACE_SETREGS, pid, NULL, (void *)regs);
}

/**
 * host_ptrace_get_xstate() - floating point and vector state, XSAVE format
 *
 * Return: bytes, or -errno.
 */
int host_ptrace_get_xstate(int pid, void *buf, unsigned int size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	long err = host_ptrace_raw(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &iov);

	return err < 0 ? err : iov.iov_len;
}

/**
 * host_ptrace_set_xstate() - set it; the host checks it
 *
 * Return: 0, -EINVAL for a state that the CPU would refuse.
 */
int host_ptrace_set_xstate(int pid, const void *buf, unsigned int size)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = size };

	return host_ptrace_raw(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &iov);
}

/**
 * host_ptrace_siginfo() - code and address of the signal that a tracee stopped for
 */
int host_ptrace_siginfo(int pid, int *code, unsigned long *addr)
{
	struct siginfo info;
	long err = host_ptrace_raw(PTRACE_GETSIGINFO, pid, NULL, &info);

	if (err < 0)
		return err;
	*code = info.si_code;
	*addr = (unsigned long)info.si_addr;
	return 0;
}

/**
 * host_ptrace_fault_pending() - does a signal of the CPU wait for a tracee
 *
 * A stop that was asked for is reported before a fault that came first: the
 * fault's signal waits and belongs to the registers as they are.
 */
bool host_ptrace_fault_pending(int pid)
{
	struct ptrace_peeksiginfo_args args = { .nr = 8 };
	struct siginfo info[8];
	long n = host_ptrace_raw(PTRACE_PEEKSIGINFO, pid, &args, info);

	for (long i = 0; i < n; i++)
		switch (info[i].si_signo) {
		case SIGSEGV:
		case SIGBUS:
		case SIGFPE:
		case SIGILL:
		case SIGTRAP:
			if (info[i].si_code > 0)
				return true;
		}
	return false;
}

/**
 * host_ptrace_eventmsg() - what belongs to its last event: the new process's pid
 */
int host_ptrace_eventmsg(int pid, unsigned long *msg)
{
	return host_ptrace_raw(PTRACE_GETEVENTMSG, pid, NULL, msg);
}
