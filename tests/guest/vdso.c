// SPDX-License-Identifier: GPL-2.0
/*
 * The vDSO: the clocks and getcpu without a system call. Its functions are
 * found as programs find them, through AT_SYSINFO_EHDR, and compared with the
 * raw system calls.
 */
#include "test.h"
#include <elf.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/user.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* arch/um/include/asm/stub_vdso.h: where the host's own vDSO is in the guest. */
#define STUB_VDSO 0x7c0000100000UL
#define STUB_VDSO_END 0x7c0000800000UL

#define SECOND 1000000000LL

static int (*v_gettime)(clockid_t clock, struct timespec *ts);
static int (*v_getres)(clockid_t clock, struct timespec *ts);
static int (*v_timeofday)(struct timeval *tv, struct timezone *tz);
static time_t (*v_time)(time_t *t);
static long (*v_getcpu)(unsigned int *cpu, unsigned int *node, void *unused);

static const clockid_t clocks[] = {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI,
	CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
};

/* A function of the ELF library at @base that has this version, or NULL. */
static void *lookup(unsigned long base, const char *name, const char *version)
{
	const Elf64_Ehdr *eh = (void *)base;
	const Elf64_Phdr *ph = (void *)(base + eh->e_phoff);
	const Elf64_Verdef *def = NULL;
	const Elf64_Sym *sym = NULL;
	const Elf64_Dyn *dyn = NULL;
	const uint32_t *hash = NULL;
	const uint16_t *ver = NULL;
	const char *str = NULL;
	int index = -1;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (void *)(base + ph[i].p_vaddr);
		if (ph[i].p_type == PT_LOAD)
			CHECK_EQ(ph[i].p_vaddr, 0);
	}
	CHECK(dyn);
	for (; dyn->d_tag != DT_NULL; dyn++) {
		void *p = (void *)(base + dyn->d_un.d_ptr);

		switch (dyn->d_tag) {
		case DT_SYMTAB:
			sym = p;
			break;
		case DT_STRTAB:
			str = p;
			break;
		case DT_HASH:
			hash = p;
			break;
		case DT_VERSYM:
			ver = p;
			break;
		case DT_VERDEF:
			def = p;
			break;
		}
	}
	CHECK(sym && str && hash && ver && def);
	for (;; def = (void *)def + def->vd_next) {
		const Elf64_Verdaux *aux = (void *)def + def->vd_aux;

		if (!(def->vd_flags & VER_FLG_BASE) && !strcmp(str + aux->vda_name, version))
			index = def->vd_ndx;
		if (!def->vd_next)
			break;
	}
	for (uint32_t i = 0; i < hash[1]; i++)
		if (sym[i].st_shndx && !strcmp(str + sym[i].st_name, name) &&
		    (ver[i] & 0x7fff) == index)
			return (void *)(base + sym[i].st_value);
	return NULL;
}

static void find_vdso(void)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);

	CHECK(base);
	CHECK_EQ(base % PAGE, 0);
	CHECK_EQ(memcmp((void *)base, ELFMAG, SELFMAG), 0);
	v_gettime = lookup(base, "__vdso_clock_gettime", "LINUX_2.6");
	v_getres = lookup(base, "__vdso_clock_getres", "LINUX_2.6");
	v_timeofday = lookup(base, "__vdso_gettimeofday", "LINUX_2.6");
	v_time = lookup(base, "__vdso_time", "LINUX_2.6");
	v_getcpu = lookup(base, "__vdso_getcpu", "LINUX_2.6");
	CHECK(v_gettime && v_getres && v_timeofday && v_time && v_getcpu);
}

static int64_t ns(const struct timespec *ts)
{
	CHECK(ts->tv_nsec >= 0 && ts->tv_nsec < SECOND);
	return ts->tv_sec * SECOND + ts->tv_nsec;
}

