/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's kernel, as our firmware: every service of it that the port uses.
 * All functions return 0 or a positive value on success and -errno on failure,
 * as the system call of the same name does (see its man page, section 2).
 * They may be called from any host thread unless noted.
 */
#ifndef _ASM_UM_HOST_H
#define _ASM_UM_HOST_H

#include <linux/types.h>

struct pt_regs;
struct siginfo;
struct sock_filter;

/* struct iovec of readv(2) */
struct host_iovec {
	void *base;
	u64 len;
};

/* What host_file_info() tells: size in bytes, mtime in seconds. */
struct host_file_info {
	u64 size;
	u64 mtime;
	u64 dev;
	u64 ino;
	bool block;
};

#define HOST_INHERITED_WORDS	16	/* for descriptors 0 to 1023, a bit each */

#define HOST_RDONLY	0
#define HOST_RDWR	2
#define HOST_NONBLOCK	04000	/* a FIFO must not hold us up */
#define HOST_NOCTTY	0400
#define HOST_MAKE	0100	/* if it is not there */
#define HOST_NOFOLLOW	0400000	/* a link is refused */
#define HOST_APPEND	02101	/* at the end; made if it is not there */

/* mem.c */
#define HOST_PROT_READ	1
#define HOST_PROT_WRITE	2
#define HOST_PROT_EXEC	4
int host_memfd(const char *name, u64 size);
int host_map_shared(void *addr, u64 len, unsigned int prot, int fd, u64 offset);
int host_map_shared_new(void *addr, u64 len, unsigned int prot, int fd, u64 offset);
void *host_map_private(u64 len);
int host_unmap(void *addr, u64 len);
int host_populate(void *addr, u64 len);

/* faults.c */
extern bool host_faults_dear;
void host_measure_faults(int fd, u64 offset);

/* file.c */
int host_open(const char *path, int flags);
int host_close(int fd);
void host_find_inherited(u64 *map);
void host_set_inherited(const u64 *map);
bool host_is_inherited(int fd);
int host_dup(int fd);
int host_dup_plain(int fd);
int host_open_std_fds(void);
int host_set_nonblock(int fd);
long host_read(int fd, void *buf, u64 len);
long host_write(int fd, const void *buf, u64 len);
#define HOST_STALL_MS	3000	/* for readers of what the kernel itself says */
long host_write_patiently(int fd, const void *buf, u64 len, unsigned int ms);
int host_write_all(int fd, const void *buf, u64 len);
long host_pread(int fd, void *buf, u64 len, u64 offset);
long host_pwrite(int fd, const void *buf, u64 len, u64 offset);
long host_preadv(int fd, const struct host_iovec *iov, unsigned int n, u64 offset);
long host_pwritev(int fd, const struct host_iovec *iov, unsigned int n, u64 offset);
long host_preadv_nowait(int fd, const struct host_iovec *iov, unsigned int n, u64 offset);
long host_pwritev_nowait(int fd, const struct host_iovec *iov, unsigned int n, u64 offset);
int host_fdatasync(int fd);
int host_file_info(int fd, struct host_file_info *info);
bool host_block_readonly(int fd);
int host_file_size(int fd, u64 *size, bool *block_device);
int host_fd_access(int fd);
int host_fd_path(int fd, char *path, unsigned int size);
int host_getcwd(char *path, unsigned int size);
int host_discard(int fd, u64 offset, u64 len, bool block_device);
int host_lock_file(int fd, bool exclusive);
bool host_file_is(int fd, const char *path);
int host_is_tmpfs(const char *path);
int host_open_tmpfile(const char *dir);
int host_mkdir(const char *path, unsigned int mode);
int host_create(const char *path, unsigned int mode);
int host_unlink(const char *path);
int host_rmdir(const char *path);
int host_setsize(int fd, u64 size);

/* vdso.c */
void host_vdso_init(const void *ehdr);
unsigned long host_vdso_move(unsigned long to, unsigned long room);

/* time.c */
u64 host_monotonic_ns(void);
u64 host_realtime_ns(void);
u64 host_cpu_ns(int pid);
int host_timer_create(int signo, int tid);
int host_timer_set(int timer, u64 deadline_ns);

/* signal.c */
#define HOST_SIG_TIMER	14	/* SIGALRM */
#define HOST_SIG_IRQ	29	/* SIGIO: an I/O thread has raised an interrupt */
#define HOST_SIG_WATCHDOG 26	/* SIGVTALRM */
struct host_ucontext;
typedef void (*host_handler_t)(int signo, struct siginfo *info, struct host_ucontext *uc);
int host_signal_handler(int signo, host_handler_t handler);
int host_signal_ignore(int signo);
int host_signal_child_deaths(host_handler_t handler);
bool host_siginfo_from_outside(const struct siginfo *info);
int host_signal_default(int signo);
int host_altstack(void *base, u64 size);
int host_block_all_signals(void);
int host_unblock_all_signals(void);
int host_signal_mask(u64 mask);
u64 host_signal_get_mask(void);
int host_signal_wait(u64 signals);
void host_uc_get_regs(const struct host_ucontext *uc, struct pt_regs *regs);
void host_uc_leave_sleep(struct host_ucontext *uc);
void host_uc_set_ip_sp(struct host_ucontext *uc, unsigned long ip, unsigned long sp);
unsigned long host_siginfo_addr(const struct siginfo *info);

