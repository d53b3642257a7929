// SPDX-License-Identifier: GPL-2.0
/*
 * Host test of the UML_ARGV decoder: known texts, malformed texts, and a
 * round trip of every byte value through an encoder written here from the
 * format's description. Prints what differed; the last line counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "argv.h"

static int passed, failed;

static void check(int good, const char *what)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("failed: %s\n", what);
}

/* @words ends with NULL; NULL itself says that @encoded is malformed. */
static void expect(const char *encoded, const char *const *words)
{
	char *text = strdup(encoded);
	int room = uml_argv_count(text);
	char **argv = calloc(room + 1, sizeof(*argv));
	int argc = uml_argv_decode(text, argv);
	int i, good;

	if (!words) {
		good = argc == -1;
	} else {
		good = argc == room;
		for (i = 0; good && i < argc; i++)
			good = words[i] && !strcmp(words[i], argv[i]);
		good = good && !words[argc] && !argv[argc];
	}
	check(good, encoded);
	free(argv);
	free(text);
}

#define WORDS(...) ((const char *const []){ __VA_ARGS__, NULL })

static void round_trip(void)
{
	const char *plain = "_./=,+@-";
	char raw[256], text[1024], *p = text, *argv[2];
	int c;

	for (c = 1; c < 256; c++) {
		int keep = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			   (c >= 'a' && c <= 'z') || strchr(plain, c);

		raw[c - 1] = c;
		p += sprintf(p, keep ? "%c" : "%%%02X", c);
	}
	raw[255] = 0;
	check(uml_argv_count(text) == 1, "count of one word of all bytes");
	check(uml_argv_decode(text, argv) == 1 && !strcmp(argv[0], raw),
	      "round trip of all bytes");
}

int main(void)
{
	expect("", (const char *const []){ NULL });
	expect("ls", WORDS("ls"));
	expect("sh:-c:echo%20a%3Ab%20%22$x%22", WORDS("sh", "-c", "echo a:b \"$x\""));
	expect("%", WORDS(""));
	expect("printf:%:x:%", WORDS("printf", "", "x", ""));
	expect("%25", WORDS("%"));
	expect("%25%25:%e2%82%AC", WORDS("%%", "\xe2\x82\xac"));
	expect("a%0Ab", WORDS("a\nb"));
	expect("a:", NULL);
	expect(":a", NULL);
	expect("a::b", NULL);
	expect("a%", NULL);
	expect("%4", NULL);
	expect("%G1", NULL);
	expect("%1G", NULL);
	expect("a%00b", NULL);
	expect("%:%4:", NULL);
	round_trip();
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
