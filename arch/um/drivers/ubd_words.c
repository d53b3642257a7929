// SPDX-License-Identifier: GPL-2.0
/*
 * The words of a ubd option, FLAGS=FILE[,BACKING[,SERIAL]], as a struct ubd_spec.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "ubd.h"

/* Up to the next ',' or ':', but the one in fd:N; NULL for an empty name. */
static char *next_name(char **rest)
{
	char *name = *rest, *end;

	if (!name)
		return NULL;
	end = name;
	if (!strncmp(name, "fd:", 3) && isdigit(name[3]))
		end += 3;
	end = strpbrk(end, ",:");
	if (end)
		*end++ = 0;
	*rest = end;
	return *name ? name : NULL;
}

/* A letter each; returns one that is unknown, or 0. */
static char read_flags(struct ubd_spec *spec, const char *flags)
{
	for (; *flags; flags++) {
		switch (*flags) {
		case 'r':
			spec->readonly = true;
			break;
		case 's':
			spec->sync = true;
			break;
		case 'd':
			spec->raw = true;
			break;
		case 'c':
			spec->shared = true;
			break;
		case 't':
			spec->no_discard = true;
			break;
		default:
			return *flags;
		}
	}
	return 0;
}

/**
 * ubd_read_words() - what stands before and behind the '=' of an option
 * @spec:	is filled in; points into @value
 * @flags:	letters
 * @value:	FILE[,BACKING[,SERIAL]]; is cut into its words
 * @why:	UBD_WHY_LEN bytes, for a sentence when it fails
 *
 * Return: 0 or -EINVAL.
 */
int ubd_read_words(struct ubd_spec *spec, const char *flags, char *value, char *why)
{
	char bad;

	*spec = (struct ubd_spec){ };
	bad = read_flags(spec, flags);
	if (bad) {
		snprintf(why, UBD_WHY_LEN, "unknown flag '%c'; flags are r, s, d, c and t", bad);
		return -EINVAL;
	}
	spec->file = next_name(&value);
	spec->backing = next_name(&value);
	spec->serial = next_name(&value);
	if (!spec->file)
		snprintf(why, UBD_WHY_LEN, "names no file");
	else if (value)
		snprintf(why, UBD_WHY_LEN, "'%s' is too much behind FILE,BACKING,SERIAL", value);
	else if (spec->backing && spec->raw)
		snprintf(why, UBD_WHY_LEN,
			 "flag d says that it is no COW file, but %s is its backing file",
			 spec->backing);
	else
		return 0;
	return -EINVAL;
}