/* thread.c */
int host_gettid(void);
int host_getpid(void);
int host_set_fs_base(void *base);
int host_thread(int (*fn)(void *), void *arg, void *stack, u64 size);
int host_tgkill(int pid, int tid, int signo);
int host_kill(int pid, int signo);
int host_futex_wait(unsigned int *word, unsigned int value, u64 deadline_ns);
int host_futex_wake(unsigned int *word);
int host_futex_wait_shared(unsigned int *word, unsigned int value, u64 deadline_ns);
int host_futex_wake_shared(unsigned int *word);
int host_fork(void);
int host_spawn(const char *path, const char *const *argv, const char *const *envp, int keep);
void __noreturn host_exit(int status);
int host_wait(int pid, int *status);
int host_yield(void);
int host_pin_to_current_cpu(void);
int host_unpin(void);
int host_get_affinity(u64 *mask, unsigned int size);
int host_set_affinity(int tid, const u64 *mask, unsigned int size);
bool host_is_timeshared(void);
int host_set_batch(int tid, bool batch);
void host_die_with(int parent);
bool host_is_dead(int pid);
bool host_is_stopped(int pid);
int host_seal_fds(const int *keep, int n);
int host_getrandom(void *buf, u64 len);
int host_cpuid_xstate(unsigned int *size, u64 *mask);

/* ptrace.c: by the thread that traces */
#define HOST_PTRACE_SYSCALL_STOP 0x80
int host_ptrace_seize(int pid);
int host_ptrace_traceme(void);
int host_ptrace_setoptions(int pid);
int host_ptrace_interrupt(int pid);
int host_ptrace_resume(int pid, int request, int signo);
int host_ptrace_getregs(int pid, struct pt_regs *regs);
int host_ptrace_setregs(int pid, const struct pt_regs *regs);
int host_ptrace_get_xstate(int pid, void *buf, unsigned int size);
int host_ptrace_set_xstate(int pid, const void *buf, unsigned int size);
int host_ptrace_siginfo(int pid, int *code, unsigned long *addr);
bool host_ptrace_fault_pending(int pid);
int host_ptrace_eventmsg(int pid, unsigned long *msg);
long host_ptrace_raw(int request, int pid, void *addr, void *data);

/* seccomp.c */
int host_filter(const struct sock_filter *prog, unsigned int len);
int host_eventfd(void);
int host_socketpair(int fds[2]);
int host_send_fd(int sock, int fd);
void host_recv_setup(void *at, u64 buf);
int host_signal_code(int signo, u64 handler);
void host_raise_nofile(void);

/* socket.c */
struct host_peer {
	u8 address[112];	/* struct sockaddr_un */
	unsigned int len;
	unsigned int uid;
};

int host_socket_type(int fd);
int host_send_message(int sock, const void *buf, u64 len, int fd);
long host_recv_message(int sock, void *buf, u64 len, int *fd);
long host_recv_datagram(int sock, void *buf, u64 len, struct host_peer *from);
int host_send_datagram(int sock, const void *buf, u64 len, const struct host_peer *to);
int host_peer_unix(struct host_peer *peer, const char *path);
int host_bind_datagram(const char *path);
int host_listen_unix(const char *path);
void host_unlink_dead_socket(const char *path);
int host_listen_loopback(unsigned int port);
int host_accept(int sock);
int host_connect_stream(const char *path);
int host_getppid(void);
int host_dumpable(int value);
void host_run_self(const char *path, const char *const *argv);

/* landlock.c */
int host_landlock_signals(void);
int host_landlock_begin(void);
int host_landlock_allow(int fd, bool write);
int host_landlock_allow_removal(const char *dir, bool directories);
int host_landlock_thread(void);

/* confine.c */
int host_confine(bool ptrace, bool files);

/* tty.c */
bool host_isatty(int fd);
int host_tty_raw(int fd);
int host_tty_restore(int fd);
int host_tty_winsize(int fd, unsigned short *rows, unsigned short *cols);
int host_pts_setup(int fd, char *name, unsigned int len);

/* poll.c */
int host_epoll_create(void);
int host_epoll_add(int epfd, int fd, u32 id, bool output);
int host_epoll_rearm(int epfd, int fd, u32 id, bool output);
int host_epoll_wait(int epfd, u32 *id);
int host_epoll_sleep(int epfd, const unsigned int *pending, u64 ns, u32 *id);
int host_poll(int fd, bool output);
int host_poll_two(int a, int b, int timeout_ms);
int host_epoll_rearm_both(int epfd, int fd, u32 id);
int host_epoll_remove(int epfd, int fd);

/* net.c */
long host_readv(int fd, const struct host_iovec *iov, unsigned int n);
long host_writev(int fd, const struct host_iovec *iov, unsigned int n);
int host_netdev_exists(const char *name);
int host_tap_attach(int fd, const char *name);
int host_tap_info(int fd, char *name, unsigned int *vnet);
int host_tap_offload(int fd, unsigned int flags);
int host_socket_vnet(int fd);
int host_hung_up(int fd);
void host_socket_room(int fd);

#endif
