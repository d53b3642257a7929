// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets of the host, for the management console and for consoles: unix and
 * loopback listeners, datagrams with the sender's credentials, messages with a
 * descriptor, and the process at the door that owns the former.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/signal.h>
#include <linux/socket.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/un.h>
#include <asm/stat.h>
#include <uapi/linux/prctl.h>
#include "syscall.h"

/* Control data of one descriptor, or of credentials. */
union control {
	struct {
		struct cmsghdr head;
		int fd;
	} right;
	struct {
		struct cmsghdr head;
		struct ucred cred;
	} sender;
	u8 room[64] __aligned(8);
};

static long message(long nr, int sock, struct user_msghdr *msg, unsigned int flags)
{
	return retry_call(nr, sock, msg, flags);
}

/**
 * host_socket_type() - SOCK_STREAM and so on, -ENOTSOCK or -EBADF
 */
int host_socket_type(int fd)
{
	int type = 0, len = sizeof(type);
	long err = host_call(__NR_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len);

	return err < 0 ? err : type;
}

static int unix_address(struct sockaddr_un *sun, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return -EINVAL;
	if (len >= sizeof(sun->sun_path))
		return -ENAMETOOLONG;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, len);
	return 0;
}

/**
 * host_send_message() - send bytes, and a descriptor or -1, without waiting
 *
 * Return: 0, -EAGAIN when the receiver has no room, or -errno.
 */
int host_send_message(int sock, const void *buf, u64 len, int fd)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	union control c = {
		.right = {
			.head = {
				.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
			},
			.fd = fd,
		},
	};
	struct user_msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long n;

	if (fd >= 0) {
		msg.msg_control = &c;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
	}
	n = message(__NR_sendmsg, sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? n : 0;
}

/**
 * host_recv_message() - receive bytes and a descriptor, without waiting
 * @fd: gets the descriptor, or -1
 *
 * Return: bytes, 0 at the end, -EAGAIN when there is none, or -errno.
 */
long host_recv_message(int sock, void *buf, u64 len, int *fd)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	union control c = { };
	struct user_msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &c,
		/* Room for one: CMSG_SPACE() would do for two, and nobody would close it. */
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	long n = message(__NR_recvmsg, sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n >= 0 && msg.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    c.right.head.cmsg_level == SOL_SOCKET && c.right.head.cmsg_type == SCM_RIGHTS)
		*fd = c.right.fd;
	return n;
}

/**
 * host_recv_datagram() - receive a datagram, and who sent it
 * @from: gets the address to answer to, and the sender's user id, ~0 unknown
 *
 * Return: its length, which is more than @len when the rest was cut off, or
 * -errno.
 */
long host_recv_datagram(int sock, void *buf, u64 len, struct host_peer *from)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	union control c = { };
	struct user_msghdr msg = {
		.msg_name = from->address, .msg_namelen = sizeof(from->address),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &c, .msg_controllen = CMSG_SPACE(sizeof(struct ucred)),
	};
	long n;

	BUILD_BUG_ON(sizeof(from->address) < sizeof(struct sockaddr_un));
	n = message(__NR_recvmsg, sock, &msg, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return n;
	from->len = min_t(unsigned int, msg.msg_namelen, sizeof(from->address));
	from->uid = ~0U;
	if (msg.msg_controllen >= CMSG_LEN(sizeof(struct ucred)) &&
	    c.sender.head.cmsg_level == SOL_SOCKET &&
	    c.sender.head.cmsg_type == SCM_CREDENTIALS)
		from->uid = c.sender.cred.uid;
	return n;
}

/**
 * host_send_datagram() - answer a datagram, without waiting
 *
 * Return: 0, -EAGAIN when the receiver has no room, or -errno.
 */
int host_send_datagram(int sock, const void *buf, u64 len, const struct host_peer *to)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct user_msghdr msg = {
		.msg_name = (void *)to->address, .msg_namelen = to->len,
		.msg_iov = &iov, .msg_iovlen = 1,
	};
	long n = message(__NR_sendmsg, sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? n : 0;
}

/**
 * host_peer_unix() - the address of a unix socket by its path
 */
