/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For cases about exec: EXECED(name) is a main() that the program runs when
 * it is executed again as "SELF exec:NAME ARGS...".
 */
#ifndef TESTS_GUEST_EXEC_H
#define TESTS_GUEST_EXEC_H

#define SELF "/proc/self/exe"

void exec_register(const char *name, int (*run)(int argc, char **argv));

#define EXECED(name)								\
	static int exec_##name(int argc, char **argv);				\
	__attribute__((constructor)) static void register_exec_##name(void)	\
	{									\
		exec_register(#name, exec_##name);				\
	}									\
	static int exec_##name(int argc, char **argv)

#endif
