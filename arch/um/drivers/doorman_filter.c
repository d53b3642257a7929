// SPDX-License-Identifier: GPL-2.0
/*
 * The doorman's own filter of host system calls: what it takes to pass messages,
 * to open files and sockets, and to remove the files of a guest that was killed.
 * No program, no process, no memory that is executable, no signal but SIGKILL
 * to the kernel process, of ioctl only what it takes to get the end of a tap, and of
 * fcntl only a lock, that of the file pid.
 */
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <uapi/linux/audit.h>
#include <uapi/linux/if_tun.h>
#include <uapi/linux/sockios.h>
#include <asm/host.h>
#include <asm/unistd.h>
#include "doorman.h"

static const u16 allowed[] = {
	__NR_poll, __NR_recvmsg, __NR_sendmsg, __NR_close, __NR_read, __NR_clock_gettime,
	__NR_openat, __NR_socket, __NR_setsockopt, __NR_fchmod, __NR_bind, __NR_listen,
	__NR_connect, __NR_unlink, __NR_rmdir, __NR_newfstatat, __NR_fstat,
	__NR_getppid, __NR_restart_syscall, __NR_exit_group,
};

#define NR_ALLOWED	ARRAY_SIZE(allowed)

static const u32 ioctls[] = { SIOCGIFFLAGS, TUNSETIFF, TUNSETVNETHDRSZ };

#define NR_IOCTLS	ARRAY_SIZE(ioctls)
#define REST		(NR_IOCTLS + 12)	/* instructions behind the list of calls */

static struct sock_filter prog[3 + NR_ALLOWED + REST];

static void add(unsigned int *n, u16 code, u32 k, u8 jt, u8 jf)
{
	prog[(*n)++] = (struct sock_filter) { .code = code, .jt = jt, .jf = jf, .k = k };
}

/**
 * doorman_filter() - from now on only these calls
 * @kernel_pid: the one process that may be killed
 *
 * Return: 0 or -errno.
 */
int doorman_filter(int kernel_pid)
{
	unsigned int n = 0, i;

	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, NR_ALLOWED + REST - 1);
	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (i = 0; i < NR_ALLOWED; i++)
		add(&n, BPF_JMP | BPF_JEQ | BPF_K, allowed[i], NR_ALLOWED - i + REST - 2, 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, NR_IOCTLS + 1);
	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]), 0, 0);
	for (i = 0; i < NR_IOCTLS; i++)
		add(&n, BPF_JMP | BPF_JEQ | BPF_K, ioctls[i], NR_IOCTLS - i + 8,
		    i == NR_IOCTLS - 1 ? 8 : 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, __NR_fcntl, 0, 2);
	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]), 0, 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, F_OFD_SETLK, 6, 5);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, __NR_kill, 0, 4);
	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]), 0, 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, SIGKILL, 0, 2);
	add(&n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
	add(&n, BPF_JMP | BPF_JEQ | BPF_K, kernel_pid, 1, 0);
	add(&n, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	add(&n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	return host_filter(prog, n);
}
