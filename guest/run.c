// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's main program: the command of UML_ARGV, or a login shell.
 *
 * It leads a session of its own whose controlling terminal is the console, so
 * that job control works and Ctrl-C reaches it and not /init. /dev/console
 * cannot be a controlling terminal; the device behind it is the last name in
 * /sys/class/tty/console/active.
 */
#include "argv.h"
#include "guest.h"

void warn(const char *what, const char *name)
{
	fprintf(stderr, "init: %s %s: error %d\n", what, name, errno);
}

/* The path of the device behind the console. */
static void console_path(char *path, int size)
{
	static const char fallback[] = "/dev/console";
	char names[256];
	char *name;
	int fd, len = 0;

	memcpy(path, fallback, sizeof(fallback));
	fd = open("/sys/class/tty/console/active", O_RDONLY);
	if (fd < 0)
		return;
	len = read(fd, names, sizeof(names) - 1);
	close(fd);
	if (len > 0 && names[len - 1] == '\n')
		len--;
	if (len <= 0)
		return;
	names[len] = 0;
	name = strrchr(names, ' ');
	path[sizeof("/dev/") - 1] = 0;
	strlcat(path, name ? name + 1 : names, size);
}

/* Standard input, output and error become the console, where there is one. */
static void open_console(void)
{
	char path[300];
	int fd;

	console_path(path, sizeof(path));
	fd = open(path, O_RDWR);
	if (fd < 0)
		fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		return;		/* what the kernel opened for /init must do */
	/* Fails on a console that is no terminal: then without job control. */
	ioctl(fd, TIOCSCTTY, 0);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

/* As execvp does: a file without "#!" is handed to the shell. */
static void exec_file(const char *file, char **argv)
{
	int argc = 0;
	char **shell;

	execve(file, argv, environ);
	if (errno != ENOEXEC)
		return;
	while (argv[argc])
		argc++;
	shell = malloc((argc + 2) * sizeof(*shell));
	if (!shell)
		return;
	shell[0] = "/bin/sh";
	shell[1] = (char *)file;
	memcpy(shell + 2, argv + 1, argc * sizeof(*shell));
	execve(shell[0], shell, environ);
}

/*
 * Run @argv as execvp does. Returns when that cannot be: errno is ENOENT or
 * ENOTDIR where there is no such program, else what keeps it from running.
 */
void exec_command(char **argv)
{
	const char *dir, *end;
	int denied = ENOENT;
	char file[PATH_MAX];

	if (strchr(argv[0], '/')) {
		exec_file(argv[0], argv);
		return;
	}
	for (dir = argv[0][0] ? getenv("PATH") : NULL; dir; dir = *end ? end + 1 : NULL) {
		int len;

		end = strchr(dir, ':');
		if (!end)
			end = dir + strlen(dir);
		len = end - dir;
		if (len + strlen(argv[0]) + 2 > sizeof(file))
			continue;
		memcpy(file, dir, len);
		file[len] = len ? '/' : 0;
		memcpy(file + len + !!len, argv[0], strlen(argv[0]) + 1);
		exec_file(file, argv);
		if (errno == ENOENT || errno == ENOTDIR)
			continue;
		denied = errno;
		if (errno != EACCES)
			break;
	}
	errno = denied;
}

/* The user's shell where there is one; returns when there is none. */
void exec_shell(void)
{
	char *argv[] = { getenv("SHELL"), NULL };

	if (argv[0] && argv[0][0] == '/')
		execve(argv[0], argv, environ);
	argv[0] = "/bin/sh";
	set_variable("SHELL", argv[0]);
	execve(argv[0], argv, environ);
}

/* Set a variable; environ must have room for one more, and an end. */
void set_variable(const char *name, const char *value)
{
	size_t len = strlen(name), size = strlen(value) + 1;
	char **e, *text = malloc(len + 1 + size);

	if (!text)
		return;
	memcpy(text, name, len);
	text[len] = '=';
	memcpy(text + len + 1, value, size);
	for (e = environ; *e; e++)
		if (!strncmp(*e, text, len + 1))
			break;
	if (!*e)
		e[1] = NULL;
	*e = text;
}

/* Drop @name from the environment; returns its last value. */
char *take_variable(const char *name)
{
	int len = strlen(name);
	char **from, **to, *value = NULL;

	for (from = to = environ; *from; from++) {
		if (!strncmp(*from, name, len) && (*from)[len] == '=')
			value = *from + len + 1;
		else
			*to++ = *from;
	}
	*to = NULL;
	return value;
}

/* The environment of the main program: what the kernel gave, and the usual. */
static void set_environment(void)
{
	static char *fresh[64];
	int n = 0;
	char **e;

	take_variable("PATH");
	take_variable("HOME");
	fresh[n++] = "PATH=" PATH_DEFAULT;
	fresh[n++] = "HOME=/root";
	if (!getenv("TERM"))
		fresh[n++] = "TERM=linux";
	/* The kernel hands over at most 32 variables. */
	for (e = environ; *e && n < 63; e++)
		fresh[n++] = *e;
	fresh[n] = NULL;
	environ = fresh;
}

/* One word of the kernel's command line, encoded as in UML_ARGV, or NULL. */
static char *take_word(const char *name)
{
	char *word = take_variable(name), *argv[2];

	if (!word || uml_argv_count(word) != 1 || uml_argv_decode(word, argv) != 1)
		return NULL;
	return argv[0];
}

/*
 * UML_USER=USER[:GROUP], UML_CWD=DIR and UML_UMASK=MASK, as `uml run --dry-run`
 * writes them.
 */
static void become_wanted(const char *name, const char *cwd, const char *mask)
{
	struct user user = { };
	unsigned int bits = 0;

	if (mask) {
		while (*mask >= '0' && *mask <= '7')
			bits = bits * 8 + *mask++ - '0';
		my_syscall1(__NR_umask, bits & 0777);
	}
	if (cwd && chdir(cwd) < 0)
		chdir("/");
	if (!name)
		return;
	if (find_user(&user, name) < 0 || become_user(&user) < 0) {
		warn("cannot become", name);
		exit(EXIT_BAD_ARGV);
	}
}

static void run_main(void)
{
	static char *const shell[] = { "-sh", NULL };
	unsigned long none = 0;
	char *encoded = take_variable("UML_ARGV");
	char *user = take_word("UML_USER"), *cwd = take_word("UML_CWD");
	char *mask = take_word("UML_UMASK");
	char **argv = NULL;
	int argc = 0;

	my_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGSET_SIZE);
	setsid();
	open_console();
	set_environment();
	if (encoded) {
		argv = malloc((uml_argv_count(encoded) + 1) * sizeof(*argv));
		argc = argv ? uml_argv_decode(encoded, argv) : -1;
	}
	if (argc < 0) {
		fprintf(stderr, "init: UML_ARGV is malformed\n");
		exit(EXIT_BAD_ARGV);
	}
	if (!user && !cwd && argc == 0)
		chdir("/root");
	become_wanted(user, cwd, mask);
	if (argc > 0) {
		exec_command(argv);
		if (errno == ENOENT || errno == ENOTDIR) {
			fprintf(stderr, "init: %s: not found\n", argv[0]);
			exit(EXIT_NOT_FOUND);
		}
		warn("cannot run", argv[0]);
		exit(EXIT_NOT_RUN);
	}
	execve("/bin/sh", shell, environ);
	warn("cannot run", "/bin/sh");
	exit(EXIT_NOT_RUN);
}

/* Start the main program; returns its pid, or -1. */
pid_t start_main(void)
{
	pid_t pid = fork();

	if (pid == 0)
		run_main();
	if (pid < 0)
		warn("cannot start", "the main program");
	return pid;
}
