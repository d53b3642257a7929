// SPDX-License-Identifier: GPL-2.0
/*
 * From a session's description (proto.h) to a running command.
 *
 * The description comes from outside the guest: every length is checked
 * against what has come before it is used. The child reports why it cannot
 * become the command through a pipe that exec closes.
 */
#include "agent.h"

#define SPARE	8	/* variables that we may add, with the end */

/**
 * struct command - a description, taken apart; all points into it
 */
struct command {
	struct uml_start head;
	uint32_t *groups;
	char *user, *cwd;
	char **argv, **envp;
};

/* The next string of [*at, end), or NULL. */
static char *next_string(char **at, char *end)
{
	char *s = *at, *p;

	for (p = s; p < end; p++)
		if (!*p) {
			*at = p + 1;
			return s;
		}
	return NULL;
}

/* @n strings as a vector with room for SPARE more. */
static char **strings(char **at, char *end, uint32_t n)
{
	char **v;
	uint32_t i;

	if (n > (size_t)(end - *at))
		return NULL;
	v = malloc((n + SPARE + 1) * sizeof(*v));
	if (!v)
		return NULL;
	for (i = 0; i < n; i++) {
		v[i] = next_string(at, end);
		if (!v[i])
			return NULL;
	}
	v[n] = NULL;
	return v;
}

/* Take @s's description apart; -1 when it is not one. Runs in the child. */
static int parse(struct session *s, struct command *c)
{
	char *at = s->desc + sizeof(c->head), *end = s->desc + s->desc_len;
	size_t size;

	size = c->head.ngroups * sizeof(uint32_t);
	if (c->head.ngroups > UML_GROUPS_MAX || size > (size_t)(end - at))
		return -1;
	c->groups = malloc(size + 1);
	if (!c->groups)
		return -1;
	memcpy(c->groups, at, size);
	at += size;
	c->user = next_string(&at, end);
	c->cwd = c->user ? next_string(&at, end) : NULL;
	if (!c->cwd)
		return -1;
	c->argv = strings(&at, end, c->head.argc);
	c->envp = c->argv ? strings(&at, end, c->head.envc) : NULL;
	return c->envp && at == end ? 0 : -1;
}

void set_size(int fd, const struct uml_size *size)
{
	unsigned short ws[4] = { size->rows, size->cols };

	ioctl(fd, TIOCSWINSZ, ws);
}

/* The kernel's struct termios: four words of flags, then characters. */
struct term {
	unsigned int iflag, oflag, cflag, lflag;
	char rest[64];
};

#define TERM_OPOST	1
#define TERM_ECHO	010

/*
 * A new terminal. Unless the keys of the other end are the guest's to
 * interpret, that end edits, echoes and adds carriage returns itself.
 */
