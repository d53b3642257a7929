// SPDX-License-Identifier: GPL-2.0
/*
 * build.c - row: a small real build, make -j1: sixty C files, each through the
 * compiler and a line of shell, six archives, and a link.
 *
 * The sources are written by us to a tmpfs.  On the host the host's own make
 * and gcc do it; in a guest the ones of a Debian root image, mounted by
 * guest.c: the same work when both are the same release.  An iteration
 * is a whole build from clean, in seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ubench.h"

#define FILES	60
#define IN_LIB	10	/* files an archive */

/* The guest's tmpfs for this lies at /tmp of the image's root. */
static const char *source_dir(char *buf, size_t size)
{
	if (*build_root)
		snprintf(buf, size, "%s/tmp/ubench-build", build_root);
	else
		work_path(buf, size, "ubench-build");
	return buf;
}

static FILE *source(const char *name)
{
	char dir[2048], path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", source_dir(dir, sizeof(dir)), name);
	f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

static void write_sources(void)
{
	char dir[2048], name[32];
	FILE *f;
	int i, k;

	if (mkdir(source_dir(dir, sizeof(dir)), 0700) && errno != EEXIST)
		die(dir);
	f = source("Makefile");
	fprintf(f, "prog: main.o");
	for (i = 0; i < FILES / IN_LIB; i++)
		fprintf(f, " lib%d.a", i);
	fprintf(f, "\n\tgcc -o $@ $^\n"
		   "%%.o: %%.c\n\tgcc -O2 -c -o $@ $<\n"
		   "\t@for i in $@; do [ -s $$i ] || exit 1; done; echo $@ >>log\n"
		   "clean:\n\trm -f prog log *.o *.a\n");
	for (i = 0; i < FILES; i++)
		fprintf(f, "lib%d.a: f%d.o\n", i / IN_LIB, i);
	fprintf(f, "lib%%.a:\n\tar rc $@ $^\n");
	fclose(f);
	f = source("main.c");
	fprintf(f, "int file0(char *s, unsigned long n);\n\n"
		   "int main(void)\n{\n\tchar s[64] = \"x\";\n\n"
		   "\treturn file0(s, sizeof(s)) < 0;\n}\n");
	fclose(f);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d.c", i);
		f = source(name);
		fprintf(f, "#include <stdio.h>\n#include <stdlib.h>\n"
			   "#include <string.h>\n#include <unistd.h>\n");
		for (k = 0; k < 8; k++)
			fprintf(f, "static int part%d(char *s, size_t n)\n{\n"
				   "\tsize_t i, sum = %d;\n\n"
				   "\tfor (i = 0; i < n; i++)\n"
				   "\t\tsum = sum * 31 + (unsigned char)s[i] %% %d;\n"
				   "\tsnprintf(s, n, \"%%zu\", sum);\n"
				   "\treturn (int)strlen(s);\n}\n\n", k, i, k + 3);
		fprintf(f, "int file%d(char *s, size_t n)\n{\n\treturn 0", i);
		for (k = 0; k < 8; k++)
			fprintf(f, " + part%d(s, n)", k);
		fprintf(f, ";\n}\n");
		fclose(f);
	}
}

/* Run make in the directory, inside the root where there is one. */
static void make(const char *target)
{
	int status, out[2];
	char dir[2048], text[512];
	ssize_t len;
	pid_t pid;

	source_dir(dir, sizeof(dir));
	if (pipe(out))
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		if (*build_root && (chroot(build_root) || chdir("/")))
			_exit(126);
		setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
		execlp("make", "make", "-s", "-j1", "-C",
		       dir + strlen(build_root), target, NULL);
		_exit(127);
	}
	close(out[1]);
	len = read(out[0], text, sizeof(text) - 1);
	while (read(out[0], dir, sizeof(dir)) > 0)
		;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || status) {
		text[len > 0 ? len : 0] = '\0';
		printf("@note make %s: status %#x: %s\n", target, status, text);
		errno = 0;
		die("build");
	}
}

static double run_build(long n)
{
	double ns = 0, start;

	write_sources();
	while (n--) {
		make("clean");
		start = now();
		make("prog");
		ns += now() - start;
	}
	return ns;
}

const struct row build_rows[] = {
	{ "build", "s", 1e9, 0, 1, 1, run_build },
	{ }
};
