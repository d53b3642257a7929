/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the generic clock functions of the vDSO (lib/vdso/gettimeofday.c) ask
 * of a port: the counter, the data pages, and the system calls for what the
 * vDSO cannot answer. Compiled for guest programs.
 */
#ifndef _ASM_UM_VDSO_GETTIMEOFDAY_H
#define _ASM_UM_VDSO_GETTIMEOFDAY_H

#ifndef __ASSEMBLY__

#include <uapi/linux/time.h>
#include <asm/unistd.h>
#include <asm/vdso/syscall.h>

#define VDSO_HAS_TIME		1
#define VDSO_HAS_CLOCK_GETRES	1

static __always_inline long clock_gettime_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_syscall(__NR_clock_gettime, clock, ts);
}

static __always_inline long clock_getres_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_syscall(__NR_clock_getres, clock, ts);
}

static __always_inline long gettimeofday_fallback(struct __kernel_old_timeval *tv,
						  struct timezone *tz)
{
	return vdso_syscall(__NR_gettimeofday, (long)tv, tz);
}

/*
 * The counter is the host's CLOCK_MONOTONIC in ns, as the kernel's clock source
 * is. The host's function lies in the stub area of the space. It fails only
 * when it has to make a system call and the program forbids itself that one.
 */
static __always_inline u64 __arch_get_hw_counter(s32 mode, const struct vdso_data *vd)
{
	int (*host_clock)(clockid_t clock, struct __kernel_timespec *ts) =
		(void *)vd->arch_data.host_clock;
	struct __kernel_timespec ts;

	if (unlikely(host_clock(CLOCK_MONOTONIC, &ts)))
		return 0;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline bool um_vdso_cycles_ok(u64 cycles)
{
	return cycles;
}
#define vdso_cycles_ok um_vdso_cycles_ok

static __always_inline const struct vdso_data *__arch_get_vdso_data(void)
{
	return _vdso_data;
}

#ifdef CONFIG_TIME_NS
static __always_inline
const struct vdso_data *__arch_get_timens_vdso_data(const struct vdso_data *vd)
{
	return _timens_data;
}
#endif

#endif
#endif
