// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets: unix with descriptors and credentials, TCP and UDP over loopback,
 * a BPF filter on one, and on thousands.
 */
#include "test.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

TEST(descriptors_and_credentials)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'x', buf[16] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int pair[2], fd = OK(memfd_create("passed", 0));

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	OK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	CHECK_EQ(cred.pid, getpid());
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	CHILD(pid,
		CHECK_EQ(write(fd, "hello", 5), 5);
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
		CHECK_EQ(OK(sendmsg(pair[1], &msg, 0)), 1));
	WAIT_OK(pid);
	close(fd);
	CHECK_EQ(OK(recvmsg(pair[0], &msg, 0)), 1);
	head = CMSG_FIRSTHDR(&msg);
	CHECK(head);
	CHECK_EQ(head->cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	CHECK_EQ(pread(fd, buf, sizeof(buf), 0), 5);
	CHECK(!strcmp(buf, "hello"));
}

TEST(unix_abstract_and_seqpacket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int server = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0)), client, peer;
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1 +
		sprintf(addr.sun_path + 1, "guest-test-%d", getpid());
	char buf[16];

	OK(bind(server, (void *)&addr, len));
	OK(listen(server, 1));
	client = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	OK(connect(client, (void *)&addr, len));
	peer = OK(accept(server, NULL, NULL));
	CHECK_EQ(OK(send(client, "one", 3, 0)), 3);
	CHECK_EQ(OK(send(client, "three", 5, 0)), 5);
	CHECK_EQ(OK(recv(peer, buf, sizeof(buf), 0)), 3);
	CHECK_EQ(OK(recv(peer, buf, sizeof(buf), 0)), 5);
	close(client);
	CHECK_EQ(OK(recv(peer, buf, sizeof(buf), 0)), 0);
}

static int bound(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = OK(socket(AF_INET, type, 0));

	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	OK(bind(fd, (void *)addr, sizeof(*addr)));
	OK(getsockname(fd, (void *)addr, &len));
	return fd;
}

#define BULK (4 << 20)

TEST_LIMIT(tcp_bulk, 30)
{
	struct sockaddr_in addr;
	int server = bound(SOCK_STREAM, &addr), peer;
	static uint8_t buf[65536];
	size_t total = 0;
	ssize_t n;

	OK(listen(server, 4));
	CHILD(pid,
		int client = OK(socket(AF_INET, SOCK_STREAM, 0));
		size_t sent = 0;

		OK(connect(client, (void *)&addr, sizeof(addr)));
		while (sent < BULK) {
			for (size_t i = 0; i < sizeof(buf); i++)
				buf[i] = (sent + i) * 7 >> 3;
			for (size_t off = 0; off < sizeof(buf); off += n)
				n = OK(send(client, buf + off, sizeof(buf) - off, 0));
			sent += sizeof(buf);
		}
		OK(shutdown(client, SHUT_WR));
		CHECK_EQ(OK(recv(client, buf, 4, MSG_WAITALL)), 4));
	peer = OK(accept(server, NULL, NULL));
	while ((n = OK(recv(peer, buf, sizeof(buf), 0))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != (uint8_t)((total + i) * 7 >> 3))
				test_fail(__FILE__, __LINE__, "byte %zu is wrong", total + i);
		total += n;
	}
	CHECK_EQ(total, BULK);
	CHECK_EQ(OK(send(peer, "done", 4, 0)), 4);
	WAIT_OK(pid);
}

TEST(tcp_refused_and_reset)
{
	struct linger linger = { 1, 0 };
	struct sockaddr_in addr;
	int server = bound(SOCK_STREAM, &addr), client, peer;
	char c;

	client = OK(socket(AF_INET, SOCK_STREAM, 0));
	FAILS(connect(client, (void *)&addr, sizeof(addr)), ECONNREFUSED);
	OK(listen(server, 4));
	close(client);
	client = OK(socket(AF_INET, SOCK_STREAM, 0));
	OK(connect(client, (void *)&addr, sizeof(addr)));
	peer = OK(accept(server, NULL, NULL));
	OK(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(peer);
	FAILS(recv(client, &c, 1, 0), ECONNRESET);
}

TEST(udp)
{
	struct sockaddr_in a_addr, b_addr, from;
	int a = bound(SOCK_DGRAM, &a_addr), b = bound(SOCK_DGRAM, &b_addr);
	struct pollfd pfd = { .fd = b, .events = POLLIN };
	socklen_t len = sizeof(from);
	static char buf[9000];

	memset(buf, 'u', sizeof(buf));
	CHECK_EQ(OK(sendto(a, buf, 8000, 0, (void *)&b_addr, sizeof(b_addr))), 8000);
	CHECK_EQ(OK(poll(&pfd, 1, 2000)), 1);
	CHECK_EQ(OK(recvfrom(b, buf, sizeof(buf), 0, (void *)&from, &len)), 8000);
	CHECK_EQ(from.sin_port, a_addr.sin_port);
}

TEST(ipv6_loopback)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(addr);
	int fd = OK(socket(AF_INET6, SOCK_DGRAM, 0));
	char buf[8];

	if (bind(fd, (void *)&addr, len))
		test_skip("bind ::1: %s", strerror(errno));
	OK(getsockname(fd, (void *)&addr, &len));
	CHECK_EQ(OK(sendto(fd, "six", 3, 0, (void *)&addr, len)), 3);
	CHECK_EQ(OK(recv(fd, buf, sizeof(buf), 0)), 3);
}

TEST(bpf_socket_filter)
{
	/* Only what begins with 'y' passes, and only its first two bytes. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 2),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	char buf[8];
	int pair[2];

	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	OK(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	send(pair[1], "no", 2, 0);
	CHECK_EQ(OK(send(pair[1], "yes", 3, 0)), 3);
	CHECK_EQ(OK(recv(pair[0], buf, sizeof(buf), 0)), 2);
	CHECK(!strncmp(buf, "ye", 2));
	code[3].code = 0xffff;
	FAILS(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EINVAL);
}

/* Areas that the kernel has mapped for itself. */
static int kernel_mappings(void)
{
	FILE *f = fopen("/proc/vmallocinfo", "r");
	int lines = 0, c;

	CHECK(f != NULL);
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines;
}

/* The kernel maps each filter; thousands go at once, and each is a flush. */
TEST(thousands_of_filters_go)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &code };
	int fds[1000], before;

	if (!in_guest())
		test_skip("counts what the kernel of a machine of one's own has mapped");
	before = kernel_mappings();
	for (int round = 0; round < 6; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			fds[i] = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
			OK(setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
		}
		CHECK_GE(kernel_mappings(), before + 990);
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			close(fds[i]);
	}
	/* Not done in 15 s when a flush was a host call for each gap between others. */
	while (kernel_mappings() > before + 100)
		sleep_ms(50);
}
