// SPDX-License-Identifier: GPL-2.0
/*
 * System calls from one place, again and again. A kernel may patch such a place
 * in the program's own copy of its text; nobody may notice but by reading
 * exactly those bytes.
 */
#include "test.h"
#include <sys/ptrace.h>

#define MANY	1000
#define SITE	7		/* mov $NR, %eax; syscall */

extern char hot_getppid[], hot_read[];

/* long hot_getppid(void), long hot_read(int fd, void *buf, size_t n) */
asm(".pushsection .text\n"
    ".balign 16\n"
    "hot_getppid:\n"
    "	movl	$110, %eax\n"
    "	syscall\n"
    "	ret\n"
    ".balign 16\n"
    "hot_read:\n"
    "	movl	$0, %eax\n"
    "	syscall\n"
    "	ret\n"
    ".popsection\n");

/*
 * What libc's read() and syscall() end in: two bytes before the instruction and
 * a gap behind, which may be patched; and one that takes an argument from the
 * stack.
 */
extern char short_read[], short_syscall[], short_gap[], short_end[], stack_call[];

asm(".pushsection .text\n"
    ".balign 16\n"
    "short_read:\n"
    "	.nops	9\n"
    "	xorl	%eax, %eax\n"
    "short_syscall:\n"
    "	syscall\n"
    "	cmpq	$-4096, %rax\n"
    "	ja	1f\n"
    "	ret\n"
    "short_gap:\n"
    "	.byte	0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
    ".balign 16\n"
    "short_end:\n"
    "1:	ret\n"
    ".balign 16\n"
    /* long stack_call(long nr, ..., arguments 1 to 5 in their registers; 6) */
    "stack_call:\n"
    "	movq	%rdi, %rax\n"
    "	movq	%rsi, %rdi\n"
    "	movq	%rdx, %rsi\n"
    "	movq	%rcx, %rdx\n"
    "	movq	%r8, %r10\n"
    "	movq	%r9, %r8\n"
    "	movq	8(%rsp), %r9\n"
    "	syscall\n"
    "	ret\n"
    ".popsection\n");

#define SHORT_SIZE (short_end - short_read)

static long call_short(int fd, void *buf, size_t n)
{
	return ((long (*)(int, void *, size_t))short_read)(fd, buf, n);
}

static long call_getppid(void)
{
	return ((long (*)(void))hot_getppid)();
}

static long call_read(int fd, void *buf, size_t n)
{
	return ((long (*)(int, void *, size_t))hot_read)(fd, buf, n);
}

TEST(results_stay_right)
{
	pid_t parent = getppid();

	for (int i = 0; i < MANY; i++)
		CHECK_EQ(call_getppid(), parent);
	CHILD(pid,
		parent = getppid();
		for (int i = 0; i < MANY; i++)
			CHECK_EQ(call_getppid(), parent));
	WAIT_OK(pid);
}

TEST(other_text_stays)
{
	static unsigned char before[4096], after[4096];
	unsigned char *page = (unsigned char *)((uintptr_t)hot_getppid & ~4095UL);
	size_t at = (unsigned char *)hot_getppid - page;

	memcpy(before, page, sizeof(before));
	for (int i = 0; i < MANY; i++)
		call_getppid();
	memcpy(after, page, sizeof(after));
	/* The syscall instruction itself is always there. */
	CHECK_EQ(after[at + 5], 0x0f);
	CHECK_EQ(after[at + 6], 0x05);
	memcpy(after + at, before + at, SITE - 2);
	/* hot_read is in the same page and may be hot in another case only. */
	CHECK(!memcmp(before, after, sizeof(before)));
}

TEST(file_stays)
{
	static unsigned char text[SITE], file[1 << 21];
	ssize_t n;
	int fd;

	memcpy(text, hot_getppid, SITE);
	for (int i = 0; i < MANY; i++)
		call_getppid();
	fd = OK(open("/proc/self/exe", O_RDONLY));
	n = OK(read(fd, file, sizeof(file)));
	CHECK(memmem(file, n, text, SITE));
}

TEST(registers_stay)
{
	for (int i = 0; i < MANY; i++) {
		unsigned long r12 = i, r15 = ~i, di = 3, si = 4, dx = 5, flags, x0, x15;

		asm volatile("movq %[in], %%xmm0\n movq %[in], %%xmm15\n"
			     "movq %[in], %%r12\n movq %[ni], %%r15\n"
			     "stc\n"
			     "call hot_getppid\n"
			     "pushfq\n popq %[flags]\n"
			     "movq %%r12, %[r12]\n movq %%r15, %[r15]\n"
			     "movq %%xmm0, %[x0]\n movq %%xmm15, %[x15]\n"
			     : [flags] "=&b" (flags), [r12] "=&m" (r12), [r15] "=&m" (r15),
			       [x0] "=&m" (x0), [x15] "=&m" (x15),
			       "+D" (di), "+S" (si), "+d" (dx)
			     : [in] "r" ((long)i), [ni] "r" (~(long)i)
			     : "rax", "rcx", "r11", "r12", "r15", "xmm0", "xmm15", "memory");
		CHECK_EQ(r12, i);
		CHECK_EQ(r15, ~(long)i);
		CHECK_EQ(x0, i);
		CHECK_EQ(x15, i);
		CHECK_EQ(di, 3);
		CHECK_EQ(si, 4);
		CHECK_EQ(dx, 5);
		CHECK_EQ(flags & 1, 1);
	}
}

