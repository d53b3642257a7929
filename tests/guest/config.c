// SPDX-License-Identifier: GPL-2.0
/*
 * What the default configuration promises and no other test uses: fanotify,
 * fuse, packet sockets, tun, veth and bridge. (nftables is a module: the test
 * of the Debian has it.)
 */
#include "test.h"
#include <arpa/inet.h>
#include <linux/fuse.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* Namespaces of this case's own; the host may refuse them, the guest may not. */
static void own(int flags)
{
	if (!unshare(flags))
		return;
	if (in_guest())
		test_fail(__FILE__, __LINE__, "unshare: %s", strerror(errno));
	test_skip("unshare: %s", strerror(errno));
}

static void own_mounts(void)
{
	own(CLONE_NEWNS);
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mount("t", "/tmp", "tmpfs", 0, NULL));
}

/* A read that does not wait for ever. */
static ssize_t read_soon(int fd, void *buf, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (OK(poll(&pfd, 1, 5000)) != 1)
		test_fail(__FILE__, __LINE__, "nothing to read within 5 s");
	return OK(read(fd, buf, size));
}

TEST(fanotify)
{
	struct fanotify_event_metadata events[8], *event = events;
	char path[64], name[64];
	int fd, file;
	ssize_t n;

	own_mounts();
	file = OK(open("/tmp/f", O_CREAT | O_WRONLY, 0600));
	close(file);
	fd = OK(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY));
	OK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "/tmp"));
	CHILD(pid, OK(open("/tmp/f", O_RDONLY)));
	WAIT_OK(pid);
	n = read_soon(fd, events, sizeof(events));
	CHECK(FAN_EVENT_OK(event, n));
	CHECK_EQ(event->vers, FANOTIFY_METADATA_VERSION);
	CHECK_EQ(event->mask, FAN_OPEN);
	CHECK_EQ(event->pid, pid);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", event->fd);
	n = OK(readlink(path, name, sizeof(name) - 1));
	name[n] = '\0';
	CHECK(!strcmp(name, "/tmp/f"));
}

/* A file system of one file, /f, which holds "hello". */
static void serve(int fd)
{
	static char request[FUSE_MIN_READ_BUFFER + 65536], answer[4096];
	struct fuse_in_header *in = (void *)request;
	struct fuse_out_header *out = (void *)answer;
	struct fuse_attr dir = { .ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0755, .nlink = 2 };
	struct fuse_attr file = { .ino = 2, .mode = S_IFREG | 0644, .nlink = 1, .size = 5 };

	for (;;) {
		void *body = out + 1;
		size_t len = 0;
		ssize_t n = read(fd, request, sizeof(request));

		if (n < 0 && errno == ENODEV)
			return;
		CHECK_GE(n, sizeof(*in));
		memset(answer, 0, sizeof(answer));
		out->unique = in->unique;
		switch (in->opcode) {
		case FUSE_INIT: {
			const struct fuse_init_in *theirs = (void *)(in + 1);
			struct fuse_init_out *init = body;

			CHECK_EQ(theirs->major, FUSE_KERNEL_VERSION);
			init->major = FUSE_KERNEL_VERSION;
			init->minor = FUSE_KERNEL_MINOR_VERSION < theirs->minor ?
				FUSE_KERNEL_MINOR_VERSION : theirs->minor;
			init->max_write = 4096;
			len = sizeof(*init);
			break;
		}
		case FUSE_GETATTR: {
			struct fuse_attr_out *attr = body;

			attr->attr = in->nodeid == FUSE_ROOT_ID ? dir : file;
			len = sizeof(*attr);
			break;
		}
		case FUSE_LOOKUP: {
			struct fuse_entry_out *entry = body;

			if (strcmp((char *)(in + 1), "f")) {
				out->error = -ENOENT;
				break;
			}
			entry->nodeid = 2;
			entry->attr = file;
			len = sizeof(*entry);
			break;
		}
		case FUSE_OPEN:
			len = sizeof(struct fuse_open_out);
			break;
		case FUSE_READ:
			len = 5;
			memcpy(body, "hello", len);
			break;
		case FUSE_FORGET:
		case FUSE_INTERRUPT:
			continue;
		case FUSE_RELEASE:
		case FUSE_FLUSH:
			break;
		default:
			out->error = -ENOSYS;
		}
		out->len = sizeof(*out) + len;
		if (write(fd, answer, out->len) < 0 && errno != ENOENT)
			test_fail(__FILE__, __LINE__, "answer to %u: %s", in->opcode,
				  strerror(errno));
	}
}

