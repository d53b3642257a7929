// SPDX-License-Identifier: GPL-2.0
/* Talking to the launcher of a guest that runs; control.c is the other end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "control.h"

#define PATIENCE_MS	10000
#define PROGRESS_MS	2000
#define END_MS		60000	/* a launcher that is not stopped needs half of it at most */

/* A descriptor, or -1 and errno: EAGAIN when the launcher takes no more. */
static int try_connect(const char *name)
{
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_un at;
	socklen_t len;
	int fd, err = 0;

	errno = ENOENT;
	if (strlen(name) > 64)
		return -1;
	len = control_address(&at, geteuid(), name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("cannot make a socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&at, len) < 0)
		err = errno;
	else if (!control_trusted(fd))
		err = EACCES;
	if (err) {
		close(fd);
		errno = err;
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Whose launcher is stopped, as by Ctrl-Z, gets no answer until it goes on. */
static bool is_stopped(pid_t pid)
{
	char *path = xprintf("/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	char state = 0;

	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	free(path);
	return state == 'T' || state == 't';
}

/* The launcher at the other end, or 0. */
static pid_t peer_pid(int fd)
{
	struct ucred cred = { };
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ? 0 : cred.pid;
}

static __noreturn void no_answer(const char *name, pid_t pid)
{
	if (pid > 0 && is_stopped(pid))
		die("%s does not answer: its launcher is stopped; kill -CONT %d lets it go on",
		    name, pid);
	if (pid > 0)
		die("%s does not answer: its launcher is process %d", name, pid);
	die("the launcher of %s does not answer", name);
}

struct answer {
	char *text;
	size_t len;
	uint32_t status;
	bool complete;
};

static int take_answer(void *context, const struct uml_frame *head, const char *payload)
{
	size_t skip = head->type == CTL_REPLY ? sizeof(uint32_t) : 0;
	struct answer *a = context;

	if ((head->type != CTL_REPLY && head->type != CTL_PART) || head->len < skip || a->complete)
		return -1;
	a->text = xrealloc(a->text, a->len + head->len - skip + 1);
	memcpy(a->text + a->len, payload + skip, head->len - skip);
	a->len += head->len - skip;
	a->text[a->len] = 0;
	if (head->type == CTL_REPLY) {
		memcpy(&a->status, payload, sizeof(a->status));
		a->complete = true;
	}
	return 0;
}

/* Ask and wait for the answer, at most PATIENCE_MS; @fd stays open. */
static bool ask(int fd, enum control_op op, uint32_t arg, struct answer *a)
{
	struct ctl_request q = { .op = op, .arg = arg };
	long long end = now_ms() + PATIENCE_MS;
	struct peer p;

	peer_init(&p, fd);
	peer_send(&p, 0, CTL_REQUEST, 0, &q, sizeof(q));
	while (!a->complete && now_ms() < end) {
		struct pollfd pfd = { .fd = fd, .events = peer_events(&p) };
		long long left = end - now_ms();

		if (peer_flush(&p) < 0)
			break;
		if (poll(&pfd, 1, left > 0 ? left : 0) > 0 && (pfd.revents & ~POLLOUT) &&
		    peer_receive(&p, take_answer, a) <= 0)
			break;
	}
	p.fd = -1;
	peer_end(&p);
	return a->complete;
}

/**
 * control_connect() - a connection to the launcher of the guest @name
 *
 * Ends with a line when there is none, or when it does not answer within
 * PATIENCE_MS: nobody else would notice that it is stopped.
 */
int control_connect(const char *name)
{
	struct answer a = { .text = xstrdup("") };
	int fd = try_connect(name);

	if (fd < 0 && errno == EAGAIN)
		no_answer(name, 0);
	if (fd < 0)
		die("no guest %s runs; uml ps lists those that do", name);
	if (is_stopped(peer_pid(fd)) || !ask(fd, CTL_INFO, 0, &a))
		no_answer(name, peer_pid(fd));
	free(a.text);
	return fd;
}

/**
 * control_request() - ask the launcher of @name for something
 * @text: its answer, with a NUL behind it, to be freed
 *
 * Return: 0, or the status that it says. Ends with a line when nobody answers.
 */
int control_request(const char *name, enum control_op op, uint32_t arg, char **text)
{
	struct answer a = { .text = xstrdup("") };
	int fd = control_connect(name);

	if (!ask(fd, op, arg, &a))
		no_answer(name, peer_pid(fd));
	close(fd);
	*text = a.text;
	return a.status;
}

/* What came behind the answer is nobody's; false: the launcher has ended. */
static bool is_there(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char rest[512];
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return true;
	n = read(fd, rest, sizeof(rest));
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/**
 * control_end() - ask the launcher of @name to end its guest, and wait until it has
 *
 * The name is free then. How long that takes is the launcher's to bound; a line
 * says so when it is stopped meanwhile.
 */
void control_end(const char *name, enum control_op op)
{
	struct answer a = { .text = xstrdup("") };
	int fd = control_connect(name);
	long long start = now_ms(), took;
	pid_t pid = peer_pid(fd);
	bool shown = false;

	if (!ask(fd, op, 0, &a))
		no_answer(name, pid);
	if (a.status)
		die("%s: %s", name, a.text);
	free(a.text);
	while (is_there(fd, 500)) {
		took = now_ms() - start;
		if (is_stopped(pid) || took > END_MS) {
			if (shown)
				dprintf(2, "\r\033[K");
			no_answer(name, pid);
		}
		if (took >= PROGRESS_MS && isatty(2)) {
			dprintf(2, "\r\033[Kuml: waiting for the end of %s: %lld s", name, took / 1000);
			shown = true;
		}
	}
	if (shown)
		dprintf(2, "\r\033[K");
	close(fd);
}

/*
 * What `uml ps` shows of a guest, as reply_info() writes it, or NULL when it has
 * just ended. A launcher that is stopped cannot say it.
 */
char *control_info(const char *name)
{
	struct answer a = { .text = xstrdup("") };
	int fd = try_connect(name);
	pid_t pid;
	bool told;

	if (fd < 0)
		return errno == EAGAIN ? xprintf("%s\t-\t-\t-\tsilent\t", name) : NULL;
	pid = peer_pid(fd);
	told = !is_stopped(pid) && ask(fd, CTL_INFO, 0, &a) && !a.status;
	close(fd);
	if (is_stopped(pid) && !told)
		return xprintf("%s\t%d\t-\t-\tstopped\t", name, pid);
	return told ? a.text : NULL;
}
