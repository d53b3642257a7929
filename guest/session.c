// SPDX-License-Identifier: GPL-2.0
/*
 * A command's streams. Each has a pipe of its own, or the command has a
 * terminal: then what it writes to the terminal is one stream.
 *
 * Nothing here waits. Output is read only when the launcher has granted room
 * for it (proto.h) and the channel has some; input that the command does not
 * take waits in a ring, which the launcher's own window keeps from overflowing.
 */
#include "agent.h"

#define GRANT	(UML_WINDOW / 8)
#define PTY_MOST	(128 * 1024)	/* more than a terminal holds */

static void close_stream(struct session *s, int i)
{
	if (s->fd[i] >= 0 && s->fd[i] != s->pty)
		close(s->fd[i]);
	s->fd[i] = -1;
	s->open[i] = 0;
}

void session_free(struct session *s)
{
	int i;

	for (i = 0; i < 3; i++)
		close_stream(s, i);
	if (s->pty >= 0)
		close(s->pty);
	if (s->error_fd >= 0)
		close(s->error_fd);
	free(s->desc);
	free(s->input);
	memset(s, 0, sizeof(*s));
}

/*
 * Grant back what the command has taken, in large steps while more waits. Not
 * while the channel is full: the number is kept, and this is called again.
 */
static void grant(struct session *s)
{
	uint32_t n = s->taken;

	if (!n || (n < GRANT && s->input_len) || !channel_space())
		return;
	channel_send(s->id, UML_CREDIT, 0, &n, sizeof(n));
	s->taken = 0;
}

/* Give the command what it takes now. */
static void feed(struct session *s)
{
	while (s->input_len && s->fd[0] >= 0) {
		unsigned int n = UML_WINDOW - s->input_at;
		ssize_t done;

		if (n > s->input_len)
			n = s->input_len;
		done = write(s->fd[0], s->input + s->input_at, n);
		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (done <= 0) {
			close_stream(s, 0);
			channel_send(s->id, UML_CLOSE, 0, NULL, 0);
			break;
		}
		s->input_at = (s->input_at + done) % UML_WINDOW;
		s->input_len -= done;
		s->taken += done;
	}
	if (s->fd[0] < 0) {
		s->taken += s->input_len;
		s->input_len = 0;
	}
	/* A terminal has no end of input but its keys; it hangs up with the session. */
	if (!s->input_len && s->input_end && s->fd[0] != s->pty)
		close_stream(s, 0);
	grant(s);
}

static int take_input(struct session *s, const char *data, unsigned int len)
{
	unsigned int end, part;

	if (!s->input || s->input_end || len > UML_WINDOW - s->input_len - s->taken)
		return -1;
	end = (s->input_at + s->input_len) % UML_WINDOW;
	part = UML_WINDOW - end < len ? UML_WINDOW - end : len;
	memcpy(s->input + end, data, part);
	memcpy(s->input, data + part, len - part);
	s->input_len += len;
	feed(s);
	return 0;
}

/* Read one stream as far as there is room. */
static void drain(struct session *s, int i)
{
	while (s->open[i] && s->credit[i]) {
		char *to = channel_space();
		unsigned int n = s->credit[i] < UML_PAYLOAD_MAX ? s->credit[i] : UML_PAYLOAD_MAX;
		ssize_t got;

		if (!to)
			return;
		if (s->exited && n > s->rest[i])
			n = s->rest[i];
		got = read(s->fd[i], to, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN) {
			if (!s->exited)
				return;
			got = 0;	/* others may hold it open; the command has ended */
		}
		if (s->exited && got > 0)
			s->rest[i] -= got;
		if (got <= 0) {
			close_stream(s, i);
			channel_send(s->id, UML_EOF, i, NULL, 0);
			return;
		}
		channel_send(s->id, UML_DATA, i, NULL, got);
		s->credit[i] -= got;
		channel_flush();
	}
}

/* What the child said about why it is not the command, if it said something. */
static void read_error(struct session *s)
{
	static struct uml_exit error;

	if (s->error_fd < 0)
		return;
	if (read(s->error_fd, &error, sizeof(error)) == sizeof(error))
		s->exit = error;
	close(s->error_fd);
	s->error_fd = -1;
}

/*
 * The command of @s has ended with a wait status. Its output ends with it: what
 * is in the pipes now. Others may go on to write there, for ever. A terminal
 * does not tell how much it holds, so there it is what comes without a wait.
 */
void session_reaped(struct session *s, int status)
{
	int i;

	for (i = 1; i < 3; i++) {
		int held = 0;

		if (s->open[i] && s->fd[i] == s->pty)
			held = PTY_MOST;
		else if (s->open[i] && ioctl(s->fd[i], FIONREAD, &held) < 0)
			held = 0;
		s->rest[i] = held;
	}
	s->exited = 1;
	s->pid = 0;
	s->exit.how = WIFEXITED(status) ? UML_EXITED : UML_KILLED;
	s->exit.value = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	read_error(s);
}

