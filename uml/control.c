// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher of a guest, as `uml ps`, `uml exec` and the others find it: a
 * socket in the abstract namespace, @uml/UID/NAME. It is no file: it ends with
 * the launcher, whatever the way, and needs no directory. It is seen in its
 * network namespace only. Both ends look at whose the other is (SO_PEERCRED).
 *
 * Over it go the frames of ../guest/proto.h. A request is answered by status
 * and text. A client that describes a command has one session of the guest's
 * agent: its frames are handed on under the number that is free there.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control.h"
#include "stats.h"

/* For a client that does not read: two full windows, in frames of a byte. */
#define CLIENT_MAX	(2 * UML_WINDOW * (1 + sizeof(struct uml_frame)))

/* The address of a guest's launcher. */
socklen_t control_address(struct sockaddr_un *at, unsigned int uid, const char *name)
{
	int n;

	memset(at, 0, sizeof(*at));
	at->sun_family = AF_UNIX;
	n = snprintf(at->sun_path + 1, sizeof(at->sun_path) - 1, "uml/%u/%s", uid, name);
	return offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

/* Is the other end ours, or root's? */
bool control_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	       (cred.uid == geteuid() || !cred.uid);
}

/* Be found under @name; ends with a line when the name is taken. */
void control_listen(struct run *r, const char *name)
{
	struct sockaddr_un at;
	socklen_t len = control_address(&at, geteuid(), name);

	snprintf(r->name, sizeof(r->name), "%s", name);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->listener < 0)
		die("cannot make a socket: %s", strerror(errno));
	if (bind(r->listener, (struct sockaddr *)&at, len) < 0 || listen(r->listener, 16) < 0) {
		if (errno == EADDRINUSE)
			die("--name %s: a guest of that name runs already", name);
		die("cannot be found as %s: %s", name, strerror(errno));
	}
}

static void drop(struct run *r, struct client *c)
{
	if (c->session) {
		r->owner[c->session] = NULL;
		peer_send(&r->m.chan, c->session, UML_ABANDON, 0, NULL, 0);
	}
	peer_end(&c->peer);
	memset(c, 0, sizeof(*c));
}

static void reply(struct client *c, uint32_t status, const char *text, size_t len)
{
	static char buf[UML_PAYLOAD_MAX];	/* the stack may be smaller: ulimit -s */

	if (len > sizeof(buf) - sizeof(status))
		len = sizeof(buf) - sizeof(status);
	memcpy(buf, &status, sizeof(status));
	memcpy(buf + sizeof(status), text, len);
	peer_send(&c->peer, 0, CTL_REPLY, 0, buf, sizeof(status) + len);
}

static void reply_line(struct client *c, uint32_t status, const char *line)
{
	reply(c, status, line, strlen(line));
}

/* name, pids, age and command, for uml ps. */
static void reply_info(struct run *r, struct client *c)
{
	char *text = xprintf("%s\t%d\t%d\t%lld\t%s\t", r->name, getpid(), r->m.pid,
			     (now_ms() - r->start) / 1000, r->paused ? "paused" :
			     r->ready ? "running" : "starting");
	size_t len = strlen(text);

	for (char **w = r->o.command.argv; w && *w; w++) {
		size_t more = strlen(*w) + 1;

		if (len + more > UML_PAYLOAD_MAX / 2)
			break;
		text = xrealloc(text, len + more + 1);
		len += sprintf(text + len, "%s%s", w == r->o.command.argv ? "" : " ", *w);
	}
	reply(c, 0, text, len);
	free(text);
}

/* Stop or continue the kernel and all its spaces: they are one process group. */
static void pause_guest(struct run *r, struct client *c, bool stop)
{
	if (!r->m.pid || kill(-r->m.pid, stop ? SIGSTOP : SIGCONT) < 0) {
		reply_line(c, EXIT_OURS, "the guest has ended");
		return;
	}
	r->paused = stop;
	reply_line(c, 0, "");
}