int host_peer_unix(struct host_peer *peer, const char *path)
{
	peer->len = sizeof(struct sockaddr_un);
	return unix_address((struct sockaddr_un *)peer->address, path);
}

static int bound(int type, int family, const void *address, unsigned int len, int option)
{
	int one = 1;
	long err, fd = host_call(__NR_socket, family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fd;
	err = host_call(__NR_setsockopt, fd, SOL_SOCKET, option, &one, sizeof(one));
	if (!err && family == AF_UNIX)	/* the mode of the path: the owner's only */
		err = host_call(__NR_fchmod, fd, 0600);
	if (!err)
		err = host_call(__NR_bind, fd, address, len);
	if (!err && type == SOCK_STREAM)
		err = host_call(__NR_listen, fd, 1);
	if (!err)
		return fd;
	host_close(fd);
	return err;
}

/**
 * host_bind_datagram() - a datagram socket that tells who sends
 */
int host_bind_datagram(const char *path)
{
	struct sockaddr_un sun;
	int err = unix_address(&sun, path);

	return err ?: bound(SOCK_DGRAM, AF_UNIX, &sun, sizeof(sun), SO_PASSCRED);
}

/**
 * host_connect_stream() - connect to who listens at a path, without waiting
 *
 * Return: a descriptor that does not block, or -errno: -EAGAIN when the
 * listener's queue is full.
 */
int host_connect_stream(const char *path)
{
	struct sockaddr_un sun;
	long err, fd;

	err = unix_address(&sun, path);
	if (err)
		return err;
	fd = host_call(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	err = host_call(__NR_connect, fd, &sun, sizeof(sun));
	if (!err)
		return fd;
	host_close(fd);
	return err;
}

/* A socket that nobody listens at any more, as after a kill. */
static bool dead_socket(const char *path)
{
	struct stat st;
	int fd;

	if (host_call(__NR_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISSOCK(st.st_mode))
		return false;
	fd = host_connect_stream(path);
	if (fd >= 0)
		host_close(fd);
	return fd == -ECONNREFUSED;
}

/**
 * host_unlink_dead_socket() - remove a unix stream socket at which nobody listens
 */
void host_unlink_dead_socket(const char *path)
{
	if (dead_socket(path))
		host_unlink(path);
}

/**
 * host_listen_unix() - wait for connections at a path
 *
 * Return: a descriptor, -EADDRINUSE when there is a file or somebody else, or
 * -errno.
 */
int host_listen_unix(const char *path)
{
	struct sockaddr_un sun;
	int err = unix_address(&sun, path), fd;

	if (err)
		return err;
	fd = bound(SOCK_STREAM, AF_UNIX, &sun, sizeof(sun), SO_PASSCRED);
	if (fd != -EADDRINUSE || !dead_socket(path))
		return fd;
	host_unlink(path);
	return bound(SOCK_STREAM, AF_UNIX, &sun, sizeof(sun), SO_PASSCRED);
}

/**
 * host_listen_loopback() - wait for TCP connections to 127.0.0.1
 */
int host_listen_loopback(unsigned int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return bound(SOCK_STREAM, AF_INET, &sin, sizeof(sin), SO_REUSEADDR);
}

/**
 * host_accept() - take a connection, which does not block
 */
int host_accept(int sock)
{
	return retry_call(__NR_accept4, sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int host_getppid(void)
{
	return host_call(__NR_getppid);
}

/**
 * host_dumpable() - may processes of the same user look into this one
 * @value: 0 or 1 from now on, or -1 to ask
 *
 * Return: how it was.
 */
int host_dumpable(int value)
{
	int was = host_call(__NR_prctl, PR_GET_DUMPABLE);

	if (value == 0 || value == 1)
		host_call(__NR_prctl, PR_SET_DUMPABLE, value);
	return was;
}

/**
 * host_run_self() - in a child: become a fresh image of this executable
 * @path: its name as exec was told, for where there is no /proc
 * @argv: its arguments; the environment is empty
 *
 * Returns only when it cannot.
 */
void host_run_self(const char *path, const char *const *argv)
{
	static const char *const none[] = { NULL };

	host_call(__NR_execve, "/proc/self/exe", argv, none);
	host_call(__NR_execve, path, argv, none);
}
