// SPDX-License-Identifier: GPL-2.0
/*
 * Frames (proto.h) to and from the launcher, over /dev/umlchan0.
 *
 * What is to be sent waits in one buffer. Output of programs may fill it only
 * up to RESERVE bytes, so that what concerns the sessions themselves always
 * finds room: there are at most a few such frames a session at one time.
 *
 * The launcher is trusted no more than it trusts us: a frame that breaks the
 * protocol ends the guest.
 */
#include "agent.h"

#define HEAD	sizeof(struct uml_frame)
#define RESERVE	(UML_SESSIONS * 6 * 32)
#define OUT	(4 * (UML_PAYLOAD_MAX + HEAD) + RESERVE)
#define IN	(2 * (UML_PAYLOAD_MAX + HEAD))

int channel_fd = -1;

static char out[OUT], in[IN];
static unsigned int out_start, out_end, in_len;

/* Is there a launcher? */
int channel_open(void)
{
	channel_fd = open("/dev/umlchan0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return channel_fd;
}

/* What cannot go on: the launcher sees the end of the channel and says so. */
static __noreturn void broken(const char *what)
{
	warn("the channel to the launcher:", what);
	end_guest(LINUX_REBOOT_CMD_RESTART2, EXIT_BAD_ARGV);
}

/* The place for the payload of a program's output, or NULL when it is full. */
char *channel_space(void)
{
	if (out_start) {
		memmove(out, out + out_start, out_end - out_start);
		out_end -= out_start;
		out_start = 0;
	}
	if (out_end + HEAD + UML_PAYLOAD_MAX + RESERVE > OUT)
		return NULL;
	return out + out_end + HEAD;
}

/* Send @len bytes, which are at @payload or already where channel_space() said. */
void channel_send(unsigned int session, int type, int stream, const void *payload, unsigned int len)
{
	struct uml_frame head = {
		.len = len, .session = session, .type = type, .stream = stream,
	};

	if (out_end + HEAD + len > OUT)
		channel_space();
	if (out_end + HEAD + len > OUT)
		broken("no room for an answer");
	memcpy(out + out_end, &head, HEAD);
	if (payload && len)
		memcpy(out + out_end + HEAD, payload, len);
	out_end += HEAD + len;
}

/* Does something wait to be sent? */
int channel_pending(void)
{
	return out_end > out_start;
}

/* Send what the launcher takes now. */
void channel_flush(void)
{
	while (out_start < out_end) {
		ssize_t n = write(channel_fd, out + out_start, out_end - out_start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			end_guest(LINUX_REBOOT_CMD_POWER_OFF, 0);
		out_start += n;
	}
	out_start = 0;
	out_end = 0;
}

/* Read what has come and hand on the frames that are complete. */
void channel_receive(void)
{
	unsigned int at = 0;
	struct uml_frame head;
	ssize_t n;

	n = read(channel_fd, in + in_len, IN - in_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)	/* the launcher is gone, and so is the reason to be here */
		end_guest(LINUX_REBOOT_CMD_POWER_OFF, 0);
	in_len += n;
	while (in_len - at >= HEAD) {
		memcpy(&head, in + at, HEAD);
		if (head.len > UML_PAYLOAD_MAX || head.session > UML_SESSIONS ||
		    head.stream > 2)
			broken("a malformed frame");
		if (in_len - at < HEAD + head.len)
			break;
		if (agent_frame(&head, in + at + HEAD) < 0)
			broken("a frame out of order");
		at += HEAD + head.len;
	}
	memmove(in, in + at, in_len - at);
	in_len -= at;
}
