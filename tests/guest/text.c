// SPDX-License-Identifier: GPL-2.0
/*
 * The text of a program that is begun again and again. A kernel may run it from a copy
 * in which CPUID and system calls are jumps; nobody may notice but by the time it takes,
 * and by a look with loads of its own.
 */
#include "test.h"
#include "exec.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

#define TIMES	6		/* it is begun, until there is a copy */
#define MOV	0xb8
#define JMP	0xe9

/*
 * void plain_N(struct cpuid *), and the same by moves that are shorter than a jump; none
 * of it may be replaced in asked(), where a push comes before. long improved_read(...).
 */
#define SAVE	"	pushq	%rbx\n	movq	%rdi, %r8\n"
#define STORE	"	movl	%eax, (%r8)\n	movl	%ebx, 4(%r8)\n"		\
		"	movl	%ecx, 8(%r8)\n	movl	%edx, 12(%r8)\n"	\
		"	popq	%rbx\n	ret\n"
#define FUNCTION(name, body)						\
	asm(".pushsection .text\n.balign 16\n" #name ":\n.cfi_startproc\n" body	\
	    ".cfi_endproc\n.popsection\n")

struct cpuid {
	uint32_t a, b, c, d;
};

void plain_0(struct cpuid *to);
void plain_1(struct cpuid *to);
void plain_7(struct cpuid *to);
void plain_d(struct cpuid *to);
void plain_ext(struct cpuid *to);
void plain_none(struct cpuid *to);
void short_moves(struct cpuid *to, uint32_t leaf, uint32_t subleaf);
void asked(struct cpuid *to, uint32_t leaf, uint32_t subleaf);
long improved_read(int fd, void *buf, size_t n);
extern unsigned char plain_site[], read_site[];

FUNCTION(plain_0, SAVE "plain_site: movl $0, %eax\n xorl %ecx, %ecx\n cpuid\n" STORE);
FUNCTION(plain_1, SAVE "xorl %ecx, %ecx\n movl $1, %eax\n cpuid\n" STORE);
FUNCTION(plain_7, SAVE "movl $7, %eax\n xorl %ecx, %ecx\n cpuid\n" STORE);
FUNCTION(plain_d, SAVE "movl $0xd, %eax\n movl $1, %ecx\n cpuid\n" STORE);
FUNCTION(plain_ext, SAVE "movl $0x80000000, %eax\n cpuid\n" STORE);
FUNCTION(plain_none, SAVE "movl $0x7fffffff, %eax\n movl $-1, %ecx\n cpuid\n" STORE);
FUNCTION(short_moves, SAVE "movl %edx, %ecx\n movl %esi, %eax\n cpuid\n" STORE);
FUNCTION(asked, SAVE "movl %edx, %ecx\n movl %esi, %eax\n pushq %rdi\n cpuid\n"
	 "leaq 8(%rsp), %rsp\n" STORE);
FUNCTION(improved_read, "read_site: movl $0, %eax\n syscall\n ret\n");

/* Registers, flags and the bytes below the stack pointer across CPUID. */
long changes(void);
FUNCTION(changes,
	 "pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
	 "movq $0x1111, %rsi\n movq $0x2222, %rdi\n movq $0x3333, %r8\n movq $0x4444, %r9\n"
	 "movq $0x5555, %r10\n movq $0x6666, %r11\n movq $0x7777, %r12\n"
	 "movq $0x8888, %r13\n movq $0x9999, %r14\n movq $0xaaaa, %r15\n movq $0xbbbb, %rbp\n"
	 "movq $0xcccc, -8(%rsp)\n movq $0xdddd, -128(%rsp)\n"
	 "movq $-1, %rbx\n movq $-1, %rdx\n"
	 "std\n stc\n"
	 "movl $1, %eax\n cpuid\n"
	 "movl $0, %eax\n"
	 "jnc 9f\n"
	 "pushfq\n popq %rcx\n cld\n testl $0x400, %ecx\n jz 9f\n"
	 "shrq $32, %rbx\n jnz 9f\n shrq $32, %rdx\n jnz 9f\n"
	 "cmpq $0x1111, %rsi\n jne 9f\n cmpq $0x2222, %rdi\n jne 9f\n"
	 "cmpq $0x3333, %r8\n jne 9f\n cmpq $0x4444, %r9\n jne 9f\n"
	 "cmpq $0x5555, %r10\n jne 9f\n cmpq $0x6666, %r11\n jne 9f\n"
	 "cmpq $0x7777, %r12\n jne 9f\n cmpq $0x8888, %r13\n jne 9f\n"
	 "cmpq $0x9999, %r14\n jne 9f\n cmpq $0xaaaa, %r15\n jne 9f\n"
	 "cmpq $0xbbbb, %rbp\n jne 9f\n"
	 "cmpq $0xdddd, -128(%rsp)\n jne 9f\n"
	 "movl $1, %eax\n"
	 "9: cld\n xorl $1, %eax\n"
	 "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n popq %rbx\n ret\n");

