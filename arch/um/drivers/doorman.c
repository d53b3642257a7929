// SPDX-License-Identifier: GPL-2.0
/*
 * The doorman: a small process beside the kernel process, which has confined
 * itself and can open no file. It owns the socket of the management console,
 * passes the requests of the guest's owner to the kernel process and the
 * answers back, and opens the files that such a request names.
 *
 * It is a fresh image of the executable (linux --doorman), so it shares no
 * memory with the kernel process, and does not trust it: whoever has taken over
 * the guest's kernel can have nothing opened but what the owner's own request,
 * not answered yet, names literally, and for ANSWER_NS only. It has a filter of
 * its own.
 *
 * Descriptor 0 is the socket to the kernel process. When that ends, so does the
 * doorman; a kernel process that was killed left its files, which it removes.
 *
 * The protocol is uml_mconsole's: datagrams of three words (magic, version,
 * length) and a text of up to 511 bytes; answers have (failed, more, length).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <asm/boot.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "doorman.h"

#define KERNEL		0	/* descriptor */
#define MAGIC		0xcafebabe
#define VERSION		2
#define REQUESTS	16	/* of which the answer is not complete */
#define PATIENCE_MS	2000	/* for one that does not read what it is sent */
#define DEAF		16	/* of them are remembered */
#define LAST_WORDS	1000	/* more than a socket holds */
#define LAST_STEPS	200	/* of 5 ms, for the kernel process to end */
#define HALT_NS		(3 * NSEC_PER_SEC)	/* for a kernel that does not halt */
#define ANSWER_NS	(20 * NSEC_PER_SEC)	/* for one that does not answer */

struct packet {
	u32 word[3];
	char data[DOOR_DATA];
};

/* A notification has one word more. */
struct notification {
	u32 magic, version, type, len;
	char data[DOOR_DATA];
};

static struct request requests[REQUESTS];
static u32 last_id;
static int sock = -1;		/* the management console's */
static int kernel_pid;
static unsigned int owner;
static bool orphan;		/* the kernel process has ended */
static u64 halt_by;		/* when a kernel that was told to halt is killed, or 0 */
static const char *dir, *notify;
static char path[MAX_DIR + 16];

static struct request *find(u32 id)
{
	for (int i = 0; i < REQUESTS; i++)
		if (requests[i].id == id && id)
			return &requests[i];
	return NULL;
}

/* A place for a request: a free one, or that of the oldest. */
static struct request *new_request(void)
{
	struct request *r = &requests[0];

	for (int i = 0; i < REQUESTS && r->id; i++)
		if (requests[i].id < r->id)
			r = &requests[i];
	memset(r, 0, sizeof(*r));
	r->id = ++last_id;
	r->until = host_monotonic_ns() + ANSWER_NS;
	return r;
}

/* Those that had their time, the last ones of them; len is 0 in a free place. */
static struct host_peer deaf_peers[DEAF];

static struct host_peer *find_deaf(const struct host_peer *who)
{
	for (int i = 0; i < DEAF; i++)
		if (deaf_peers[i].len && deaf_peers[i].len == who->len &&
		    !memcmp(deaf_peers[i].address, who->address, who->len))
			return &deaf_peers[i];
	return NULL;
}

static void remember_deaf(const struct host_peer *who)
{
	static unsigned int next;

	deaf_peers[next++ % DEAF] = *who;
}

/*
 * One that had its time is not waited for until it reads again: the rest of this
 * answer, @deaf, is lost, and so are those to its other requests, which would
 * hold up all other clients once more each.
 */
static void post(const void *data, size_t len, const struct host_peer *to, bool *deaf)
{
	struct host_peer *known = find_deaf(to);
	int waited = 0, err;

	for (;;) {
		err = host_send_datagram(sock, data, len, to);
		if (err != -EAGAIN || *deaf || known || waited >= PATIENCE_MS)
			break;
		host_poll_two(-1, -1, 5);
		waited += 5;
	}
	if (known && err != -EAGAIN)
		known->len = 0;
	else if (!known && err == -EAGAIN)
		remember_deaf(to);
	*deaf = err;
}