static int64_t vdso_ns(clockid_t clock)
{
	struct timespec ts = { -1, -1 };

	CHECK_EQ(v_gettime(clock, &ts), 0);
	return ns(&ts);
}

static int64_t call_ns(clockid_t clock)
{
	struct timespec ts = { -1, -1 };

	OK(syscall(SYS_clock_gettime, clock, &ts));
	return ns(&ts);
}

/* The vDSO's time lies between two of the kernel's, and the other way round. */
static void agree(clockid_t clock, int rounds)
{
	int64_t last = call_ns(clock), now;

	for (int i = 0; i < rounds; i++) {
		now = vdso_ns(clock);
		if (now < last)
			test_fail(__FILE__, __LINE__, "clock %d: vDSO %lld, before that %lld",
				  clock, (long long)now, (long long)last);
		last = now;
		now = call_ns(clock);
		if (now < last)
			test_fail(__FILE__, __LINE__, "clock %d: call %lld, before that vDSO %lld",
				  clock, (long long)now, (long long)last);
		last = now;
	}
}

TEST(found_by_name)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR), start = 0;
	char maps[65536], *line;

	find_vdso();
	/* The names of old: weak, the same functions. */
	CHECK(lookup(base, "clock_gettime", "LINUX_2.6") == v_gettime);
	CHECK(lookup(base, "gettimeofday", "LINUX_2.6") == v_timeofday);
	CHECK(lookup(base, "time", "LINUX_2.6") == v_time);
	CHECK(lookup(base, "getcpu", "LINUX_2.6") == v_getcpu);
	OK(slurp("/proc/self/maps", maps, sizeof(maps)));
	CHECK(strstr(maps, "[vvar]"));
	for (line = strtok(maps, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "[vdso]"))
			start = strtoul(line, NULL, 16);
	CHECK_EQ(start, base);
}

/* Where exec puts it changes from one program to the next. */
TEST(address_is_random)
{
	unsigned long first = 0;
	int other = 0;

	for (int i = 0; i < 4; i++) {
		FILE *f = popen("sed -n 's/-.*\\[vdso]//p' /proc/self/maps", "r");
		unsigned long base = 0;

		CHECK(f);
		CHECK_EQ(fscanf(f, "%lx", &base), 1);
		pclose(f);
		CHECK(base);
		first = first ?: base;
		other += base != first;
	}
	CHECK(other);
}

TEST_LIMIT(agrees_with_system_calls, 60)
{
	find_vdso();
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		agree(clocks[i], 10000);
}

TEST(gettimeofday_and_time)
{
	struct timezone tz = { 1, 1 }, want;
	struct timeval a, b, c;
	time_t t;

	find_vdso();
	for (int i = 0; i < 5000; i++) {
		OK(syscall(SYS_gettimeofday, &a, NULL));
		CHECK_EQ(v_timeofday(&b, NULL), 0);
		OK(syscall(SYS_gettimeofday, &c, NULL));
		CHECK(!timercmp(&b, &a, <));
		CHECK(!timercmp(&c, &b, <));
	}
	for (int i = 0; i < 5000; i++) {
		time_t before = syscall(SYS_time, NULL), now = v_time(&t);

		CHECK_EQ(now, t);
		CHECK_GE(now, before);
		CHECK_GE(syscall(SYS_time, NULL), now);
	}
	OK(syscall(SYS_gettimeofday, NULL, &want));
	CHECK_EQ(v_timeofday(NULL, &tz), 0);
	CHECK_EQ(tz.tz_minuteswest, want.tz_minuteswest);
	CHECK_EQ(tz.tz_dsttime, want.tz_dsttime);
}

