// SPDX-License-Identifier: GPL-2.0
/*
 * The clock is the host's vDSO, so reading it costs no host system call; it is
 * found as any program finds it, through AT_SYSINFO_EHDR (vdso(7)). A host
 * without one is asked by system call. Timers are POSIX timers that signal a
 * thread.
 */
#include <linux/elf.h>
#include <linux/string.h>
#include <linux/time.h>
#include <uapi/linux/signal.h>
#include "syscall.h"

static int (*vdso_clock_gettime)(int clock, struct __kernel_timespec *ts);

/**
 * host_vdso_init() - find __vdso_clock_gettime
 * @ehdr: the ELF header that AT_SYSINFO_EHDR names, or NULL
 */
void host_vdso_init(const void *ehdr)
{
	const struct elf64_hdr *eh = ehdr;
	const struct elf64_phdr *ph;
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *sym = NULL;
	const char *str = NULL;
	const u32 *hash = NULL;
	unsigned long base = 0;
	u32 i;

	if (!eh)
		return;
	ph = ehdr + eh->e_phoff;
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			base = (unsigned long)ehdr + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dyn = ehdr + ph[i].p_offset;
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *p = (void *)(base + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			sym = p;
		else if (dyn->d_tag == DT_STRTAB)
			str = p;
		else if (dyn->d_tag == DT_HASH)
			hash = p;
	}
	if (!sym || !str || !hash)
		return;
	for (i = 0; i < hash[1]; i++)
		if (sym[i].st_shndx && !strcmp(str + sym[i].st_name, "__vdso_clock_gettime"))
			vdso_clock_gettime = (void *)(base + sym[i].st_value);
}

static u64 clock_ns(int clock)
{
	struct __kernel_timespec ts;

	if (!vdso_clock_gettime || vdso_clock_gettime(clock, &ts))
		host_call(__NR_clock_gettime, clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/**
 * host_monotonic_ns() - the host's CLOCK_MONOTONIC in ns
 */
u64 host_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/**
 * host_realtime_ns() - the host's CLOCK_REALTIME in ns since 1970
 */
u64 host_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/**
 * host_timer_create() - a timer on CLOCK_MONOTONIC that signals one thread
 *
 * Return: timer id or -errno.
 */
int host_timer_create(int signo, int tid)
{
	struct sigevent ev = {
		.sigev_signo = signo,
		.sigev_notify = SIGEV_THREAD_ID,
		._sigev_un._tid = tid,
	};
	int id;
	long err = host_call(__NR_timer_create, CLOCK_MONOTONIC, &ev, &id);

	return err < 0 ? err : id;
}

/**
 * host_timer_set() - arm a timer
 * @timer: from host_timer_create()
 * @deadline_ns: CLOCK_MONOTONIC time of expiry in ns; 0 disarms
 */
int host_timer_set(int timer, u64 deadline_ns)
{
	struct __kernel_itimerspec its = {
		.it_value.tv_sec = deadline_ns / NSEC_PER_SEC,
		.it_value.tv_nsec = deadline_ns % NSEC_PER_SEC,
	};

	return host_call(__NR_timer_settime, timer, TIMER_ABSTIME, &its, NULL);
}

/**
 * host_cpu_ns() - CPU time that a process has used
 *
 * Return: ns, or 0 when the process is gone.
 */
u64 host_cpu_ns(int pid)
{
	struct __kernel_timespec ts;

	/* The clock of a process: clock_getcpuclockid(3). */
	if (host_call(__NR_clock_gettime, ~pid << 3 | 2, &ts))
		return 0;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}