TEST(fuse)
{
	char options[128], buf[16] = "";
	int fd, file;

	own_mounts();
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0 && !in_guest())
		test_skip("/dev/fuse: %s", strerror(errno));
	OK(fd);
	OK(mkdir("/tmp/m", 0755));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	OK(mount("test", "/tmp/m", "fuse", MS_NOSUID | MS_NODEV, options));
	CHILD(server, serve(fd));
	close(fd);
	FAILS(open("/tmp/m/other", O_RDONLY), ENOENT);
	file = OK(open("/tmp/m/f", O_RDONLY));
	CHECK_EQ(OK(read(file, buf, sizeof(buf))), 5);
	CHECK(!strcmp(buf, "hello"));
	close(file);
	OK(umount("/tmp/m"));
	WAIT_OK(server);
}

/* A packet socket that sees all frames of an interface. */
static int packets(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	int fd = OK(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));

	CHECK_NE(addr.sll_ifindex, 0);
	OK(bind(fd, (void *)&addr, sizeof(addr)));
	return fd;
}

static void set_up(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	int fd = OK(socket(AF_INET, SOCK_DGRAM, 0));

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	OK(ioctl(fd, SIOCSIFFLAGS, &ifr));
	close(fd);
}

static void send_udp(const char *to, const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_EQ(inet_pton(AF_INET, to, &addr.sin_addr), 1);
	CHECK_EQ(OK(sendto(fd, text, strlen(text), 0, (void *)&addr, sizeof(addr))),
		 strlen(text));
	close(fd);
}

/*
 * Reads packets, for @ms at most, until one has @text at its end (the system
 * sends some of its own, for IPv6); its length, or 0.
 */
static ssize_t find_within(int ms, int fd, char *buf, size_t size, const char *text)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t end = now_ns() + ms * 1000000LL;
	size_t len = strlen(text);

	while (now_ns() < end) {
		ssize_t n;

		if (!OK(poll(&pfd, 1, 1 + (end - now_ns()) / 1000000)))
			continue;
		n = OK(read(fd, buf, size));
		if (n >= (ssize_t)len && !memcmp(buf + n - len, text, len))
			return n;
	}
	return 0;
}

static ssize_t find(int fd, char *buf, size_t size, const char *text)
{
	ssize_t n = find_within(5000, fd, buf, size, text);

	if (!n)
		test_fail(__FILE__, __LINE__, "no packet with \"%s\" within 5 s", text);
	return n;
}

TEST(packet_socket)
{
	char buf[2048];
	int fd;

	own(CLONE_NEWNET);
	set_up("lo");
	fd = packets("lo");
	send_udp("127.0.0.1", "seen by all");
	CHECK_EQ(find(fd, buf, sizeof(buf), "seen by all"), 14 + 20 + 8 + 11);
	CHECK_EQ(buf[12] << 8 | buf[13], ETH_P_IP);
}

