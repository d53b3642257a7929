// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's agent. When there is a channel to a launcher, /init runs no
 * main program of its own: it starts the commands that the launcher sends, as
 * sessions (proto.h), and is still process 1, which reaps orphans and ends the
 * guest.
 *
 * One loop waits for the channel, for signals and for the sessions' streams,
 * and nothing else in it waits.
 */
#include "agent.h"

static struct session sessions[UML_SESSIONS];

static struct session *find(unsigned int id)
{
	int i;

	for (i = 0; i < UML_SESSIONS; i++)
		if (sessions[i].id == id)
			return &sessions[i];
	return NULL;
}

static struct session *create(unsigned int id)
{
	struct session *s = find(0);

	if (!s)
		return NULL;
	s->id = id;
	s->error_fd = -1;
	s->pty = -1;
	s->fd[0] = -1;
	s->fd[1] = -1;
	s->fd[2] = -1;
	return s;
}

static size_t blanks(const char *s)
{
	size_t n = 0;

	while (s[n] == ' ')
		n++;
	return n;
}

/* The value, in KiB, of a line of /proc/meminfo. */
static uint64_t memory(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, name, len))
			return (uint64_t)atol(text + len + blanks(text + len)) * 1024;
	}
	return 0;
}

static void send_stats(void)
{
	struct uml_stats stats = { };
	struct {
		long uptime;
		unsigned long loads[3];
		unsigned long memory[6];
		unsigned short procs;
		char rest[64];
	} info = { };
	static char text[2048];
	int fd, len = 0, i;

	my_syscall1(__NR_sysinfo, &info);
	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[len > 0 ? len : 0] = 0;
	stats.uptime = info.uptime;
	for (i = 0; i < 3; i++)
		stats.load[i] = info.loads[i];
	stats.total = memory(text, "MemTotal:");
	stats.available = memory(text, "MemAvailable:");
	stats.processes = info.procs;
	for (i = 0; i < UML_SESSIONS; i++)
		stats.sessions += sessions[i].id != 0;
	channel_send(0, UML_STATS_REPLY, 0, &stats, sizeof(stats));
}

static void press_key(const char *payload, unsigned int len)
{
	uint32_t key;
	char c;
	int fd;

	if (len != sizeof(key))
		return;
	memcpy(&key, payload, sizeof(key));
	c = key;
	fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, &c, 1) != 1)
		warn("sysrq:", "the kernel does not take the key");
	close(fd);
}

/* A frame from the launcher. -1: it breaks the protocol. */
int agent_frame(const struct uml_frame *head, char *payload)
{
	struct session *s;

	if (!head->session) {
		if (head->type == UML_POWEROFF)
			end_guest(LINUX_REBOOT_CMD_POWER_OFF, 0);
		if (head->type == UML_STATS) {
			/* A launcher that does not read its answers gets none. */
			if (channel_space())
				send_stats();
			return 0;
		}
		if (head->type == UML_SYSRQ) {
			press_key(payload, head->len);
			return 0;
		}
		return -1;
	}
	s = find(head->session);
	/* One that has ended may not have been told yet. */
	if (!s && head->type != UML_ARGS)
		return 0;
	if (!s)
		s = create(head->session);
	return s ? session_frame(s, head, payload) : -1;
}

static void reap(void)
{
	pid_t pid;
	int status, i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		getty_reaped(pid);
		for (i = 0; i < UML_SESSIONS; i++)
			if (sessions[i].pid == pid)
				session_reaped(&sessions[i], status);
	}
}

static void on_signal(int fd)
{
	unsigned int info[32];		/* struct signalfd_siginfo: 128 bytes */

	while (read(fd, info, sizeof(info)) == sizeof(info)) {
		if (info[0] == SIGCHLD)
			reap();
		else
			init_request(info[0]);
	}
}

/* Never returns: process 1 of a guest that has a launcher. */
void agent(void)
{
	static struct pollfd fds[3 + 3 * UML_SESSIONS];
	static int count[UML_SESSIONS];
	struct uml_ready ready = { .version = UML_PROTO_VERSION };
	unsigned long all = ~0UL;
	int signals, i, n;

	signals = my_syscall4(__NR_signalfd4, -1, &all, SIGSET_SIZE, O_NONBLOCK | O_CLOEXEC);
	if (prepare_root() < 0)
		ready.root_failed = errno;
	channel_send(0, UML_READY, 0, &ready, sizeof(ready));
	for (;;) {
		for (i = 0; i < UML_SESSIONS; i++)
			if (sessions[i].id)
				session_finish(&sessions[i]);
		channel_flush();
		fds[0] = (struct pollfd){ .fd = channel_fd, .events = POLLIN };
		if (channel_pending())
			fds[0].events |= POLLOUT;
		fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = getty_fd(), .events = POLLIN };
		n = 3;
		for (i = 0; i < UML_SESSIONS; i++) {
			count[i] = sessions[i].id ? session_poll(&sessions[i], fds + n) : 0;
			n += count[i];
		}
		if (poll(fds, n, haste()) < 0)
			continue;
		n = 3;
		for (i = 0; i < UML_SESSIONS; i++) {
			if (count[i])
				session_ready(&sessions[i], fds + n, count[i]);
			n += count[i];
		}
		if (fds[1].revents)
			on_signal(signals);
		if (fds[2].revents)
			getty_ready();
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			channel_receive();
	}
}
