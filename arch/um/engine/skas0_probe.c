// SPDX-License-Identifier: GPL-2.0
/*
 * The boot-time checks of ptrace. Each lets a child make one system call,
 * getpid, changes what comes of it, and has the child compare.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
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

static int __init check(const char *what, int err)
{
	boot_say("Checking %s...", what);
	if (err)
		boot_say("failed: %s\n", host_error(err));
	else
		boot_say("OK\n");
	return err;
}

/**
 * skas0_probe() - check what skas0 over ptrace needs
 *
 * Return: 0 or -errno of the first check that failed.
 */
int __init skas0_probe(void)
{
	int err;

	err = check("that ptrace can change system call numbers",
		    change_call(PTRACE_SYSCALL, __NR_getppid, 0, host_getpid()));
	if (err)
		return err;
	if (!boot_options.sysemu) {
		boot_say("Checking syscall emulation patch for ptrace...found but disabled on command line\n");
		boot_die("nosysemu: guest programs cannot run without PTRACE_SYSEMU; leave the option out\n");
	}
	err = check("syscall emulation patch for ptrace",
		    change_call(PTRACE_SYSEMU, -1, MAGIC, MAGIC));
	if (err)
		return err;
	return check("advanced syscall emulation patch for ptrace",
		     change_call(PTRACE_SYSEMU_SINGLESTEP, -1, MAGIC, MAGIC));
}
