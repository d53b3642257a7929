/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of the guest tests: TEST(name) defines a case, CHECK*() judge.
 *
 * A program may hold any number of cases. lib.c runs each in a process group
 * of its own, with a time limit, and prints one line for it, so a case may
 * crash, hang or be killed without harm to the others. A check that fails
 * prints file, line and values, and ends the process that it fails in with
 * status 1; a child of a case reports that way too (see WAIT_OK).
 */
#ifndef TESTS_GUEST_TEST_H
#define TESTS_GUEST_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void test_register(const char *name, void (*run)(void), int seconds);
__attribute__((format(printf, 1, 2))) void note(const char *fmt, ...);
__attribute__((format(printf, 3, 4), noreturn))
void test_fail(const char *file, int line, const char *fmt, ...);
__attribute__((format(printf, 1, 2), noreturn)) void test_skip(const char *fmt, ...);
bool in_guest(void);
int64_t now_ns(void);
void sleep_ms(int ms);
/* Reads a whole (small) file into @buf, with a NUL at its end. */
ssize_t slurp(const char *path, char *buf, size_t size);
/* Writes @text to the file; 0 or -errno. */
int spew(const char *path, const char *text);
/* Makes a signal handler that stands for one signal only. */
void on_signal(int sig, void (*handler)(int, siginfo_t *, void *), int flags);
__attribute__((noreturn)) void pause_forever(void);
/* Waits for @pid, at most @seconds; returns the wait status. */
int wait_status(pid_t pid, int seconds);

#define TEST_LIMIT(name, seconds)						\
	static void test_##name(void);						\
	__attribute__((constructor)) static void register_##name(void)		\
	{									\
		test_register(#name, test_##name, seconds);			\
	}									\
	static void test_##name(void)
#define TEST(name) TEST_LIMIT(name, 15)

#define CHECK(cond)								\
	do {									\
		if (!(cond))							\
			test_fail(__FILE__, __LINE__, "%s", #cond);		\
	} while (0)

#define CHECK_OP(a, op, b)							\
	do {									\
		long long a__ = (long long)(a), b__ = (long long)(b);		\
		if (!(a__ op b__))						\
			test_fail(__FILE__, __LINE__,				\
				  "%s " #op " %s: %lld (%#llx) against %lld (%#llx)", \
				  #a, #b, a__, a__, b__, b__);			\
	} while (0)
#define CHECK_EQ(a, b) CHECK_OP(a, ==, b)
#define CHECK_NE(a, b) CHECK_OP(a, !=, b)
#define CHECK_LT(a, b) CHECK_OP(a, <, b)
#define CHECK_GE(a, b) CHECK_OP(a, >=, b)

/* The value of a call that must not fail. */
#define OK(call)								\
	({									\
		long ok__ = (long)(call);					\
		if (ok__ == -1)							\
			test_fail(__FILE__, __LINE__, "%s: %s", #call, strerror(errno)); \
		ok__;								\
	})

/* A call that must fail, and how. */
#define FAILS(call, err)							\
	do {									\
		errno = 0;							\
		long fails__ = (long)(call);					\
		if (fails__ != -1 || errno != (err))				\
			test_fail(__FILE__, __LINE__,				\
				  "%s gave %ld (%s), wanted " #err, #call, fails__, strerror(errno)); \
	} while (0)

/* A mapping that must succeed. */
#define MAP(addr, len, prot, flags, fd, off)					\
	((void *)OK(mmap(addr, len, prot, flags, fd, off)))
#define ANON(len) MAP(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
#define SHARED(len) MAP(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)

/* The child must end with this exit code, or by this signal. */
#define WAIT_EXIT(pid, code)							\
	do {									\
		int st__ = wait_status(pid, 10);				\
		if (!WIFEXITED(st__) || WEXITSTATUS(st__) != (code))		\
			test_fail(__FILE__, __LINE__,				\
				  "child's wait status %#x, wanted exit %s", st__, #code); \
	} while (0)
#define WAIT_OK(pid) WAIT_EXIT(pid, 0)
#define WAIT_SIGNAL(pid, sig)							\
	do {									\
		int st__ = wait_status(pid, 10);				\
		if (!WIFSIGNALED(st__) || WTERMSIG(st__) != (sig))		\
			test_fail(__FILE__, __LINE__,				\
				  "child's wait status %#x, wanted " #sig, st__); \
	} while (0)

/* Runs the block in a child that ends with 0 behind it. */
#define CHILD(pid, ...)								\
	pid_t pid = OK(fork());							\
	if (pid == 0) {								\
		__VA_ARGS__;							\
		_exit(0);							\
	}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL

#endif
