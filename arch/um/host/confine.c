// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel process's own filter. Once the guest has booted, its threads may
 * make only the host calls listed here; any other ends the process. Who takes
 * over the guest's kernel so does not get the user's account with it: no file
 * can be opened, no program started, no process made, no socket connected.
 *
 * A new host call in this directory that is made after boot goes into the list,
 * with the file that makes it behind it (tests/blackbox/t_taken_over.py looks).
 */
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <uapi/linux/audit.h>
#include <uapi/linux/if_tun.h>
#include <uapi/linux/io_uring.h>
#include <uapi/linux/prctl.h>
#include <uapi/linux/sockios.h>
#include <asm/host_dirs.h>
#include <asm/host_uring.h>
#include <asm/ioctls.h>
#include "syscall.h"

static const u16 allowed[] = {
	/* the hand-over, most frequent first */
	__NR_futex, /* thread.c */
	__NR_write, /* file.c */
	__NR_tgkill, /* thread.c */
	__NR_rt_sigreturn, /* restorer.S */
	__NR_sched_yield, /* thread.c */
	__NR_clock_gettime, __NR_timer_settime, /* time.c */
	__NR_sched_setaffinity, /* thread.c */
	/* spaces: made by the seed, ended here */
	__NR_eventfd2, __NR_sendmsg, /* seccomp.c */
	__NR_close, /* file.c */
	__NR_poll, /* poll.c */
	__NR_wait4, __NR_waitid, /* thread.c */
	/* memory of the kernel process */
	__NR_mmap, __NR_munmap, __NR_madvise, /* mem.c */
	/* disks, consoles, the host's load */
	__NR_read, __NR_pread64, __NR_pwrite64, __NR_preadv, __NR_pwritev, /* file.c */
	__NR_preadv2, __NR_pwritev2, __NR_fdatasync, __NR_fallocate, __NR_fstat, /* file.c */
	__NR_epoll_ctl, __NR_epoll_wait, /* poll.c */
	__NR_epoll_pwait2, /* sleep.S */
	__NR_getrandom, /* thread.c */
	/* messages from the process at the door, which opens what a request names */
	__NR_recvmsg, /* socket.c */
	/* network: frames in pieces; what a descriptor is that a new device gets */
	__NR_readv, __NR_writev, __NR_getsockopt, /* net.c */
	/* the next connection to a console, whose listener was made before */
	__NR_accept4, /* socket.c */
	__NR_dup, /* file.c */
	/* threads that start; a call that a stop interrupted; the end */
	__NR_rt_sigprocmask, /* signal.c */
	__NR_restart_syscall, /* the host */
	__NR_exit, /* clone.S */
	__NR_exit_group, /* thread.c */
	__NR_unlink, __NR_rmdir, /* file.c */
	__NR_getpid, __NR_gettid, /* thread.c */
};

/*
 * With a directory of the host given to the guest (arch/um/hostfs): files in it
 * by name. A filter does not see names; Landlock does (host/landlock.c).
 */
static const u16 allowed_files[] = {
	__NR_statx, __NR_openat2, __NR_getdents64, /* dirs.c */
	__NR_lseek, /* dirs_file.c */
	__NR_readlinkat, /* dirs.c */
	__NR_ftruncate, /* file.c */
	__NR_fsync, /* dirs_file.c */
	__NR_mkdirat, __NR_mknodat, __NR_unlinkat, __NR_symlinkat, __NR_linkat, /* dirs.c */
	__NR_renameat2, __NR_fchownat, __NR_utimensat, __NR_faccessat2, __NR_fchmod, /* dirs.c */
	__NR_fchmodat, __NR_fchmodat2, __NR_fstatfs, /* dirs.c */
	/* extended attributes: of an open file, or of a name in the working directory */
	__NR_fchdir, /* cwd.h */
	__NR_fgetxattr, __NR_fsetxattr, __NR_flistxattr, __NR_fremovexattr, /* dirs_file.c */
	__NR_lgetxattr, __NR_lsetxattr, __NR_llistxattr, __NR_lremovexattr, /* dirs_file.c */
};

#define NR_ALLOWED	(ARRAY_SIZE(allowed) + ARRAY_SIZE(allowed_files))

/*
 * fcntl: to copy a descriptor, ask for its mode, and lock its file (a disk that
 * is added). Not F_SETOWN, which has the host send signals to whomever.
 */
