// SPDX-License-Identifier: GPL-2.0
/*
 * Decoder of UML_ARGV.
 *
 * The kernel gives the words that followed "--" on its host command line to
 * /init in one environment variable, so that no shell and no splitting at
 * blanks stands between. Words are joined by ':'. In a word every byte other
 * than [A-Za-z0-9_./=:,+@-] is written %XX, ':' itself too, and an empty word
 * is a lone '%'. An empty variable means no words.
 *
 * Decoding happens in place: a decoded word is never longer than its encoded
 * form. This file needs nothing of a libc, so that /init and a test program
 * on the host are built from the same source.
 */
#include "argv.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The number of words in @encoded: the size that argv needs, less its end. */
int uml_argv_count(const char *encoded)
{
	int words = 1;

	if (!*encoded)
		return 0;
	for (; *encoded; encoded++)
		words += *encoded == ':';
	return words;
}

/*
 * Decode the word at *@in to *@out and end it with a NUL. The terminator that
 * was read comes back, or -1 for a malformed word: an empty one, a bad escape,
 * or an escaped NUL, which no argument can hold.
 */
static int decode_word(char **in, char **out)
{
	char *p = *in, *q = *out;
	int end;

	if (p[0] == '%' && (p[1] == ':' || !p[1])) {
		p++;
	} else {
		if (*p == ':' || !*p)
			return -1;
		while (*p && *p != ':') {
			int high, low;

			if (*p != '%') {
				*q++ = *p++;
				continue;
			}
			high = hex_value(p[1]);
			low = high < 0 ? -1 : hex_value(p[2]);
			if (low < 0 || high + low == 0)
				return -1;
			*q++ = high * 16 + low;
			p += 3;
		}
	}
	end = *p;
	*q++ = 0;
	*in = p + 1;
	*out = q;
	return end;
}

/*
 * Decode @encoded in place and point @argv, which has room for
 * uml_argv_count() + 1 pointers, at the words. Returns their number, or -1
 * when the text is malformed.
 */
int uml_argv_decode(char *encoded, char **argv)
{
	char *in = encoded, *out = encoded;
	int argc = 0, end = *encoded;

	while (end) {
		argv[argc] = out;
		end = decode_word(&in, &out);
		if (end < 0)
			return -1;
		argc++;
	}
	argv[argc] = (void *)0;
	return argc;
}