TEST(getres_getcpu_and_errors)
{
	unsigned int cpu = 99, node = 99, want_cpu, want_node;
	struct timespec a, b;

	find_vdso();
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		CHECK_EQ(v_getres(clocks[i], &a), 0);
		OK(syscall(SYS_clock_getres, clocks[i], &b));
		CHECK_EQ(ns(&a), ns(&b));
		CHECK_EQ(v_getres(clocks[i], NULL), 0);
	}
	if (in_guest()) {
		/* On the host we may be on another CPU by now. */
		CHECK_EQ(v_getcpu(&cpu, &node, NULL), 0);
		OK(syscall(SYS_getcpu, &want_cpu, &want_node, NULL));
		CHECK_EQ(cpu, want_cpu);
		CHECK_EQ(node, want_node);
	}
	CHECK_EQ(v_getcpu(NULL, NULL, NULL), 0);
	/* What it does not know goes to the kernel: other clocks, and errors. */
	CHECK_EQ(v_gettime(CLOCK_PROCESS_CPUTIME_ID, &a), 0);
	CHECK_EQ(v_gettime(CLOCK_THREAD_CPUTIME_ID, &b), 0);
	CHECK(ns(&a) > 0 && ns(&b) > 0);
	CHECK_EQ(v_gettime(77, &a), -EINVAL);
	CHECK_EQ(v_getres(77, &a), -EINVAL);
}

/* From here on the system calls that the vDSO stands for kill the process. */
static void forbid_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettimeofday, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_time, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_getres, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getcpu, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

static void call_all(void)
{
	struct timespec ts;
	struct timeval tv;
	unsigned int cpu;

	forbid_calls();
	for (int n = 0; n < 1000; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
			vdso_ns(clocks[i]);
			CHECK_EQ(v_getres(clocks[i], &ts), 0);
		}
		CHECK_EQ(v_timeofday(&tv, NULL), 0);
		CHECK(v_time(NULL) > 0);
		CHECK_EQ(v_getcpu(&cpu, NULL, NULL), 0);
	}
	/* And so does the C library. */
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
}

TEST(makes_no_system_call)
{
	find_vdso();
	CHILD(bad, forbid_calls(); syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL));
	WAIT_SIGNAL(bad, SIGSYS);
	CHILD(pid, call_all());
	WAIT_OK(pid);
}

/* Setting the clock shows at once, and only in the clocks that it moves. */
TEST(clock_is_set)
{
	struct timespec ts;
	struct timeval tv;
	int64_t real, mono;

	if (!in_guest())
		test_skip("would set the host's clock");
	find_vdso();
	real = vdso_ns(CLOCK_REALTIME);
	mono = vdso_ns(CLOCK_MONOTONIC);
	ts.tv_sec = real / SECOND + 5000;
	ts.tv_nsec = 0;
	OK(clock_settime(CLOCK_REALTIME, &ts));
	CHECK_GE(vdso_ns(CLOCK_REALTIME), ts.tv_sec * SECOND);
	CHECK_GE(vdso_ns(CLOCK_REALTIME_COARSE), ts.tv_sec * SECOND);
	CHECK_GE(v_time(NULL), ts.tv_sec);
	CHECK_LT(vdso_ns(CLOCK_REALTIME), ts.tv_sec * SECOND + 5 * SECOND);
	CHECK_GE(vdso_ns(CLOCK_MONOTONIC), mono);
	CHECK_LT(vdso_ns(CLOCK_MONOTONIC), mono + 5 * SECOND);
	agree(CLOCK_REALTIME, 100);

	tv.tv_sec = real / SECOND;
	tv.tv_usec = real % SECOND / 1000;
	OK(settimeofday(&tv, NULL));
	CHECK_GE(vdso_ns(CLOCK_REALTIME), real / 1000 * 1000);
	CHECK_LT(vdso_ns(CLOCK_REALTIME), real + 5 * SECOND);
	agree(CLOCK_REALTIME, 100);
}