static const struct sock_filter fcntl_filter[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fcntl, 0, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_DUPFD_CLOEXEC, 3, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_GETFL, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_OFD_SETLK, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

#define NR_FCNTL	ARRAY_SIZE(fcntl_filter)

/* Scheduling: to be woken with or without an interruption of others (thread.c). */
static const struct sock_filter policy_filter[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sched_setscheduler, 0, 5),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SCHED_NORMAL, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SCHED_BATCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

#define NR_POLICY	ARRAY_SIZE(policy_filter)

/*
 * ioctl: what terminals, taps, disks and sockets are asked here, by the file that
 * does so. Above all not TIOCSTI or TIOCLINUX, which type into a terminal what its
 * shell takes for the user's words.
 */
static const u32 ioctls[] = {
	/* tty.c */
	TCGETS, TCSETS, TCSETSW, TIOCGWINSZ, TIOCSPTLCK, TIOCGPTN,
	/* net.c */
	SIOCGIFFLAGS, TUNSETIFF, TUNGETIFF, TUNSETVNETHDRSZ, TUNGETVNETHDRSZ, TUNSETOFFLOAD,
	/* file.c */
	FIONBIO, BLKGETSIZE64, BLKROGET, BLKDISCARD,
};

#define NR_IOCTL	(ARRAY_SIZE(ioctls) + 4)

static unsigned int ioctl_rules(struct sock_filter *to)
{
	unsigned int count = ARRAY_SIZE(ioctls), n = 0;

	to[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, NR_IOCTL - 1);
	to[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]));
	for (unsigned int i = 0; i < count; i++)
		to[n++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ioctls[i], count - i, 0);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return n;
}

/*
 * io_uring, with a ring that was made at boot and can do little (uring.c): to
 * submit and wait on it, without extensions; to change one of its slots.
 */
#define RING_FD	0	/* becomes the ring's descriptor */

static struct sock_filter ring_filter[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_enter, 0, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RING_FD, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, IORING_ENTER_GETEVENTS, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RING_FD, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IORING_REGISTER_FILES_UPDATE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

#define NR_RING		ARRAY_SIZE(ring_filter)

/*
 * Directories that hostfs watches (dirs_watch.c): with the descriptor that was
 * made at boot, for what it looks at and no more. The name, which a filter does
 * not see, is that of the working directory.
 */
#define WATCH_FD	0	/* becomes that descriptor */

static struct sock_filter watch_filter[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_inotify_add_watch, 0, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WATCH_FD, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HOST_WATCH_MASK, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_inotify_rm_watch, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WATCH_FD, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

#define NR_WATCH	ARRAY_SIZE(watch_filter)

/* Load, compare; calls with conditions; the verdicts. */
static struct sock_filter prog[3 + NR_FCNTL + NR_POLICY + NR_IOCTL + NR_RING + NR_WATCH +
			       NR_ALLOWED + 8];

/* How many instructions: none without a ring. */
static unsigned int ring_rules(void)
{
	int fd = IS_ENABLED(CONFIG_UML_UBD) ? host_uring_fd() : -1;

	if (fd < 0)
		return 0;
	ring_filter[2].k = fd;
	ring_filter[9].k = fd;
	return NR_RING;
}

/* The same for directories that are watched. */
static unsigned int watch_rules(void)
{
	int fd = IS_ENABLED(CONFIG_UML_HOSTFS) ? host_watch_fd() : -1;

	if (fd < 0)
		return 0;
	watch_filter[2].k = fd;
	watch_filter[9].k = fd;
	return NR_WATCH;
}

/**
 * host_confine() - from now on only these calls, for all threads
 * @ptrace: spaces are traced
 * @files: files of the host are opened by name
 *
 * Return: 0 or -errno; -ENOSYS or -EINVAL on a host without seccomp filters.
 */
int host_confine(bool ptrace, bool files)
{
	struct sock_fprog fprog = { .filter = prog };
	unsigned int count = ARRAY_SIZE(allowed) + (files ? ARRAY_SIZE(allowed_files) : 0);
	unsigned int ring = ring_rules(), watch = watch_rules();
	unsigned int n = 0, i;
	long err;

	prog[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	prog[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
			 NR_FCNTL + NR_POLICY + NR_IOCTL + ring + watch + count + 6);
	prog[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (i = 0; i < NR_FCNTL; i++)
		prog[n++] = fcntl_filter[i];
	for (i = 0; i < NR_POLICY; i++)
		prog[n++] = policy_filter[i];
	n += ioctl_rules(prog + n);
	for (i = 0; i < ring; i++)
		prog[n++] = ring_filter[i];
	for (i = 0; i < watch; i++)
		prog[n++] = watch_filter[i];
	for (i = 0; i < count; i++) {
		u16 nr = i < ARRAY_SIZE(allowed) ? allowed[i] :
			 allowed_files[i - ARRAY_SIZE(allowed)];

		prog[n++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, count - i + 5, 0);
	}
	prog[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ptrace, ptrace ? 5 : 4, 0);
	/* A single process, never all of them: the pid is positive. */
	prog[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_kill, 0, 3);
	prog[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
	prog[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80000000, 1, 0);
	prog[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 0);
	prog[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prog[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	fprog.len = n;

	err = host_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return err ?: host_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
				&fprog);
}
