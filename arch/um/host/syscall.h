/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Host system calls, raw: x86-64 numbers and registers (syscall(2)), the
 * result is -errno on failure. Private to arch/um/host.
 */
#ifndef _UM_HOST_SYSCALL_H
#define _UM_HOST_SYSCALL_H

#include <linux/types.h>
#include <linux/errno.h>
#include <asm/unistd.h>
#include <asm/host.h>

static __always_inline long host_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/* Missing arguments are zero. */
#define HOST_ARGS(nr, a, b, c, d, e, f, ...) \
	host_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define host_call(nr, ...) HOST_ARGS(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* Again, when a signal came first. */
#define retry_call(...) ({					\
	long __ret;						\
	do {							\
		__ret = host_call(__VA_ARGS__);			\
	} while (__ret == -EINTR);				\
	__ret;							\
})

struct __kernel_timespec;
extern int (*host_vdso_clock)(int clock, struct __kernel_timespec *ts);

#endif
