/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the agent: channel.c carries frames, agent.c is the loop,
 * session.c has a command's streams, spawn.c starts it, haste.c says how soon
 * the loop runs.
 */
#ifndef GUEST_AGENT_H
#define GUEST_AGENT_H

#include "guest.h"
#include "proto.h"

/**
 * struct session - a command and its three streams
 * @id:		number, or 0: free
 * @pid:	of the command; 0 when it has not been started
 * @exited:	it has ended, as @exit says; its output may not be read yet
 * @error_fd:	the child tells here why it could not become the command
 * @pty:	the terminal's other end, or -1
 * @fd:		our end of each stream, or -1; of a terminal, @pty itself
 * @open:	output streams that have more, or may have
 * @rest:	when it has ended: bytes of each that are still read
 * @credit:	bytes that the launcher has room for
 * @desc:	the description, as far as it has come
 * @input:	bytes for standard input that it has not taken: a ring
 * @taken:	bytes that it has, and that were not granted back yet
 */
struct session {
	unsigned int id;
	pid_t pid;
	int exited;
	struct uml_exit exit;
	int error_fd;
	int pty;
	int fd[3];
	int open[3];
	unsigned int rest[3];
	unsigned int credit[3];
	char *desc;
	unsigned int desc_len;
	char *input;
	unsigned int input_at, input_len;
	unsigned int taken;
	int input_end;
	int raw;
};

/* channel.c */
extern int channel_fd;
int channel_open(void);
char *channel_space(void);
void channel_send(unsigned int session, int type, int stream, const void *payload,
		  unsigned int len);
int channel_pending(void);
void channel_flush(void);
void channel_receive(void);

/* agent.c */
__noreturn void agent(void);
int agent_frame(const struct uml_frame *head, char *payload);

/* haste.c */
int haste(void);

/* getty.c */
int getty_fd(void);
void getty_ready(void);
void getty_reaped(pid_t pid);

/* session.c */
int session_frame(struct session *s, const struct uml_frame *head, char *payload);
int session_poll(struct session *s, struct pollfd *fds);
void session_ready(struct session *s, const struct pollfd *fds, int n);
void session_reaped(struct session *s, int status);
void session_finish(struct session *s);
void session_free(struct session *s);

/* spawn.c */
int spawn(struct session *s);
void set_size(int fd, const struct uml_size *size);

#endif