TEST(tun)
{
	struct ifreq ifr = { .ifr_name = "test%d", .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sockaddr_in *addr = (void *)&ifr.ifr_addr;
	int fd, ctl;
	char buf[2048];

	own(CLONE_NEWNET);
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0 && !in_guest())
		test_skip("/dev/net/tun: %s", strerror(errno));
	OK(fd);
	OK(ioctl(fd, TUNSETIFF, &ifr));
	CHECK(!strcmp(ifr.ifr_name, "test0"));
	ctl = OK(socket(AF_INET, SOCK_DGRAM, 0));
	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	CHECK_EQ(inet_pton(AF_INET, "10.99.0.1", &addr->sin_addr), 1);
	OK(ioctl(ctl, SIOCSIFADDR, &ifr));
	CHECK_EQ(inet_pton(AF_INET, "255.255.255.0", &addr->sin_addr), 1);
	OK(ioctl(ctl, SIOCSIFNETMASK, &ifr));
	set_up("test0");
	send_udp("10.99.0.2", "through the tunnel");
	CHECK_EQ(find(fd, buf, sizeof(buf), "through the tunnel"), 20 + 8 + 18);
	CHECK_EQ(buf[0], 0x45);
}

/* Room for one request, and the attributes that are added to it. */
struct request {
	struct nlmsghdr head;
	struct ifinfomsg info;
	char attrs[512];
};

static struct rtattr *add(struct request *r, int type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static void end(struct request *r, struct rtattr *attr)
{
	attr->rta_len = (char *)r + r->head.nlmsg_len - (char *)attr;
}

static struct request new_link(int flags)
{
	return (struct request){
		.head = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
	};
}

static void ask(struct request *r)
{
	int fd = OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	union {
		struct nlmsghdr head;
		char room[4096];
	} answer;
	struct nlmsgerr *error = NLMSG_DATA(&answer.head);

	CHECK_EQ(OK(send(fd, r, r->head.nlmsg_len, 0)), r->head.nlmsg_len);
	CHECK_GE(read_soon(fd, &answer, sizeof(answer)), NLMSG_LENGTH(sizeof(*error)));
	CHECK_EQ(answer.head.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(error->error, 0);
	close(fd);
}

static void make_bridge(const char *name)
{
	struct request r = new_link(NLM_F_CREATE | NLM_F_EXCL);
	struct rtattr *info;

	add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add(&r, IFLA_INFO_KIND, "bridge", 6);
	end(&r, info);
	ask(&r);
}

static void make_veth(const char *name, const char *peer)
{
	struct request r = new_link(NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg theirs = { 0 };
	struct rtattr *info, *data, *other;

	add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add(&r, IFLA_INFO_KIND, "veth", 4);
	data = add(&r, IFLA_INFO_DATA, NULL, 0);
	other = add(&r, VETH_INFO_PEER, &theirs, sizeof(theirs));
	add(&r, IFLA_IFNAME, peer, strlen(peer) + 1);
	end(&r, other);
	end(&r, data);
	end(&r, info);
	ask(&r);
}

static void enslave(const char *name, const char *bridge)
{
	struct request r = new_link(0);
	unsigned int master = if_nametoindex(bridge);

	r.info.ifi_index = if_nametoindex(name);
	add(&r, IFLA_MASTER, &master, sizeof(master));
	ask(&r);
}

TEST(veth_and_bridge)
{
	static const char frame[] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\1\x88\xb5"
		"a frame of an experiment, long enough to be one";
	const char *text = frame + 14;
	char buf[2048];
	ssize_t n = 0;
	int in, out;

	own(CLONE_NEWNET);
	make_bridge("br");
	make_veth("a0", "a1");
	make_veth("b0", "b1");
	enslave("a1", "br");
	enslave("b1", "br");
	for (const char *all = "br\0a0\0a1\0b0\0b1\0"; *all; all += 3)
		set_up(all);
	in = packets("a0");
	out = packets("b0");
	/* A port of the bridge forwards when it has heard, a little later, of its carrier. */
	for (int i = 0; i < 50 && !n; i++) {
		CHECK_EQ(OK(write(in, frame, sizeof(frame) - 1)), sizeof(frame) - 1);
		n = find_within(100, out, buf, sizeof(buf), text);
	}
	CHECK_EQ(n, sizeof(frame) - 1);
	CHECK(!memcmp(buf, frame, 14));
}