/* The command may end in its own way before the guest is told to power off. */
static void stop(struct run *r)
{
	if (r->paused && r->m.pid)
		kill(-r->m.pid, SIGCONT);
	r->paused = false;
	if (r->stopping)
		return;
	r->stopping = true;
	r->off_at = now_ms();
	if (r->ready && !r->unpacking) {
		r->off_at += GRACE_MS;
		relay_signal(&r->main, SIGTERM);
		relay_signal(&r->main, SIGCONT);
	}
	r->grace = r->off_at + 10000;
}

static void request(struct run *r, struct client *c, const struct ctl_request *q)
{
	char *text;

	switch (q->op) {
	case CTL_INFO:
		reply_info(r, c);
		break;
	case CTL_STOP:
		stop(r);
		reply_line(c, 0, "");
		break;
	case CTL_KILL:
		r->killed = true;
		if (r->m.pid)
			kill(-r->m.pid, SIGKILL);
		reply_line(c, 0, "");
		break;
	case CTL_PAUSE:
	case CTL_RESUME:
		pause_guest(r, c, q->op == CTL_PAUSE);
		break;
	case CTL_SYSRQ:
		peer_send(&r->m.chan, 0, UML_SYSRQ, 0, &q->arg, sizeof(q->arg));
		reply_line(c, 0, "");
		break;
	case CTL_STATS:
		text = host_stats(r->m.pid, r->start, r->paused);
		if (r->paused || !r->ready) {
			reply_line(c, 0, text);
		} else {
			/* The agent's part comes when it answers. */
			c->stats = true;
			peer_send(&c->peer, 0, CTL_PART, 0, text, strlen(text));
			peer_send(&r->m.chan, 0, UML_STATS, 0, NULL, 0);
			r->asked++;
		}
		free(text);
		break;
	case CTL_CONSOLE:
		c->console = true;
		text = xrealloc(NULL, LOG_SIZE);
		{
			unsigned long long at = r->m.log_len > LOG_SIZE ? r->m.log_len - LOG_SIZE : 0;
			size_t n = 0;

			while (at < r->m.log_len)
				text[n++] = r->m.log[at++ % LOG_SIZE];
			for (size_t i = 0; i < n; i += UML_PAYLOAD_MAX)
				peer_send(&c->peer, 0, UML_DATA, 1, text + i,
					  n - i < UML_PAYLOAD_MAX ? n - i : UML_PAYLOAD_MAX);
		}
		free(text);
		break;
	default:
		reply_line(c, EXIT_OURS, "this launcher knows no such request");
	}
}

static unsigned int free_session(const struct run *r)
{
	for (unsigned int i = MAIN_SESSION + 1; i <= UML_SESSIONS; i++)
		if (!r->busy[i])
			return i;
	return 0;
}

/* Why no more commands can be run now, or NULL. */
static const char *refusal(const struct run *r)
{
	static char paused[sizeof(r->name) + 64];

	if (!r->ready)
		return "the guest is not ready yet";
	if (r->paused) {
		snprintf(paused, sizeof(paused), "it is paused; uml resume %s lets it go on",
			 r->name);
		return paused;
	}
	if (!free_session(r))
		return "the guest runs as many commands as it can";
	return NULL;
}

/* A frame from a client; -1 when it is none that a client may send. */
static int from_client(struct run *r, struct client *c, const struct uml_frame *head,
		       const char *payload)
{
	struct ctl_request q;

	if (head->type == CTL_REQUEST && head->len == sizeof(q) && !c->console) {
		memcpy(&q, payload, sizeof(q));
		request(r, c, &q);
		return 0;
	}
	if (c->console && head->type == UML_DATA) {
		/*
		 * What the console does not take now is lost, as on a line;
		 * all of it when there are no pseudo-terminals here.
		 */
		if (r->m.console >= 0 && write(r->m.console, payload, head->len) < 0)
			return errno == EAGAIN || errno == EIO || errno == EBADF ? 0 : -1;
		return 0;
	}
	if (head->session != CLIENT_FRAME)
		return -1;
	switch (head->type) {
	case UML_ARGS:
		if (!c->session) {
			const char *why = refusal(r);

			if (why) {
				reply_line(c, EXIT_OURS, why);
				return 0;
			}
			c->session = free_session(r);
			r->owner[c->session] = c;
			r->busy[c->session] = true;
		}
		/* fall through */
	case UML_START:
	case UML_SIGNAL:
	case UML_WINCH:
	case UML_DATA:
	case UML_EOF:
	case UML_CLOSE:
	case UML_CREDIT:
		if (c->session)
			peer_send(&r->m.chan, c->session, head->type, head->stream, payload, head->len);
		return 0;
	}
	return -1;
}

