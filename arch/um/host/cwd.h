/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Host calls that take no directory's descriptor: the directory becomes the
 * working directory, and the one in which the kernel was started becomes it
 * again. Callers see to it that one of them does this at a time.
 */
#ifndef _UM_HOST_CWD_H
#define _UM_HOST_CWD_H

#include "syscall.h"

extern int host_start_dir;

/* One call in this directory. */
#define call_in(dir, ...) ({					\
	long __err = host_call(__NR_fchdir, dir);		\
	if (!__err) {						\
		__err = retry_call(__VA_ARGS__);		\
		host_call(__NR_fchdir, host_start_dir);		\
	}							\
	__err;							\
})

#endif