static unsigned char seen(const unsigned char *site)
{
	return *(volatile const unsigned char *)site;
}

/* Is it to be improved here, when it was begun often? */
static bool expected(void)
{
	char line[4096], cpu[4096];

	slurp("/proc/cmdline", line, sizeof(line));
	slurp("/proc/cpuinfo", cpu, sizeof(cpu));
	return in_guest() && strstr(cpu, "seccomp") && !strstr(line, "notext");
}

EXECED(text_nothing)
{
	return 0;
}

/* Begin ourselves until the kernel has had every reason to improve the text. */
static void begin_often(void)
{
	sleep_ms(50);		/* a file that was just made is left alone */
	for (int i = 0; i < TIMES; i++) {
		CHILD(pid, execl(SELF, "self", "exec:text_nothing", NULL));
		WAIT_OK(pid);
	}
}

#define BEGUN(name, status)							\
	do {									\
		begin_often();							\
		CHILD(pid__, execl(SELF, "self", "exec:text_" name, NULL));		\
		WAIT_EXIT(pid__, status);					\
	} while (0)

EXECED(text_first_byte)
{
	return seen(plain_site) == seen(read_site) ? seen(plain_site) : 0;
}

TEST(it_is_improved)
{
	BEGUN("first_byte", expected() ? JMP : MOV);
}

EXECED(text_compare)
{
	static const struct {
		void (*plain)(struct cpuid *to);
		uint32_t leaf, subleaf;
	} leaves[] = {
		{ plain_0, 0, 0 }, { plain_1, 1, 0 }, { plain_7, 7, 0 }, { plain_d, 0xd, 1 },
		{ plain_ext, 0x80000000, 0 }, { plain_none, 0x7fffffff, -1 },
	};
	struct cpuid is, was;

	for (int i = 0; i < 6; i++) {
		leaves[i].plain(&is);
		asked(&was, leaves[i].leaf, leaves[i].subleaf);
		if (leaves[i].leaf == 1)	/* the number of the CPU */
			is.b &= 0xffffff, was.b &= 0xffffff;
		if (memcmp(&is, &was, sizeof(is)))
			return 10 + i;
		for (uint32_t sub = 0; sub < 12; sub++) {
			uint32_t leaf = leaves[i].leaf + i % 2 * 3;

			short_moves(&is, leaf, sub);
			asked(&was, leaf, sub);
			if (leaf == 1)
				is.b &= 0xffffff, was.b &= 0xffffff;
			if (memcmp(&is, &was, sizeof(is)))
				return 20 + i;
		}
	}
	return 0;
}

TEST(cpuid_says_the_same)
{
	BEGUN("compare", 0);
}

EXECED(text_changes)
{
	return changes();
}

TEST(nothing_else_changes)
{
	BEGUN("changes", 0);
}

EXECED(text_as_in_file)
{
	unsigned char is[16], by_call[16];
	struct iovec to = { by_call, sizeof(by_call) }, from = { plain_site, sizeof(by_call) };
	int fd = open("/proc/self/mem", O_RDONLY);

	if (pread(fd, is, sizeof(is), (uintptr_t)plain_site) != sizeof(is) ||
	    process_vm_readv(getpid(), &to, 1, &from, 1, 0) != sizeof(by_call))
		return 1;
	return is[0] == MOV && by_call[0] == MOV ? 0 : 2;
}

TEST(the_kernel_reads_the_files)
{
	BEGUN("as_in_file", 0);
}

static int pipe_fds[2];

static void write_later(int sig, siginfo_t *info, void *uc)
{
	static int times;

	if (++times == 2 && write(pipe_fds[1], "x", 1) != 1)
		_exit(3);
	ualarm(100000, 0);
}

/* A call that is interrupted twice and started again: at its own instruction. */
EXECED(text_restart)
{
	char c = 0;

	if (pipe(pipe_fds))
		return 1;
	on_signal(SIGALRM, write_later, SA_RESTART);
	ualarm(100000, 0);
	return improved_read(pipe_fds[0], &c, 1) == 1 && c == 'x' ? 0 : 2;
}

TEST(calls_are_started_again)
{
	BEGUN("restart", 0);
}