static int open_terminal(struct session *s, const struct uml_start *head)
{
	struct term t;
	int zero = 0, fd;

	s->pty = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (s->pty < 0)
		s->pty = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (s->pty < 0 || ioctl(s->pty, TIOCSPTLCK, &zero) < 0)
		return -1;
	fd = ioctl(s->pty, TIOCGPTPEER, (void *)(long)(O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (fd < 0)
		return -1;
	set_size(fd, &head->size);
	s->raw = head->flags & UML_RAW;
	if (!s->raw && ioctl(fd, TCGETS, &t) == 0) {
		t.oflag &= ~TERM_OPOST;
		t.lflag &= ~TERM_ECHO;
		ioctl(fd, TCSETS, &t);
	}
	return fd;
}

/* The child's three files into @theirs, our ends into @s. */
static int open_streams(struct session *s, const struct uml_start *head, int *theirs)
{
	int tty = -1, shown = -1, i;

	for (i = 0; i < 3; i++) {
		int ends[2];

		theirs[i] = -1;
		if (head->stdio[i] == UML_STDIO_CLOSED)
			continue;
		if (head->stdio[i] == UML_STDIO_TTY) {
			if (tty < 0)
				tty = open_terminal(s, head);
			if (tty < 0)
				return -1;
			theirs[i] = tty;
			/* One stream carries what is written to the terminal. */
			if (i == 0 || shown < 0)
				s->fd[i] = s->pty;
			if (i && shown < 0)
				shown = i;
			s->open[i] = i == shown;
			continue;
		}
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		theirs[i] = ends[i != 0];
		s->fd[i] = ends[i == 0];
		my_syscall3(__NR_fcntl, s->fd[i], F_SETFL, O_NONBLOCK);
		s->open[i] = i != 0;
	}
	return 0;
}

static __noreturn void fail(int error_fd, enum uml_how how, int err)
{
	struct uml_exit e = { .how = how, .value = err };

	write(error_fd, &e, sizeof(e));
	exit(EXIT_NOT_FOUND);
}

/* Become the user, who then owns the terminal @tty, in the right directory. */
static void become(const struct command *c, int tty, int error_fd)
{
	const struct uml_start *h = &c->head;
	struct user user = {
		.uid = h->uid, .gid = h->gid, .groups = c->groups, .ngroups = h->ngroups,
	};
	int err = 0;

	if (*c->user && find_user(&user, c->user) < 0)
		fail(error_fd, UML_NO_USER, errno);
	if (tty >= 0)
		my_syscall3(__NR_fchown, tty, user.uid, -1);
	if (become_user(&user) < 0)
		fail(error_fd, UML_NO_USER, errno);
	if (*c->cwd && chdir(c->cwd) < 0)
		err = errno;
	if (err && (h->flags & UML_CWD_MUST))
		fail(error_fd, UML_NO_CWD, err);
	if (err || !*c->cwd)
		chdir("/");
	else
		set_variable("PWD", c->cwd);
}

/* In the child, with all signals blocked; never returns. */
static __noreturn void run_child(struct session *s, const struct uml_start *head,
				 const int *theirs, int error_fd)
{
	struct command c = { .head = *head };
	unsigned long none = 0;
	int i, fds[3], tty = -1;

	setsid();
	if (parse(s, &c) < 0)
		fail(error_fd, UML_NO_START, EINVAL);
	/* Above 2 first, so that no move overwrites one that is still to be made. */
	for (i = 0; i < 3; i++)
		fds[i] = theirs[i] < 0 ? -1 : my_syscall3(__NR_fcntl, theirs[i], F_DUPFD_CLOEXEC, 3);
	for (i = 0; i < 3; i++) {
		close(i);
		if (fds[i] >= 0)
			dup2(fds[i], i);
	}
	for (i = 0; i < 3; i++)
		if (head->stdio[i] == UML_STDIO_TTY)
			tty = i;
	/* No keys will come where standard input is something else: no /dev/tty, then. */
	if (tty >= 0 && head->flags & UML_RAW)
		ioctl(tty, TIOCSCTTY, 0);
	my_syscall1(__NR_umask, head->umask & 0777);
	environ = c.envp;
	become(&c, tty, error_fd);
	my_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGSET_SIZE);
	if (head->flags & UML_SHELL)
		exec_shell();
	else if (head->argc)
		exec_command(c.argv);
	else
		errno = EINVAL;
	fail(error_fd, errno == ENOENT || errno == ENOTDIR ? UML_NOT_FOUND : UML_NOT_EXECUTABLE,
	     errno);
}

/* Start the command that @s describes; -1 and errno when that cannot be. */
int spawn(struct session *s)
{
	struct uml_start head;
	int theirs[3] = { -1, -1, -1 }, error[2], i, err;

	if (s->desc_len < sizeof(head)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&head, s->desc, sizeof(head));
	if (!(head.flags & UML_BARE) && enter_root() < 0)
		return -1;
	if (pipe2(error, O_CLOEXEC) < 0)
		return -1;
	s->error_fd = error[0];
	err = open_streams(s, &head, theirs) < 0 ? errno : 0;
	if (!err) {
		s->pid = fork();
		if (s->pid == 0)
			run_child(s, &head, theirs, error[1]);
		if (s->pid < 0) {
			s->pid = 0;
			err = errno;
		}
	}
	close(error[1]);
	for (i = 0; i < 3; i++)
		if (theirs[i] >= 0 && (i == 0 || theirs[i] != theirs[i - 1]) &&
		    (i < 2 || theirs[2] != theirs[0]))
			close(theirs[i]);
	free(s->desc);
	s->desc = NULL;
	s->desc_len = 0;
	errno = err;
	return err ? -1 : 0;
}