TEST_LIMIT(clock_is_adjusted, 30)
{
	struct timex tx = { .modes = ADJ_SETOFFSET, .time.tv_sec = 100 };
	int64_t real, start, start_raw, fast;

	if (!in_guest())
		test_skip("would adjust the host's clock");
	find_vdso();
	real = vdso_ns(CLOCK_REALTIME);
	OK(adjtimex(&tx));
	CHECK_GE(vdso_ns(CLOCK_REALTIME), real + 100 * SECOND);
	tx.time.tv_sec = -100;
	OK(adjtimex(&tx));
	CHECK_LT(vdso_ns(CLOCK_REALTIME), real + 10 * SECOND);

	tx = (struct timex){ .modes = ADJ_TAI, .constant = 37 };
	OK(adjtimex(&tx));
	real = vdso_ns(CLOCK_REALTIME);
	CHECK_GE(vdso_ns(CLOCK_TAI), real + 37 * SECOND);
	CHECK_LT(vdso_ns(CLOCK_TAI), real + 40 * SECOND);

	/* A tenth faster than the counter, which shows in all clocks but RAW. */
	tx = (struct timex){ .modes = ADJ_TICK, .tick = 11000 };
	OK(adjtimex(&tx));
	sleep_ms(50);
	start_raw = vdso_ns(CLOCK_MONOTONIC_RAW);
	start = vdso_ns(CLOCK_MONOTONIC);
	for (int64_t end = start + SECOND / 2; call_ns(CLOCK_MONOTONIC) < end; ) {
		agree(CLOCK_MONOTONIC, 100);
		agree(CLOCK_REALTIME, 100);
		agree(CLOCK_MONOTONIC_RAW, 100);
	}
	fast = (vdso_ns(CLOCK_MONOTONIC) - start) * 1000 /
	       (vdso_ns(CLOCK_MONOTONIC_RAW) - start_raw);
	tx.tick = 10000;
	OK(adjtimex(&tx));
	CHECK_GE(fast, 1080);
	CHECK_LT(fast, 1120);
}

static void in_namespace(int64_t mono, int64_t boot)
{
	char path[64];
	int fd;

	CHECK_GE(vdso_ns(CLOCK_MONOTONIC), mono + 1000 * SECOND);
	CHECK_LT(vdso_ns(CLOCK_MONOTONIC), mono + 1010 * SECOND);
	CHECK_GE(vdso_ns(CLOCK_MONOTONIC_RAW), 1000 * SECOND);
	CHECK_GE(vdso_ns(CLOCK_BOOTTIME), boot + 2000 * SECOND);
	CHECK_LT(vdso_ns(CLOCK_BOOTTIME), boot + 2010 * SECOND);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		agree(clocks[i], 300);
	CHILD(pid, call_all());
	WAIT_OK(pid);
	/* Back into the parent's; this process maps other pages from now on. */
	snprintf(path, sizeof(path), "/proc/%d/ns/time", getppid());
	fd = OK(open(path, O_RDONLY));
	OK(setns(fd, CLONE_NEWTIME));
	CHECK_LT(vdso_ns(CLOCK_MONOTONIC), mono + 10 * SECOND);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		agree(clocks[i], 300);
}

TEST_LIMIT(time_namespace, 30)
{
	int64_t mono, boot;

	find_vdso();
	if (unshare(CLONE_NEWTIME)) {
		if (errno == EPERM || (errno == EINVAL && !in_guest()))
			test_skip("no time namespace: %s", strerror(errno));
		OK(-1);
	}
	CHECK_EQ(spew("/proc/self/timens_offsets", "monotonic 1000 0\nboottime 2000 0\n"), 0);
	mono = vdso_ns(CLOCK_MONOTONIC);
	boot = vdso_ns(CLOCK_BOOTTIME);
	CHILD(pid, in_namespace(mono, boot));
	CHECK_LT(vdso_ns(CLOCK_MONOTONIC), mono + 10 * SECOND);
	WAIT_OK(pid);
}

static volatile int alarms;

