// SPDX-License-Identifier: GPL-2.0
/*
 * The environment of a command: what makes a terminal and a language, who one
 * is, and where programs are. In a view of the host's own files PATH is the
 * caller's; elsewhere it is the usual one.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options.h"

#define PATH_DEFAULT	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

extern char **environ;

static const char *const passed[] = {
	"TERM=", "COLORTERM=", "NO_COLOR=", "LANG=", "LANGUAGE=", "LC_", "TZ=", NULL
};

/* --env NAME=VALUE, or NAME for our own value */
void add_env(struct list *env, const char *spec)
{
	const char *value;

	if (*spec == '=' || !*spec)
		die("--env %s: wants NAME=VALUE or NAME", spec);
	if (strchr(spec, '=')) {
		list_add(env, spec);
		return;
	}
	value = getenv(spec);
	if (value)
		list_addf(env, "%s=%s", spec, value);
}

static void set(struct list *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			return;
	if (value)
		list_addf(env, "%s=%s", name, value);
}

static void pass(struct list *env)
{
	for (char **e = environ; *e; e++)
		for (int i = 0; passed[i]; i++)
			if (!strncmp(*e, passed[i], strlen(passed[i])) && strchr(*e, '=')) {
				char *name = xstrdup(*e);

				*strchr(name, '=') = 0;
				set(env, name, strchr(*e, '=') + 1);
				free(name);
			}
}

/**
 * environment() - make the environment of @c
 * @more: what --env asks for; it goes before all else
 * @own_view: the guest's files are the host's
 *
 * With --user the guest says who that is, and sets HOME and its like.
 */
void environment(struct command *c, const struct list *more, bool own_view)
{
	struct list *env = &c->env;

	for (size_t i = more->n; i-- > 0;) {
		char *name = xstrdup(more->v[i]);

		*strchr(name, '=') = 0;
		set(env, name, strchr(more->v[i], '=') + 1);
		free(name);
	}
	pass(env);
	set(env, "TERM", "linux");
	set(env, "PATH", own_view && getenv("PATH") ? getenv("PATH") : PATH_DEFAULT);
	if (!c->user) {
		struct passwd *pw = getenv("USER") && getenv("HOME") ? NULL : getpwuid(c->uid);

		set(env, "HOME", getenv("HOME") ? getenv("HOME") : pw ? pw->pw_dir : "/");
		set(env, "USER", getenv("USER") ? getenv("USER") : pw ? pw->pw_name : NULL);
		set(env, "LOGNAME", getenv("LOGNAME") ? getenv("LOGNAME") : getenv("USER"));
		set(env, "SHELL", own_view ? getenv("SHELL") : NULL);
	}
}
