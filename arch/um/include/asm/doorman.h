/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel process and the process at its door (drivers/doorman.c): what they
 * say to each other over a socket, a message each time.
 */
#ifndef _ASM_UM_DOORMAN_H
#define _ASM_UM_DOORMAN_H

#include <linux/types.h>

#define DOOR_DATA	512

enum door_type {
	/* from the doorman */
	DOOR_READY,	/* the socket is there; @value: 0, or -errno when it is not */
	DOOR_UNFILTERED, /* before it: the host refuses the doorman's filter; @value: -errno */
	DOOR_REQUEST,	/* @id: its number; @data: a command of the owner */
	DOOR_RESULT,	/* of DOOR_OPEN and so on; @value: 0 and a descriptor, or -errno */
	/* from the kernel process */
	DOOR_REPLY,	/* to request @id; @value: it failed; @more: not the last */
	DOOR_OPEN,	/* a file that request @id names; @value: HOST_RDWR and so on */
	DOOR_LISTEN,	/* a unix stream socket that it names, to wait for others there */
	DOOR_PORT,	/* a TCP port of the loopback that it names */
	DOOR_PTMX,	/* a new pseudo-terminal, for a request that says pts */
	DOOR_NOTIFY,	/* to the socket of mconsole=notify:; @value: NOTIFY_ */
	DOOR_TAP,	/* the end of a tap that request @id names, with virtio-net headers */
	DOOR_CONNECT,	/* a unix stream socket that it names, connected */
	DOOR_UNUSED,	/* nobody listens at the path @data any more */
};

/* Kinds of notification, as uml_mconsole's protocol numbers them. */
enum {
	NOTIFY_SOCKET,
	NOTIFY_PANIC,
	NOTIFY_HANG,
	NOTIFY_USER,
};

/**
 * struct door_message - one message, @len bytes of @data long
 */
struct door_message {
	u32 type;
	u32 id;
	s32 value;
	u32 more;
	u32 len;
	char data[DOOR_DATA + 1];	/* room for a NUL that is not sent */
};

#define DOOR_HEAD	offsetof(struct door_message, data)

/* boot/ and the door, of the kernel process */
void door_start(const char *executable);
bool door_wanted(int argc, char **argv);
void __noreturn doorman_main(int argc, char **argv);

/* drivers/door.c */
int door_reply(u32 id, const char *text, size_t len, bool failed, bool more);
int door_ask(enum door_type type, u32 id, int value, const char *name);
void door_result(u32 id, int value);
int door_notify(unsigned int kind, const char *text, size_t len);
void door_notify_last(unsigned int kind, const char *text);
void door_unused(const char *path);
int door_receive(struct door_message *m, int *fd);
int door_socket(void);

#endif