static void nothing(int sig, siginfo_t *si, void *uc)
{
}

static void restarted(long (*hot)(int fd, void *buf, size_t n))
{
	int fds[2];
	char c;

	OK(pipe(fds));
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(hot(fds[0], &c, 1), 1);
	}
	on_signal(SIGUSR1, nothing, SA_RESTART);
	CHILD(pid,
		sleep_ms(100);
		OK(kill(getppid(), SIGUSR1));
		sleep_ms(100);
		CHECK_EQ(write(fds[1], "y", 1), 1));
	CHECK_EQ(hot(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	WAIT_OK(pid);
}

TEST(restarted_after_a_signal)
{
	restarted(call_read);
}

TEST(a_tracer_finds_the_text)
{
	unsigned char text[8], seen[8];
	long word;
	int status;

	memcpy(text, hot_getppid, sizeof(text));
	CHILD(pid,
		for (;;)
			call_getppid());
	sleep_ms(200);
	OK(ptrace(PTRACE_SEIZE, pid, 0, 0));
	OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, hot_getppid, 0);
	CHECK_EQ(errno, 0);
	memcpy(seen, &word, sizeof(seen));
	CHECK(!memcmp(text, seen, sizeof(text)));

	/* A breakpoint on the syscall instruction, hit from there on. */
	word = (word & ~(0xffL << 40)) | 0xccL << 40;
	OK(ptrace(PTRACE_POKETEXT, pid, hot_getppid, word));
	OK(ptrace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, 16 * 8, 0), (long)hot_getppid + 6);
	OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

TEST(stepped_through)
{
	int status, steps;

	CHILD(pid,
		for (int i = 0; i < MANY; i++)
			call_getppid();
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		for (int i = 0; i < 20; i++)
			call_getppid();
		_exit(7));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	for (steps = 0; steps < 20000; steps++) {
		OK(ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		CHECK_EQ(WSTOPSIG(status), SIGTRAP);
	}
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

TEST(short_ones)
{
	int fd = OK(open("/proc/self/exe", O_RDONLY));
	unsigned char c, d;

	CHECK_EQ(short_end - short_gap, 10);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(call_short(fd, &c, 1), 1);
		CHECK_EQ(pread(fd, &d, 1, i), 1);
		CHECK_EQ(c, d);
		CHECK_EQ(call_short(-1, &c, 1), -EBADF);
	}
	CHILD(pid,
		for (int i = MANY; i < 2 * MANY; i++) {
			CHECK_EQ(call_short(fd, &c, 1), 1);
			CHECK_EQ(pread(fd, &d, 1, i), 1);
			CHECK_EQ(c, d);
		});
	WAIT_OK(pid);
	/* Jumped to, the instruction itself works. */
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(((long (*)(int, void *, size_t))short_syscall)(-1, &c, 1) < 0, 1);
}

TEST(short_ones_are_restarted)
{
	restarted(call_short);
}

TEST(arguments_from_the_stack)
{
	long (*call)(long, ...) = (long (*)(long, ...))stack_call;
	int fd = OK(open("/proc/self/exe", O_RDONLY));

	for (int i = 0; i < MANY; i++) {
		char *p = (char *)call(SYS_mmap, 0L, 4096L, (long)PROT_READ, (long)MAP_PRIVATE,
				       (long)fd, (i & 1) * 4096L);

		CHECK((long)p > 0);
		CHECK_EQ(memcmp(p, "\177ELF", 4) == 0, !(i & 1));
		CHECK_EQ(call(SYS_munmap, p, 4096L), 0);
	}
}

/* A tracer comes and goes while a program is anywhere in such a place. */
TEST(short_ones_under_tracers)
{
	unsigned char text[128], seen[128];
	int status;

	memcpy(text, short_read, SHORT_SIZE);
	CHILD(pid,
		for (;;) {
			char c;

			if (call_short(-1, &c, 1) != -EBADF)
				_exit(3);
		});
	for (int i = 0; i < 100; i++) {
		sleep_ms(10);
		OK(ptrace(PTRACE_SEIZE, pid, 0, 0));
		OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSTOPPED(status));
		for (int at = 0; at < SHORT_SIZE; at += 8) {
			long word;

			errno = 0;
			word = ptrace(PTRACE_PEEKTEXT, pid, short_read + at, 0);
			CHECK_EQ(errno, 0);
			memcpy(seen + at, &word, sizeof(word));
		}
		CHECK(!memcmp(text, seen, SHORT_SIZE));
		OK(ptrace(PTRACE_DETACH, pid, 0, 0));
	}
	OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

/* A program that writes to its text: the number that it finds there counts. */
TEST(number_that_is_changed)
{
	uintptr_t page = (uintptr_t)hot_getppid & ~4095UL;
	uint32_t nr;

	for (int i = 0; i < MANY; i++)
		call_getppid();
	OK(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	memcpy(&nr, hot_getppid + 1, sizeof(nr));
	CHECK_EQ(nr, SYS_getppid);
	/* A part of it, as a program might that knows the old one. */
	hot_getppid[1] = SYS_getpid;
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(call_getppid(), getpid());
	OK(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC));
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(call_getppid(), getpid());
}