static void on_alarm(int sig, siginfo_t *si, void *uc)
{
	static int64_t last;
	int64_t now = vdso_ns(CLOCK_MONOTONIC);

	CHECK_GE(now, last);
	last = now;
	alarms++;
}

/* Signals that come while it runs find it reentrant and leave it intact. */
TEST(signals_within)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	int64_t last, now;

	find_vdso();
	on_signal(SIGALRM, on_alarm, 0);
	last = vdso_ns(CLOCK_MONOTONIC);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	while (alarms < 100) {
		now = vdso_ns(CLOCK_MONOTONIC);
		CHECK_GE(now, last);
		last = now;
	}
}

/* Nobody but the kernel writes its pages; a program can only hurt itself. */
TEST(pages_are_read_only)
{
	char *image = (char *)getauxval(AT_SYSINFO_EHDR);

	CHILD(write_image, image[0] = 1);
	WAIT_SIGNAL(write_image, SIGSEGV);
	CHILD(write_data, image[-2 * (long)PAGE] = 1);
	WAIT_SIGNAL(write_data, SIGSEGV);
	FAILS(mprotect(image - 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), EACCES);
	if (!in_guest())
		return;
	CHILD(write_host, *(volatile char *)STUB_VDSO = 1);
	WAIT_SIGNAL(write_host, SIGSEGV);
	CHILD(run_host_data, ((void (*)(void))STUB_VDSO)());
	WAIT_SIGNAL(run_host_data, SIGSEGV);
	find_vdso();
	agree(CLOCK_MONOTONIC, 100);
}

/*
 * The host's vDSO, of which ours reads the clock, must ask a kernel where the
 * host's clock cannot be read without one. That call comes to the guest's, and
 * the answer must be the host's time. Made to happen here by a debugger that
 * sets a process down on the instruction.
 */
static unsigned long host_library(void)
{
	/* Pages without data behind them may lie before it: ask the kernel of each. */
	for (unsigned long addr = STUB_VDSO; addr < STUB_VDSO + 64 * PAGE; addr += PAGE) {
		CHILD(pid, _exit(memcmp((void *)addr, ELFMAG, SELFMAG) != 0));
		if (wait_status(pid, 5) == 0)
			return addr;
	}
	test_skip("the host's vDSO is not in reach");
}

TEST(call_of_the_host_library)
{
	struct timespec *shared, before, after;
	int (*host_gettime)(clockid_t clock, struct timespec *ts);
	struct user_regs_struct regs, saved;
	const unsigned char *insn;
	unsigned long base;
	int status;

	if (!in_guest())
		test_skip("for guests only");
	base = host_library();
	host_gettime = lookup(base, "__vdso_clock_gettime", "LINUX_2.6");
	CHECK(host_gettime);
	insn = memmem((void *)base, PAGE, "\x0f\x05", 2);
	if (!insn)
		test_skip("no system call in its first page");
	shared = SHARED(PAGE);
	CHILD(pid,
		OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP));
	status = wait_status(pid, 5);
	CHECK(WIFSTOPPED(status));
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &saved));
	regs = saved;
	regs.rip = (unsigned long)insn;
	regs.rax = SYS_clock_gettime;
	regs.orig_rax = -1;
	regs.rdi = CLOCK_MONOTONIC;
	regs.rsi = (unsigned long)shared;
	OK(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	CHECK_EQ(host_gettime(CLOCK_MONOTONIC, &before), 0);
	OK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	status = wait_status(pid, 5);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTRAP);
	CHECK_EQ(host_gettime(CLOCK_MONOTONIC, &after), 0);
	OK(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	CHECK_EQ(regs.rip, (unsigned long)insn + 2);
	CHECK_EQ(regs.rax, 0);
	CHECK_GE(ns(shared), ns(&before));
	CHECK_GE(ns(&after), ns(shared));
	OK(ptrace(PTRACE_SETREGS, pid, NULL, &saved));
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_OK(pid);
}
