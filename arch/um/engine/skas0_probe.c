// SPDX-License-Identifier: GPL-2.0
/*
 * The boot-time checks of ptrace and seccomp. Each of ptrace lets a child make
 * one system call, getpid, changes what comes of it, and has the child compare.
 */
#include <linux/init.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/unistd.h>
#include "skas0.h"

#define MAGIC		0x123
#define MAX_STEPS	1000

static int __init wait_for(int pid, int *status)
{
	int err;

	do {
		err = host_wait(pid, status);
	} while (err == -EINTR);
	return err;
}

/* A child that stops and then wants getpid() to return a value. */
static int __init start_child(long expect)
{
	int parent = host_getpid(), pid = host_fork(), status;

	if (pid < 0)
		return pid;
	if (!pid) {
		host_die_with(parent);
		if (host_ptrace_traceme())
			host_exit(2);
		host_kill(host_getpid(), SIGSTOP);
		host_exit(host_getpid() == expect ? 0 : 1);
	}
	wait_for(pid, &status);
	if ((status & 0xff) != 0x7f)
		return -EPERM;
	status = host_ptrace_setoptions(pid);
	if (status) {
		host_kill(pid, SIGKILL);
		wait_for(pid, &status);
		return -EPERM;
	}
	return pid;
}

/*
 * Run the child to its system call by @request, then set number and result.
 * Return: 0 when the child saw what was set.
 */
static int __init change_call(int request, long nr, long result, long expect)
{
	int pid = start_child(expect), status, err = -EIO;
	struct pt_regs regs;

	if (pid < 0)
		return pid;
	for (int i = 0; i < MAX_STEPS; i++) {
		err = host_ptrace_resume(pid, request, 0);
		if (err)
			break;
		wait_for(pid, &status);
		if ((status & 0xff) != 0x7f)
			return -EIO;
		if (status >> 8 != (SIGTRAP | HOST_PTRACE_SYSCALL_STOP))
			continue;
		err = host_ptrace_getregs(pid, &regs);
		if (err)
			break;
		regs.orig_ax = nr;
		regs.ax = result;
		err = host_ptrace_setregs(pid, &regs);
		if (err)
			break;
		err = host_ptrace_resume(pid, PTRACE_CONT, 0);
		if (err)
			break;
		wait_for(pid, &status);
		return status ? -EIO : 0;
	}
	host_kill(pid, SIGKILL);
	wait_for(pid, &status);
	return err ?: -EIO;
}

/* Report one check, and when it failed what @follows. */
static int __init check(const char *what, int err, const char *follows)
{
	boot_say("Checking %s...", what);
	if (err)
		boot_say("failed: %s%s\n", host_error(err), follows);
	else
		boot_say("OK\n");
	return err;
}

/* The three checks of ptrace; where nothing needs it, an error is only told. */
static int __init probe_ptrace(bool needed, const char *follows)
{
	int err;

	err = check("that ptrace can change system call numbers",
		    change_call(PTRACE_SYSCALL, __NR_getppid, 0, host_getpid()),
		    follows);
	if (err && needed)
		return err;
	if (!boot_options.sysemu) {
		boot_say("Checking syscall emulation patch for ptrace...found but disabled on command line\n");
		if (needed)
			boot_die("nosysemu: skas0=ptrace cannot run without PTRACE_SYSEMU; leave one of the options out\n");
		return 0;
	}
	err = check("syscall emulation patch for ptrace",
		    change_call(PTRACE_SYSEMU, -1, MAGIC, MAGIC), follows);
	if (err && needed)
		return err;
	err = check("advanced syscall emulation patch for ptrace",
		    change_call(PTRACE_SYSEMU_SINGLESTEP, -1, MAGIC, MAGIC), follows);
	return needed ? err : 0;
}

/**
 * skas0_probe() - check what skas0 over ptrace needs
 *
 * Return: 0 or -errno of the first check that failed.
 */
int __init skas0_probe(void)
{
	return probe_ptrace(true, "");
}

/* A child takes up a filter and breaks it: the signal must come. */
static int __init filtered_call(void)
{
	static const struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int parent = host_getpid(), pid = host_fork(), status = 0, err;

	if (pid < 0)
		return pid;
	if (!pid) {
		host_die_with(parent);
		host_signal_default(SIGSYS);
		err = host_filter(prog, ARRAY_SIZE(prog));
		if (err)
			host_exit(-err);
		host_die_with(parent);		/* asks for the parent's pid */
		host_exit(EPERM);
	}
	err = wait_for(pid, &status);
	if (err < 0)
		return err;
	if ((status & 0x7f) == SIGSYS)
		return 0;
	return status & 0xff00 ? -(status >> 8 & 0xff) : -EPERM;
}

/**
 * skas0_probe_seccomp() - check what skas0 over seccomp needs; report on ptrace
 *
 * Return: 0 or -errno.
 */
int __init skas0_probe_seccomp(void)
{
	int err = filtered_call();

	/* Where seccomp is refused too, the checks come once more, and matter. */
	probe_ptrace(false, err ? "" : " (not needed: guest programs run over seccomp)");
	return check("seccomp filters", err, "");
}