/* To a client; one that does not read loses its answer, and no other does. */
static void answer(struct request *r, bool failed, bool more, const char *text, size_t len)
{
	struct packet p = { .word = { failed, more } };

	if (r->deaf)
		return;
	len = min(len, sizeof(p.data) - 1);
	memcpy(p.data, text, len);
	p.word[2] = len + 1;
	post(&p, sizeof(p.word) + len + 1, &r->client, &r->deaf);
}

/* Without its answer a request is over: nothing more is opened for it. */
static void give_up(void)
{
	static const char why[] = "the guest has not answered for 20 seconds";

	for (int i = 0; i < REQUESTS; i++) {
		struct request *r = &requests[i];

		if (!r->id || host_monotonic_ns() < r->until)
			continue;
		answer(r, true, false, why, sizeof(why) - 1);
		r->id = 0;
	}
}

static void refuse(const struct host_peer *client, const char *why)
{
	struct request r = { .client = *client };

	answer(&r, true, false, why, strlen(why));
}

static int to_kernel(u32 type, u32 id, int value, const char *text, int fd)
{
	struct door_message m = { .type = type, .id = id, .value = value };

	m.len = min_t(size_t, strlen(text), DOOR_DATA);
	memcpy(m.data, text, m.len);
	return host_send_message(KERNEL, &m, DOOR_HEAD + m.len, fd);
}

/* A datagram: whose, and what of the protocol does it lack? */
static void from_client(void)
{
	struct packet p = { };
	struct host_peer client;
	struct request *r;
	long n = host_recv_datagram(sock, &p, sizeof(p), &client);
	u32 len = p.word[2];

	if (n < 0)
		return;
	if (client.uid != owner) {
		refuse(&client, "only the owner of this guest may manage it");
		return;
	}
	if (n < (long)sizeof(p.word) || p.word[0] != MAGIC || p.word[1] != VERSION) {
		refuse(&client, "only version 2 of the protocol is understood");
		return;
	}
	if (n > (long)sizeof(p) || len >= sizeof(p.data) || len > n - sizeof(p.word)) {
		refuse(&client, "the request is longer than 511 bytes, or than it says");
		return;
	}
	p.data[len] = 0;
	r = new_request();
	r->client = client;
	strscpy(r->text, p.data, sizeof(r->text));
	if ((!strcmp(r->text, "halt") || !strcmp(r->text, "reboot")) && !halt_by)
		halt_by = host_monotonic_ns() + HALT_NS;
	if (to_kernel(DOOR_REQUEST, r->id, 0, r->text, -1)) {
		r->id = 0;
		refuse(&client, "the guest does not answer");
	}
}

static void send_notification(u32 kind, const char *data, u32 len)
{
	static bool deaf;
	struct notification n = { .magic = MAGIC, .version = VERSION, .type = kind, .len = len };
	struct host_peer to;

	if (*notify && !host_peer_unix(&to, notify)) {
		memcpy(n.data, data, len);
		post(&n, offsetof(struct notification, data) + len, &to, &deaf);
	}
}

/* Return: whether the kernel process is there. */
static bool from_kernel(void)
{
	struct door_message m = { };
	struct request *r;
	int fd;
	long n = host_recv_message(KERNEL, &m, DOOR_HEAD + DOOR_DATA, &fd);

	if (n == -EAGAIN)
		return true;
	if (fd >= 0)
		host_close(fd);
	if (n < (long)DOOR_HEAD || m.len > n - DOOR_HEAD)
		return n > 0;
	m.data[m.len] = 0;
	if (m.type == DOOR_NOTIFY) {
		send_notification(m.value, m.data, m.len);
		return true;
	}
	if (m.type == DOOR_UNUSED) {
		doorman_remove(m.data);
		return true;
	}
	r = find(m.id);
	if (m.type == DOOR_REPLY && r) {
		answer(r, m.value, m.more, m.data, m.len);
		r->answering = true;
		r->until = host_monotonic_ns() + ANSWER_NS;
		if (!m.more)
			r->id = 0;
	} else if (m.type != DOOR_REPLY && !orphan) {
		fd = r && !r->answering ? doorman_open(r, &m) : -EPERM;
		to_kernel(DOOR_RESULT, m.id, min(fd, 0), "", fd);
		if (fd >= 0)
			host_close(fd);
	}
	return true;
}

