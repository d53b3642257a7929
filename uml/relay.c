// SPDX-License-Identifier: GPL-2.0
/*
 * A command in the guest, seen from here: our standard input goes to it, its
 * output comes to ours, its status is ours.
 *
 * When standard input and output are both a terminal, and we are in its
 * foreground, the terminal is raw and the command has one of its own whose
 * size follows ours: Ctrl-C and Ctrl-Z are then keys for the guest. Else each
 * stream is a pipe, or the output end of a terminal, and signals that we get
 * are sent on. Three times Ctrl-] within a second on a raw terminal ends us.
 *
 * Each stream has a window (../guest/proto.h); a reader that stalls stalls its
 * own stream only, since no write blocks (outlet.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "relay.h"
#include "term.h"

#define GRANT		(UML_WINDOW / 8)
#define RECHECK_MS	250
#define KEY_ESCAPE	0x1d		/* Ctrl-] */

_Static_assert(OUTLET_SIZE >= UML_WINDOW, "what the window allows must find room");

static void common(struct relay *r, struct peer *peer, unsigned int session)
{
	memset(r, 0, sizeof(*r));
	r->peer = peer;
	r->session = session;
	r->credit = UML_WINDOW;
	for (int i = 0; i < 2; i++)
		outlet_init(&r->out[i]);
}

/* A session on the standard files of this process. */
void relay_stdio(struct relay *r, struct peer *peer, unsigned int session)
{
	common(r, peer, session);
	for (int i = 0; i < 3; i++)
		r->stdio[i] = closed_at_start[i] ? UML_STDIO_CLOSED :
			      isatty(i) ? UML_STDIO_TTY : UML_STDIO_PIPE;
	r->in_tty = r->stdio[0] == UML_STDIO_TTY;
	r->want_raw = r->stdio[0] == UML_STDIO_TTY && r->stdio[1] == UML_STDIO_TTY;
	if (r->stdio[0] == UML_STDIO_TTY && !r->want_raw)
		r->stdio[0] = UML_STDIO_PIPE;
	r->in = r->stdio[0] == UML_STDIO_CLOSED ? -1 : 0;
	r->in_ended = r->in < 0;
	for (int i = 0; i < 2; i++)
		if (r->stdio[i + 1] != UML_STDIO_CLOSED)
			outlet_open(&r->out[i], i + 1);
}

/* A session that reads @in and whose output is ours. */
void relay_file(struct relay *r, struct peer *peer, unsigned int session, int in)
{
	common(r, peer, session);
	r->in = in;
	r->out[0].fd = 2;
	r->out[1].fd = 2;
	r->out[0].how = SMALL;
	r->out[1].how = SMALL;
}

/* The user, the groups and the umask of this process. */
void command_defaults(struct command *c)
{
	gid_t groups[UML_GROUPS_MAX];
	int n = getgroups(UML_GROUPS_MAX, groups);

	memset(c, 0, sizeof(*c));
	c->uid = getuid();
	c->gid = getgid();
	c->umask = umask(0);
	umask(c->umask);
	for (int i = 0; i < n; i++)
		c->groups[c->ngroups++] = groups[i];
}

static void append(char **buf, size_t *len, size_t *max, const void *data, size_t n)
{
	if (*len + n > *max) {
		*max = (*len + n) * 2;
		*buf = xrealloc(*buf, *max);
	}
	memcpy(*buf + *len, data, n);
	*len += n;
}

/* Describe the command to the agent, and have it started. */
void relay_start(struct relay *r, const struct command *c)
{
	struct uml_start head = {
		.uid = c->uid, .gid = c->gid, .ngroups = c->ngroups, .envc = c->env.n,
		.umask = c->umask,
	};
	size_t len = 0, max = 0;
	char *buf = NULL;

	r->command = c;
	for (int i = 0; i < 3; i++) {
		head.stdio[i] = r->stdio[i];
		if (r->stdio[i] == UML_STDIO_TTY && !head.size.rows)
			term_size(i, &head.size);
	}
	if (r->want_raw)
		head.flags |= UML_RAW;
	if (c->cwd_must)
		head.flags |= UML_CWD_MUST;
	if (c->bare)
		head.flags |= UML_BARE;
	if (!c->argv)
		head.flags |= UML_SHELL;
	while (c->argv && c->argv[head.argc])
		head.argc++;
	append(&buf, &len, &max, &head, sizeof(head));
	append(&buf, &len, &max, c->groups, c->ngroups * sizeof(*c->groups));
	append(&buf, &len, &max, c->user ? c->user : "", c->user ? strlen(c->user) + 1 : 1);
	append(&buf, &len, &max, c->cwd ? c->cwd : "", c->cwd ? strlen(c->cwd) + 1 : 1);
	for (uint32_t i = 0; i < head.argc; i++)
		append(&buf, &len, &max, c->argv[i], strlen(c->argv[i]) + 1);
	for (uint32_t i = 0; i < head.envc; i++)
		append(&buf, &len, &max, c->env.v[i], strlen(c->env.v[i]) + 1);
	if (len > UML_DESCRIPTION_MAX)
		die("the command and its environment have %zu bytes; %d is the most",
		    len, UML_DESCRIPTION_MAX);
	for (size_t at = 0; at < len; at += UML_PAYLOAD_MAX)
		peer_send(r->peer, r->session, UML_ARGS, 0, buf + at,
			  len - at < UML_PAYLOAD_MAX ? len - at : UML_PAYLOAD_MAX);
	peer_send(r->peer, r->session, UML_START, 0, NULL, 0);
	free(buf);
}

