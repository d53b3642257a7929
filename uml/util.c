// SPDX-License-Identifier: GPL-2.0
/* Memory that does not run out, messages, lists of words, numbers. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "term.h"
#include "uml.h"

bool closed_at_start[3];

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		die("out of memory");
	return p;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xrealloc(NULL, size), s, size);
}

static char *format(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	return s;
}

char *xprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = format(fmt, ap);
	va_end(ap);
	return s;
}

static void take(struct list *l, char *word)
{
	l->v = xrealloc(l->v, (l->n + 2) * sizeof(*l->v));
	l->v[l->n++] = word;
	l->v[l->n] = NULL;
}

void list_add(struct list *l, const char *word)
{
	take(l, xstrdup(word));
}

void list_addf(struct list *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	take(l, format(fmt, ap));
	va_end(ap);
}

/* One line on stderr; on a terminal in raw mode it needs its own return. */
static void line(const char *fmt, va_list ap)
{
	char *text = format(fmt, ap);

	dprintf(2, "uml: %s%s\n", text, term_is_raw() ? "\r" : "");
	free(text);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

/* What we cannot do: one line, the terminal as it was, status 125. */
void die(const char *fmt, ...)
{
	va_list ap;

	term_restore();
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	exit(EXIT_OURS);
}

/**
 * clean_text() - text from the guest that we show in our own name
 * @clean: room for twice as much
 *
 * Lines of printable characters, so that it can do nothing to the terminal.
 *
 * Return: how long it is now.
 */
size_t clean_text(char *clean, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '\n' && term_is_raw())
			clean[n++] = '\r';
		if (c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f))
			clean[n++] = c;
		else if (c != '\r')
			clean[n++] = '?';
	}
	return n;
}

void print_clean(int fd, const char *text, size_t len)
{
	char *clean = xrealloc(NULL, len * 2);
	size_t n = clean_text(clean, text, len);

	if (write(fd, clean, n) < 0)
		n = 0;		/* nowhere to say it */
	free(clean);
}

/* The directory that this program lies in. */
const char *self_dir(void)
{
	static char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	return self;
}

/* Milliseconds of a clock that only goes forward. */
long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/**
 * close_on_exec() - descriptors that a program we become shall not have
 * @first: and all above it, whoever opened them
 */
void close_on_exec(unsigned int first)
{
	struct dirent *e;
	DIR *dir;

	if (!close_range(first, ~0U, CLOSE_RANGE_CLOEXEC))
		return;
	/* Before Linux 5.11 */
	dir = opendir("/proc/self/fd");
	if (!dir)
		die("cannot read /proc/self/fd: %s", strerror(errno));
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) && (unsigned int)atoi(e->d_name) >= first)
			fcntl(atoi(e->d_name), F_SETFD, FD_CLOEXEC);
	closedir(dir);
}

/* A decimal number from 0 to @max, and nothing behind it. */
bool parse_number(const char *s, unsigned long max, unsigned long *n)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*n = strtoul(s, &end, 10);
	return !errno && !*end && *n <= max;
}