/*
 * What the kernel process said before it ended: of its panic, or that it halts.
 * Nothing is opened any more, and somebody who still writes is not heard for ever.
 */
static void last_words(void)
{
	orphan = true;
	for (int i = 0; i < LAST_WORDS && host_poll_two(KERNEL, -1, 0) > 0; i++)
		if (!from_kernel())
			return;
}

/*
 * Lock the file pid. A kernel process that is killed is not our parent any more
 * some time before the host has closed what it had.
 */
static bool locked(int fd)
{
	for (int i = 0; i < LAST_STEPS; i++) {
		if (!host_lock_file(fd, true))
			return true;
		host_poll_two(-1, -1, 5);
	}
	return false;
}

/*
 * What a kernel process that was killed could not remove, if it is still its: the
 * next guest of this name has locked the file pid, or waits for a moment while we
 * have (boot/umid.c).
 */
static void remove_files(void)
{
	char pid[16] = "", expected[16];
	int fd;

	snprintf(path, sizeof(path), "%s/pid", dir);
	fd = host_open(path, HOST_RDWR | HOST_NONBLOCK | HOST_NOFOLLOW);
	if (fd < 0)
		return;
	host_read(fd, pid, sizeof(pid) - 1);
	snprintf(expected, sizeof(expected), "%d\n", kernel_pid);
	if (!strcmp(pid, expected) && locked(fd) && host_file_is(fd, path)) {
		/* The file that is locked goes last. */
		snprintf(path, sizeof(path), "%s/mconsole", dir);
		host_unlink(path);
		snprintf(path, sizeof(path), "%s/pid", dir);
		host_unlink(path);
		host_rmdir(dir);
	}
	host_close(fd);
}

static int timeout_ms(void)
{
	if (halt_by)
		return 100;
	for (int i = 0; i < REQUESTS; i++)
		if (requests[i].id)
			return 1000;
	return -1;
}

static void loop(void)
{
	for (;;) {
		int ready = host_poll_two(KERNEL, sock, timeout_ms());

		if (ready > 0 && ready & 1 && !from_kernel())
			return;
		/*
		 * Whoever has its end of the socket now, the kernel process has ended
		 * when it is not the parent any more, and its number may be another's.
		 */
		if (host_getppid() != kernel_pid) {
			last_words();
			return;
		}
		if (ready > 0 && ready & 2)
			from_client();
		give_up();
		if (halt_by && host_monotonic_ns() > halt_by)
			host_kill(kernel_pid, SIGKILL);
	}
}

/**
 * door_wanted() - was this executable started to be the doorman
 */
bool door_wanted(int argc, char **argv)
{
	return argc == 4 && !strcmp(argv[1], "--doorman");
}

/**
 * doorman_main() - be the doorman
 * @argv: "--doorman", the guest's directory, and the path to notify or ""
 */
void __noreturn doorman_main(int argc, char **argv)
{
	int err, unfiltered;

	dir = argv[2];
	notify = argv[3];
	if (host_socket_type(KERNEL) != SOCK_SEQPACKET || strlen(dir) >= MAX_DIR) {
		static const char msg[] = "linux: --doorman is for linux itself to start\n";

		host_write(2, msg, sizeof(msg) - 1);
		host_exit(EXIT_BAD_OPTION);
	}
	host_dumpable(0);
	for (int i = 1; i < 32; i++)
		host_signal_ignore(i);
	kernel_pid = host_getppid();
	owner = host_euid();
	snprintf(path, sizeof(path), "%s/mconsole", dir);
	host_unlink(path);
	sock = host_bind_datagram(path);
	err = min(sock, 0);
	unfiltered = doorman_filter(kernel_pid);
	/* Then the kernel process has no filter either, and needs the socket no less. */
	if (unfiltered)
		to_kernel(DOOR_UNFILTERED, 0, unfiltered, "", -1);
	to_kernel(DOOR_READY, 0, err, "", -1);
	/* Without its socket the guest goes on, and so do its files. */
	if (!err) {
		loop();
		remove_files();
	}
	/* One that is killed does not close all that it has at once. */
	for (int i = 0; i < LAST_STEPS && host_getppid() == kernel_pid; i++)
		host_poll_two(-1, -1, 5);
	doorman_remove(NULL);
	host_exit(0);
}
