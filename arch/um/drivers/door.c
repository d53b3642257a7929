// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel process's side of the door: it starts the doorman (doorman.c) at
 * boot, and later asks it to answer requests of the owner and to open what they
 * name.
 *
 * There is a doorman only for a guest that has a directory, umid=NAME.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/doorman.h>
#include <asm/host.h>
#include "hotplug.h"
#include "mconsole.h"

#define PATIENCE	(10 * HZ)	/* for the doorman, which waits for nobody so long */

static int sock = -1;

/* One question at a time, and what comes back. */
static DEFINE_MUTEX(asking);
static DECLARE_COMPLETION(answered);
static u32 asked;		/* for which request, or 0 */
static int result;

/**
 * door_start() - make the doorman; at boot, on the host's stack
 * @executable: the name that exec was told
 *
 * A host that has no process for it leaves the guest without a management
 * console.
 */
void __init door_start(const char *executable)
{
	const char *argv[] = { "linux", "--doorman", umid_dir(), boot_options.notify, NULL };
	int socks[2], pid, parent = host_getpid();

	if (!*umid_dir() || host_socketpair(socks))
		return;
	pid = host_fork();
	if (!pid) {
		if (!host_seal_fds(&socks[1], 1) && host_getppid() == parent)
			host_run_self(executable, argv);
		host_exit(1);
	}
	host_close(socks[1]);
	if (pid > 0)
		sock = socks[0];
	else
		host_close(socks[0]);
}

/**
 * door_socket() - the descriptor to watch for messages, or -1 without a doorman
 */
int door_socket(void)
{
	return sock;
}

/*
 * Send one message. Its reader may be slow: whoever can sleep waits for it, and
 * a guest that is stopped has nothing else to do.
 */
static int send(struct door_message *m)
{
	int err;

	if (sock < 0)
		return -ENODEV;
	for (int i = 0; i < 500; i++) {
		err = host_send_message(sock, m, DOOR_HEAD + m->len, -1);
		if (err != -EAGAIN)
			return err;
		if (irqs_disabled())
			host_poll_two(-1, -1, 20);
		else
			msleep(20);
	}
	return err;
}

static void fill(struct door_message *m, const char *text, size_t len)
{
	m->len = min_t(size_t, len, DOOR_DATA);
	memcpy(m->data, text, m->len);
}

/**
 * door_reply() - answer a request of the owner
 * @id: of the request
 * @text: as long as it may be; it is sent in parts
 * @len: of the text, in bytes
 * @failed: it is an error
 * @more: another call will follow
 *
 * Process context, or a guest that is stopped.
 *
 * Return: 0 or -errno.
 */
int door_reply(u32 id, const char *text, size_t len, bool failed, bool more)
{
	struct door_message m = { .type = DOOR_REPLY, .id = id, .value = failed };
	int err;

	do {
		size_t part = min_t(size_t, len, DOOR_DATA - 1);

		fill(&m, text, part);
		text += part;
		len -= part;
		m.more = len || more;
		err = send(&m);
		m.value = 0;
	} while (len && !err);
	return err;
}

/**
 * door_ask() - have the doorman open something that a request names
 * @type: DOOR_OPEN and so on
 * @id: of the request
 * @value: for DOOR_OPEN: HOST_RDONLY or HOST_RDWR
 * @name: as the request has it
 *
 * May sleep; not from the thread that calls door_result().
 *
 * Return: a descriptor, or -errno: -EPERM when the request does not name it.
 */
int door_ask(enum door_type type, u32 id, int value, const char *name)
{
	struct door_message m = { .type = type, .id = id, .value = value };
	int err;

	if (strlen(name) > DOOR_DATA)
		return -ENAMETOOLONG;
	fill(&m, name, strlen(name));
	mutex_lock(&asking);
	reinit_completion(&answered);
	WRITE_ONCE(asked, id);
	err = send(&m);
	if (!err && !wait_for_completion_timeout(&answered, PATIENCE))
		err = -EIO;
	WRITE_ONCE(asked, 0);
	if (!err)
		err = result;
	mutex_unlock(&asking);
	return err;
}

/**
 * door_result() - what door_ask() waits for has come
 * @id: of the request that was asked for
 * @value: a descriptor or -errno
 */
void door_result(u32 id, int value)
{
	if (id && id == READ_ONCE(asked)) {
		result = value;
		complete(&answered);
	} else if (value >= 0) {
		host_close(value);	/* too late */
	}
}

/**
 * door_notify() - tell the socket of mconsole=notify:, if there is one
 * @kind: NOTIFY_
 * @text: of @len bytes
 *
 * May sleep.
 *
 * Return: 0, -ENODEV when nobody wants to know, or -errno.
 */
int door_notify(unsigned int kind, const char *text, size_t len)
{
	struct door_message m = { .type = DOOR_NOTIFY, .value = kind };

	if (!*boot_options.notify)
		return -ENODEV;
	fill(&m, text, len);
	return send(&m);
}

/**
 * door_notify_last() - the same before the kernel process ends; in any state
 *
 * The doorman reads what was sent even when the sender is gone.
 */
void door_notify_last(unsigned int kind, const char *text)
{
	struct door_message m = { .type = DOOR_NOTIFY, .value = kind };

	if (sock < 0 || !*boot_options.notify)
		return;
	fill(&m, text, strlen(text) + 1);
	host_send_message(sock, &m, DOOR_HEAD + m.len, -1);
}

/**
 * door_unused() - a socket that door_ask() had made can be removed
 * @path: where it is
 *
 * In any state. What is not told, or not heard, goes when the doorman ends.
 */
void door_unused(const char *path)
{
	struct door_message m = { .type = DOOR_UNUSED };

	if (sock < 0)
		return;
	fill(&m, path, strlen(path));
	host_send_message(sock, &m, DOOR_HEAD + m.len, -1);
}

/**
 * door_receive() - the next message of the doorman, if there is one
 * @m: gets it; @data ends with a NUL
 * @fd: gets a descriptor that came with it, or -1
 *
 * Return: 1, 0 when there is none now, or -errno: -EPIPE when the doorman has
 * ended.
 */
int door_receive(struct door_message *m, int *fd)
{
	long n = host_recv_message(sock, m, DOOR_HEAD + DOOR_DATA, fd);

	if (n == -EAGAIN)
		return 0;
	if (n < (long)DOOR_HEAD)
		return n < 0 ? n : -EPIPE;
	m->len = min_t(u32, m->len, n - DOOR_HEAD);
	m->data[m->len] = 0;
	return 1;
}

/**
 * hotplug_open() - open a file of the host that a device is made of
 * @path: as the user wrote it
 * @flags: HOST_RDONLY, HOST_RDWR or HOST_APPEND, with HOST_NONBLOCK
 *
 * At boot this is host_open(). Later the kernel process can open nothing; then
 * it is for @config callbacks only, the doorman does it, and only for what the
 * request that is carried out names. May sleep.
 *
 * Return: a descriptor, or -errno: -EPERM when the request does not name it.
 */
int hotplug_open(const char *path, int flags)
{
	if (system_state < SYSTEM_RUNNING)
		return host_open(path, flags);
	flags &= ~(HOST_NONBLOCK | HOST_NOCTTY);
	return door_ask(DOOR_OPEN, mconsole_current(),
			flags == HOST_APPEND ? flags : flags & HOST_RDWR, path);
}
