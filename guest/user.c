// SPDX-License-Identifier: GPL-2.0
/*
 * Who a command runs as: NAME or a number, with ":GROUP" behind it if another
 * group than the user's own is wanted, looked up in the guest's /etc/passwd and
 * /etc/group. A number that they do not know is taken as it is.
 */
#include "guest.h"

#define FILE_MAX	(1024 * 1024)
#define GROUPS_MAX	256

/* A whole small file with a NUL behind it, or NULL. */
static char *load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), len = 0, n;
	char *text;

	if (fd < 0)
		return NULL;
	text = malloc(FILE_MAX + 1);
	while (text && (n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += n;
	if (text)
		text[len] = 0;
	close(fd);
	return text;
}

/* The next line of @text, taken apart at its colons; the number of fields. */
static int next_line(char **text, char **field, int max)
{
	char *p = *text, *end;
	int n = 0;

	if (!p || !*p)
		return -1;
	end = strchr(p, '\n');
	if (end)
		*end++ = 0;
	*text = end;
	while (n < max) {
		field[n++] = p;
		p = strchr(p, ':');
		if (!p)
			break;
		*p++ = 0;
	}
	return n;
}

/* 0 and the number, or -1. */
static int number(const char *s, uint32_t *n)
{
	uint64_t v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + *s - '0';
		if (v > 0xfffffffe)
			return -1;
	}
	*n = v;
	return 0;
}

static int find_group(const char *name, uint32_t *gid)
{
	char *text = load("/etc/group"), *f[4];
	int n;

	while ((n = next_line(&text, f, 4)) >= 0)
		if (n >= 3 && !strcmp(f[0], name))
			return number(f[2], gid);
	return number(name, gid);
}

/* Is @name in the list @members, which has commas? */
static int is_member(const char *members, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = members; p; p = strchr(p, ',')) {
		if (*p == ',')
			p++;
		if (!strncmp(p, name, len) && (!p[len] || p[len] == ','))
			return 1;
	}
	return 0;
}

static void find_groups(struct user *user, const char *name)
{
	char *text = load("/etc/group"), *f[4];
	int n;

	while ((n = next_line(&text, f, 4)) >= 0)
		if (n == 4 && user->ngroups < GROUPS_MAX && is_member(f[3], name) &&
		    !number(f[2], &user->groups[user->ngroups]))
			user->ngroups++;
}

static void set_default(const char *name, const char *value)
{
	if (!getenv(name))
		set_variable(name, value);
}

/**
 * find_user() - look up "USER[:GROUP]" and set HOME and its like, if not set
 *
 * Return: 0, or -1: ENOENT where there is none.
 */
int find_user(struct user *user, const char *spec)
{
	char *text = load("/etc/passwd"), *name = strdup(spec), *group, *f[7];
	uint32_t uid;
	int n, found = 0, numeric;

	user->groups = malloc(GROUPS_MAX * sizeof(*user->groups));
	user->ngroups = 0;
	user->gid = 0;
	if (!name || !user->groups)
		return -1;
	group = strchr(name, ':');
	if (group)
		*group++ = 0;
	numeric = !number(name, &uid);
	if (numeric)
		user->uid = uid;
	while (!found && (n = next_line(&text, f, 7)) >= 0) {
		if (n < 7 || number(f[2], &uid))
			continue;
		found = !strcmp(f[0], name) || (numeric && uid == user->uid);
	}
	if (found) {
		user->uid = uid;
		number(f[3], &user->gid);
		find_groups(user, f[0]);
		set_default("HOME", f[5]);
		set_default("USER", f[0]);
		set_default("LOGNAME", f[0]);
		if (*f[6])
			set_default("SHELL", f[6]);
	}
	errno = ENOENT;
	if (!found && !numeric)
		return -1;
	set_default("HOME", "/");
	return group ? find_group(group, &user->gid) : 0;
}

/**
 * become_user() - take on the ids, and with them what they may do
 *
 * Return: 0, or -1 and errno.
 */
int become_user(const struct user *user)
{
	long err;

	err = my_syscall2(__NR_setgroups, user->ngroups, user->groups);
	if (!err)
		err = my_syscall3(__NR_setresgid, user->gid, user->gid, user->gid);
	if (!err)
		err = my_syscall3(__NR_setresuid, user->uid, user->uid, user->uid);
	errno = -err;
	return err ? -1 : 0;
}