static void close_outlet(struct relay *r, int i, int err)
{
	struct outlet *o = &r->out[i];

	o->fd = -1;
	o->len = 0;
	if (err != EPIPE && !r->failed)
		r->failed = err;
	if (!o->ended)
		peer_send(r->peer, r->session, UML_CLOSE, i + 1, NULL, 0);
}

/* Write what our own output takes now, and grant that back to the command. */
static void pour(struct relay *r, int i)
{
	struct outlet *o = &r->out[i];
	int err = outlet_pour(o);
	uint32_t n;

	if (err) {
		close_outlet(r, i, err);
		return;
	}
	if (o->ended || (o->passed < GRANT && o->len) || !o->passed)
		return;
	n = o->passed;
	peer_send(r->peer, r->session, UML_CREDIT, i + 1, &n, sizeof(n));
	o->passed = 0;
}

static int take_output(struct relay *r, int i, const char *data, size_t len)
{
	struct outlet *o = &r->out[i];

	if (o->ended)
		return -1;
	if (o->fd < 0)
		return 0;	/* it was on its way when we closed the stream */
	if (len > UML_WINDOW - o->len - o->passed)
		return -1;
	outlet_add(o, data, len);
	pour(r, i);
	return 0;
}

/* A frame of this session from the agent; -1 when it breaks the protocol. */
int relay_frame(struct relay *r, const struct uml_frame *head, const char *payload)
{
	uint32_t n;

	if (r->exited)
		return -1;
	switch (head->type) {
	case UML_DATA:
		return head->stream ? take_output(r, head->stream - 1, payload, head->len) : -1;
	case UML_EOF:
		if (!head->stream)
			return -1;
		r->out[head->stream - 1].ended = true;
		return 0;
	case UML_CLOSE:
		if (head->stream)
			return -1;
		r->in_ended = true;
		return 0;
	case UML_CREDIT:
		if (head->stream || head->len != sizeof(n))
			return -1;
		memcpy(&n, payload, sizeof(n));
		if (n > UML_WINDOW - r->credit)
			return -1;
		r->credit += n;
		return 0;
	case UML_EXIT:
		if (head->len != sizeof(r->exit))
			return -1;
		memcpy(&r->exit, payload, sizeof(r->exit));
		r->exited = true;
		r->in_ended = true;
		r->out[0].ended = true;
		r->out[1].ended = true;
		return 0;
	}
	return -1;
}

/* Is it Ctrl-] for the third time within a second? */
static bool is_escape(struct relay *r, const char *buf, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != KEY_ESCAPE) {
			r->keys = 0;
			return false;
		}
	if (!r->keys || now_ms() - r->first_key > 1000) {
		r->keys = 0;
		r->first_key = now_ms();
	}
	r->keys += n;
	return r->keys >= 3;
}

/*
 * Is @err what ends the input, as its end does? A terminal that has hung up is no
 * failure, nor is what nobody may read from: nohup(1) gives such a standard input.
 */
static bool ends_input(const struct relay *r, int err)
{
	return err == EBADF || (err == EIO && r->in_tty);
}

static void read_input(struct relay *r)
{
	static char buf[UML_PAYLOAD_MAX];	/* the stack may be smaller: ulimit -s */
	size_t room = r->credit < sizeof(buf) ? r->credit : sizeof(buf);
	ssize_t n;

	n = read(r->in, buf, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && !ends_input(r, errno))
		r->in_failed = errno;
	if (n <= 0) {
		r->in_ended = true;
		peer_send(r->peer, r->session, UML_EOF, 0, NULL, 0);
		return;
	}
	if (r->raw && is_escape(r, buf, n))
		r->escaped = true;
	r->credit -= n;
	peer_send(r->peer, r->session, UML_DATA, 0, buf, n);
}