TEST(traced_from_the_start)
{
	begin_often();
	CHILD(pid,
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		execl(SELF, "self", "exec:text_first_byte", NULL));
	for (int status = 0; !WIFEXITED(status); ) {
		status = wait_status(pid, 10);
		if (WIFSTOPPED(status))
			OK(ptrace(PTRACE_CONT, pid, 0, 0));
		else
			CHECK_EQ(WEXITSTATUS(status), MOV);
	}
}

static volatile sig_atomic_t told;

static void tell(int sig, siginfo_t *info, void *uc)
{
	told = 1;
}

EXECED(text_wait_for_tracer)
{
	struct cpuid is, was;

	if (seen(plain_site) != (expected() ? JMP : MOV))
		return 1;
	on_signal(SIGUSR1, tell, 0);
	while (!told || seen(plain_site) != MOV)
		plain_0(&is);
	asked(&was, 0, 0);
	plain_0(&is);
	return memcmp(&is, &was, sizeof(is)) ? 2 : 0;
}

TEST(traced_later)
{
	begin_often();
	CHILD(pid, execl(SELF, "self", "exec:text_wait_for_tracer", NULL));
	sleep_ms(200);
	OK(ptrace(PTRACE_ATTACH, pid, 0, 0));
	OK(kill(pid, SIGUSR1));
	for (int status = 0; !WIFEXITED(status); ) {
		status = wait_status(pid, 10);
		if (WIFSTOPPED(status))
			OK(ptrace(PTRACE_CONT, pid, 0,
				  WSTOPSIG(status) == SIGUSR1 ? SIGUSR1 : 0));
		else
			CHECK_EQ(status, 0);
	}
}

/* Our own text, from its file: the last page of it. */
static unsigned char *last_page(void)
{
	unsigned long from, to, last = 0;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx r-x", &from, &to) == 2 && strstr(line, " r-xp ") &&
		    from <= (uintptr_t)plain_site && (uintptr_t)plain_site < to)
			last = to - 4096;
	if (f)
		fclose(f);
	return (unsigned char *)last;
}

/* The page that holds what the jumps lead to becomes the program's own. */
EXECED(text_write_last_page)
{
	volatile unsigned char *last = last_page();
	struct cpuid is, was;

	asked(&was, 0, 0);
	plain_0(&is);
	if (!last || mprotect((void *)last, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 1;
	last[4095] = last[4095];
	plain_0(&is);
	return memcmp(&is, &was, sizeof(is)) ? 2 : 0;
}

EXECED(text_poke_last_page)
{
	unsigned char *last = last_page(), byte = 0;
	int fd = open("/proc/self/mem", O_RDWR);
	struct cpuid is, was;

	asked(&was, 0, 0);
	plain_0(&is);
	if (!last || pwrite(fd, &byte, 1, (uintptr_t)last + 4095) != 1)
		return 1;
	plain_0(&is);
	return memcmp(&is, &was, sizeof(is)) ? 2 : 0;
}

TEST(what_jumps_lead_to_is_replaced)
{
	BEGUN("write_last_page", 0);
	BEGUN("poke_last_page", 0);
}

/* A function whose result is in its code, to be found in the file. */
int marked(void);
FUNCTION(marked, "movl $0x5a17c0de, %eax\n movl $41, %eax\n ret\n");

EXECED(text_marked)
{
	return marked();
}

static int run_file(const char *path, const char *what)
{
	CHILD(pid, execl(path, "self", what, NULL));
	return WEXITSTATUS(wait_status(pid, 10));
}

/* The file is changed between two runs: the second is of what it has then. */
TEST(a_file_that_changes)
{
	static const unsigned char mark[] = { 0xb8, 0xde, 0xc0, 0x17, 0x5a, 0xb8, 41 };
	char path[] = "/tmp/text-XXXXXX";
	int to = OK(mkstemp(path)), from = OK(open(SELF, O_RDONLY));
	off_t size = lseek(from, 0, SEEK_END);
	unsigned char *all = mmap(NULL, size, PROT_READ, MAP_PRIVATE, from, 0), *at;

	CHECK(all != MAP_FAILED);
	CHECK_EQ(write(to, all, size), size);
	OK(fchmod(to, 0755));
	close(to);
	at = memmem(all, size, mark, sizeof(mark));
	CHECK(at);
	for (int round = 0; round < 2; round++) {
		sleep_ms(50);
		for (int i = 0; i < TIMES; i++)
			CHECK_EQ(run_file(path, "exec:text_marked"), 41 + round);
		CHECK_EQ(run_file(path, "exec:text_first_byte"), expected() ? JMP : MOV);
		to = OK(open(path, O_WRONLY));
		CHECK_EQ(pwrite(to, "\x2a", 1, at - all + 6), 1);
		close(to);
	}
	OK(unlink(path));
}
