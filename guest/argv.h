/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decoder of UML_ARGV, the variable in which the kernel hands the words
 * after "--" on its host command line to /init. The format is told in argv.c.
 */
#ifndef GUEST_ARGV_H
#define GUEST_ARGV_H

int uml_argv_count(const char *encoded);
int uml_argv_decode(char *encoded, char **argv);

#endif