/* What to wait for, into @fds: at most three. */
int relay_poll(struct relay *r, struct pollfd *fds)
{
	int n = 0;

	if (!r->in_ended && r->credit && r->peer->out_len < QUEUE_MAX &&
	    (r->raw || r->stdio[0] == UML_STDIO_PIPE))
		fds[n++] = (struct pollfd){ .fd = r->in, .events = POLLIN };
	for (int i = 0; i < 2; i++)
		if (r->out[i].fd >= 0 && r->out[i].len)
			fds[n++] = (struct pollfd){ .fd = r->out[i].fd, .events = POLLOUT };
	return n;
}

void relay_ready(struct relay *r, const struct pollfd *fds, int n)
{
	for (; n--; fds++) {
		if (!fds->revents)
			continue;
		if (fds->events == POLLIN)
			read_input(r);
		for (int i = 0; fds->events == POLLOUT && i < 2; i++)
			if (fds->fd == r->out[i].fd)	/* both, perhaps */
				pour(r, i);
	}
}

/* The size of our terminal may be another one now. */
void relay_winch(struct relay *r)
{
	struct uml_size size = { };

	for (int i = 0; i < 3 && !size.rows; i++)
		if (r->stdio[i] == UML_STDIO_TTY)
			term_size(i, &size);
	if (size.rows && !r->exited)
		peer_send(r->peer, r->session, UML_WINCH, 0, &size, sizeof(size));
}

/* A signal that we got is the command's. */
void relay_signal(struct relay *r, int sig)
{
	uint32_t value = sig;

	r->ending |= sig == SIGTERM || sig == SIGHUP;
	if (!r->exited)
		peer_send(r->peer, r->session, UML_SIGNAL, 0, &value, sizeof(value));
}

/* Before we stop: the terminal is somebody else's. */
void relay_suspend(struct relay *r)
{
	if (r->raw)
		term_restore();
	r->raw = false;
}

/* The keys are the command's, if we are in the foreground. */
void relay_resume(struct relay *r)
{
	if (r->want_raw && !r->exited)
		r->raw = term_raw(0);
}

/*
 * After SIGCONT. Who ends a command that may be stopped sends it behind SIGTERM or
 * SIGHUP, as timeout(1) and shells do: it is for the command then, too.
 */
void relay_continue(struct relay *r)
{
	relay_resume(r);
	relay_winch(r);
	if (r->ending)
		relay_signal(r, SIGCONT);
}

/*
 * A shell does not tell a job that runs in the background that it is in the
 * foreground now: it stops none, and so has none to continue. We do not stop
 * there either, as whoever needs no keys can go on (under timeout(1), say), but
 * look again now and then.
 *
 * Return: in how many ms to call this again, or -1.
 */
int relay_recheck(struct relay *r)
{
	if (!r->want_raw || r->raw || r->exited)
		return -1;
	relay_resume(r);
	if (!r->raw)
		return RECHECK_MS;
	relay_winch(r);		/* SIGWINCH, too, is for the foreground only */
	return -1;
}

/* The command has ended, and all that it wrote is written. */
bool relay_done(struct relay *r)
{
	return r->exited && !r->out[0].len && !r->out[1].len;
}

/* The guest could not make a process the caller's, or --user's. */
static void say_no_user(const struct command *c, int err)
{
	if (!c->user)
		note("the guest cannot run the command as user %u: %s", c->uid, strerror(err));
	else if (err != ENOENT)
		note("--user %s: the guest cannot run the command so: %s", c->user, strerror(err));
	else if (strchr(c->user, ':'))
		note("--user %s: the guest knows no such user, or no such group", c->user);
	else
		note("--user %s: the guest knows none of that name", c->user);
}

/* Our status for the command's end, and a line where there is one to say. */
int relay_status(struct relay *r, const char *name)
{
	int value = r->exit.value;

	if (r->failed) {
		note("cannot write the command's output: %s", strerror(r->failed));
		return EXIT_OURS;
	}
	if (r->in_failed) {
		note("cannot read standard input: %s; the command got what was before",
		     strerror(r->in_failed));
		return EXIT_OURS;
	}
	switch (r->exit.how) {
	case UML_EXITED:
		return value & 255;
	case UML_KILLED:
		return 128 + (value & 127);
	case UML_NOT_FOUND:
		note("%s: not found in the guest", name);
		return EXIT_NOT_FOUND;
	case UML_NOT_EXECUTABLE:
		note("cannot run %s: %s", name, strerror(value));
		return EXIT_NOT_EXECUTABLE;
	case UML_NO_CWD:
		note("--cwd %s: the guest cannot go there: %s", r->command->cwd, strerror(value));
		return EXIT_OURS;
	case UML_NO_USER:
		say_no_user(r->command, value);
		return EXIT_OURS;
	default:
		note("the guest cannot start the command: %s", strerror(value));
		return EXIT_OURS;
	}
}