struct context {
	struct run *r;
	struct client *c;
};

static int client_frame(void *context, const struct uml_frame *head, const char *payload)
{
	struct context *x = context;

	return from_client(x->r, x->c, head, payload);
}

/* A frame from the agent that is not for the main session; -1: a wrong one. */
int control_from_guest(struct run *r, const struct uml_frame *head, const char *payload)
{
	struct uml_stats stats;
	struct client *c;

	if (!head->session) {
		if (head->type != UML_STATS_REPLY || head->len != sizeof(stats) || !r->asked)
			return -1;
		r->asked--;
		memcpy(&stats, payload, sizeof(stats));
		for (int i = 0; i < CLIENTS; i++) {
			c = &r->clients[i];
			if (c->used && c->stats) {
				char *text = guest_stats(&stats);

				c->stats = false;
				reply_line(c, 0, text);
				free(text);
			}
		}
		return 0;
	}
	if (head->session > UML_SESSIONS || !r->busy[head->session])
		return -1;
	switch (head->type) {
	case UML_DATA:
	case UML_EOF:
	case UML_CLOSE:
	case UML_CREDIT:
	case UML_EXIT:
		break;
	default:
		return -1;
	}
	c = r->owner[head->session];
	if (c)
		peer_send(&c->peer, CLIENT_FRAME, head->type, head->stream, payload, head->len);
	if (head->type == UML_EXIT) {
		if (c)
			c->session = 0;
		r->owner[head->session] = NULL;
		r->busy[head->session] = false;
	}
	return 0;
}

/* What the console says now goes to those who watch it. */
void control_console(struct run *r, const char *text, size_t len)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &r->clients[i];

		if (!c->used || !c->console)
			continue;
		peer_send(&c->peer, 0, UML_DATA, 1, text, len);
		if (c->peer.out_len > CLIENT_MAX)
			drop(r, c);
	}
}

static bool has_room(const struct run *r)
{
	for (int i = 0; i < CLIENTS; i++)
		if (!r->clients[i].used)
			return true;
	return false;
}

static void accept_client(struct run *r)
{
	int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS && control_trusted(fd); i++)
		if (!r->clients[i].used) {
			r->clients[i].used = true;
			peer_init(&r->clients[i].peer, fd);
			return;
		}
	close(fd);
}

/* What to wait for, into @fds: at most CLIENTS + 1. */
int control_poll(struct run *r, struct pollfd *fds)
{
	int n = 1;

	/* One for whom there is no room now waits for a while, as it does for an answer. */
	fds[0] = (struct pollfd){ .fd = has_room(r) ? r->listener : -1, .events = POLLIN };
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &r->clients[i];
		short events;

		if (!c->used)
			continue;
		events = peer_events(&c->peer);
		/* A command's input waits with it; a request is heard all the same. */
		if (c->session && r->m.chan.out_len > QUEUE_MAX)
			events &= ~POLLIN;
		fds[n++] = (struct pollfd){ .fd = c->peer.fd, .events = events };
	}
	return n;
}

static struct client *client_of(struct run *r, int fd)
{
	for (int i = 0; i < CLIENTS; i++)
		if (r->clients[i].used && r->clients[i].peer.fd == fd)
			return &r->clients[i];
	return NULL;
}

void control_ready(struct run *r, const struct pollfd *fds, int n)
{
	if (fds[0].revents)
		accept_client(r);
	for (int i = 1; i < n; i++) {
		struct client *c = client_of(r, fds[i].fd);
		struct context x = { .r = r, .c = c };

		if (!c || !fds[i].revents)
			continue;
		if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) &&
		    peer_receive(&c->peer, client_frame, &x) <= 0)
			drop(r, c);
	}
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &r->clients[i];

		if (!c->used)
			continue;
		/* One that does not read loses its guest's patience. */
		if (peer_flush(&c->peer) < 0 || c->peer.out_len > CLIENT_MAX)
			drop(r, c);
	}
}