/* After each round: its end is told when all that it wrote has been. */
void session_finish(struct session *s)
{
	grant(s);
	if (!s->exited)
		return;
	drain(s, 1);
	drain(s, 2);
	if (s->open[1] || s->open[2])
		return;
	channel_send(s->id, UML_EXIT, 0, &s->exit, sizeof(s->exit));
	session_free(s);
}

/* What this session waits for, into @fds: at most three. */
int session_poll(struct session *s, struct pollfd *fds)
{
	int room = channel_space() != NULL, n = 0, i;

	for (i = 0; i < 3; i++) {
		int wanted = i ? s->open[i] && s->credit[i] && room : s->input_len > 0;

		if (s->fd[i] >= 0 && wanted)
			fds[n++] = (struct pollfd){ .fd = s->fd[i], .events = i ? POLLIN : POLLOUT };
	}
	return n;
}

void session_ready(struct session *s, const struct pollfd *fds, int n)
{
	for (; n--; fds++) {
		if (!fds->revents)
			continue;
		if (fds->events == POLLOUT)
			feed(s);
		else if (fds->fd == s->fd[1])
			drain(s, 1);
		else if (fds->fd == s->fd[2])
			drain(s, 2);
	}
}

static void send_signal(struct session *s, int sig)
{
	int group = 0;

	if (!s->pid || sig < 1 || sig > 64)
		return;
	/* As a key would: whoever has the terminal. */
	if (s->raw && ioctl(s->pty, TIOCGPGRP, &group) == 0 && group > 0 &&
	    kill(-group, sig) == 0)
		return;
	if (kill(-s->pid, sig) < 0)
		kill(s->pid, sig);
}

static int add_description(struct session *s, const char *data, unsigned int len)
{
	char *more;

	if (s->pid || s->exited || len > UML_DESCRIPTION_MAX - s->desc_len)
		return -1;
	/* A byte more for a NUL, so that strings always end. */
	more = malloc(s->desc_len + len + 1);
	if (!more)
		return -1;
	if (s->desc_len)
		memcpy(more, s->desc, s->desc_len);
	memcpy(more + s->desc_len, data, len);
	free(s->desc);
	s->desc = more;
	s->desc_len += len;
	s->desc[s->desc_len] = 0;
	return 0;
}

static int start(struct session *s)
{
	int i;

	if (s->pid || s->exited)
		return -1;
	s->input = malloc(UML_WINDOW);
	for (i = 1; i < 3; i++)
		s->credit[i] = UML_WINDOW;
	if (!s->input || spawn(s) < 0) {
		s->exited = 1;
		if (!s->exit.how) {
			s->exit.how = UML_NO_START;
			s->exit.value = errno;
		}
		read_error(s);
	}
	return 0;
}

/* Take the terminal away; who is left there gets SIGHUP. */
static void hang_up(struct session *s)
{
	int i;

	for (i = 0; i < 3; i++)
		if (s->fd[i] == s->pty)
			close_stream(s, i);
	close(s->pty);
	s->pty = -1;
}

/*
 * The launcher waits no more. The number of a session that has no command, not
 * yet or not any more, is free when session_finish() has said that it ends.
 */
static void abandon(struct session *s)
{
	send_signal(s, SIGHUP);
	send_signal(s, SIGCONT);
	if (s->pty >= 0)
		hang_up(s);
	close_stream(s, 0);
	close_stream(s, 1);
	close_stream(s, 2);
	s->input_len = 0;
	if (!s->pid)
		s->exited = 1;
}

/* A frame for this session. -1: it breaks the protocol. */
int session_frame(struct session *s, const struct uml_frame *head, char *payload)
{
	uint32_t value = 0;
	struct uml_size size;

	switch (head->type) {
	case UML_ARGS:
		return add_description(s, payload, head->len);
	case UML_START:
		return start(s);
	case UML_DATA:
		return head->stream ? -1 : take_input(s, payload, head->len);
	case UML_EOF:
		if (head->stream)
			return -1;
		s->input_end = 1;
		feed(s);
		return 0;
	case UML_CLOSE:
		if (!head->stream)
			return -1;
		/* Nobody would read what is written to that terminal. */
		if (s->pty >= 0 && s->fd[head->stream] == s->pty)
			hang_up(s);
		else
			close_stream(s, head->stream);
		return 0;
	case UML_CREDIT:
		if (head->len != sizeof(value) || !head->stream)
			return -1;
		memcpy(&value, payload, sizeof(value));
		if (value > UML_WINDOW - s->credit[head->stream])
			return -1;
		s->credit[head->stream] += value;
		return 0;
	case UML_SIGNAL:
		if (head->len != sizeof(value))
			return -1;
		memcpy(&value, payload, sizeof(value));
		send_signal(s, value);
		return 0;
	case UML_WINCH:
		if (head->len != sizeof(size))
			return -1;
		memcpy(&size, payload, sizeof(size));
		if (s->pty < 0)
			return 0;
		set_size(s->pty, &size);
		if (!s->raw)
			send_signal(s, SIGWINCH);	/* it is no session's terminal */
		return 0;
	case UML_ABANDON:
		abandon(s);
		return 0;
	}
	return -1;
}
