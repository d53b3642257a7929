// SPDX-License-Identifier: GPL-2.0
/*
 * Patched system calls: the addresses of their table taken by the program, and
 * jumps into the middle of a patched site and of a thunk.
 */
#include "attack.h"

long hot_call(void);
extern const char hot_site[];
__asm__(".pushsection .text\n"
	".globl hot_call, hot_site\n"
	"hot_call:\n"
	"hot_site:\n"
	"	mov $110, %eax\n"		/* getppid */
	"	syscall\n"
	"	ret\n"
	".popsection\n");

/* Patched with a short jump into the gap behind it. */
long short_call(int fd, void *buf, size_t n);
extern const char short_site[], short_gap[];
__asm__(".pushsection .text\n"
	".globl short_call, short_site, short_gap\n"
	".balign 16\n"
	"short_call:\n"
	"	.nops 9\n"
	"short_site:\n"
	"	xor %eax, %eax\n"
	"	syscall\n"
	"	cmp $-4096, %rax\n"
	"	ja 1f\n"
	"	ret\n"
	"short_gap:\n"
	"	.byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
	"1:	ret\n"
	/* Who falls off the end falls into this. */
	"	.fill 32, 1, 0xcc\n"
	".popsection\n");

static void heat(void)
{
	long parent = getppid();

	for (int i = 0; i < 300; i++) {
		CHECK_EQ(hot_call(), parent);
		CHECK_EQ(short_call(-1, NULL, 0), -EBADF);
	}
}

static bool patched(void)
{
	bool is = (uint8_t)hot_site[0] == 0xff;

	CHECK_EQ((uint8_t)short_site[0] == 0xeb, is);
	CHECK_EQ((uint8_t)short_gap[0] == 0xff, is);
	return is;
}

static void intruder(void)
{
	won("a patched call went through the program's own table");
	_exit(0);
}

static void segv(int sig, siginfo_t *si, void *uc)
{
	won("a patched call went through a table that is not mapped");
	_exit(0);
}

static void take_table(void)
{
	uintptr_t *t = MAP((void *)TABLE, 8 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	for (size_t i = 0; i < 8 * PAGE / 8; i++)
		t[i] = (uintptr_t)intruder;
}

/* Before there are patches: none may come to be, nor harm the mapping. */
ATTACK(before, 10, NULL)
{
	take_table();
	heat();
	for (size_t i = 0; i < 8 * PAGE / 8; i++)
		if (((uintptr_t *)TABLE)[i] != (uintptr_t)intruder)
			won("the program's own page was changed");
}

ATTACK(after, 10, "nounpatch")
{
	heat();
	note("patched: %d", patched());
	take_table();
	heat();
}

ATTACK(after_unmap, 10, "nounpatch")
{
	on_signal(SIGSEGV, segv, 0);
	heat();
	munmap((void *)TABLE, 16 * PAGE);
	heat();
	take_table();
	heat();
}

/* Return: how the program ends. */
static int jump_into(const char *at)
{
	CHILD(pid, {
		struct regs r = { .flags = 0x202 };
		uint64_t stack[512];

		stack[256] = (uintptr_t)_exit;
		r.r[AX] = SYS_exit_group;
		r.r[DI] = 42;
		r.r[SP] = (uintptr_t)&stack[256];
		jump((uintptr_t)at, &r);
	});
	return wait_status(pid, 10);
}

/*
 * Into the middle of what is patched: from where the bytes are what they were on, it
 * is as if nothing were. Elsewhere it is the program's own business, which may
 * be to die; but it makes no other call, and does not come through the table.
 */
ATTACK(middle, 20, NULL)
{
	struct {
		const char *start;
		int size, same, was[16];
	} places[] = {
		{ hot_site, 8, 5, { 0 } },
		{ short_site, 4, 2, { 0 } },
		{ short_gap, 10, 10, { 0 } },
	};

	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		for (int i = 0; i < places[p].size; i++)
			places[p].was[i] = jump_into(places[p].start + i);
	CHECK_EQ(places[0].was[5], 42 << 8);
	CHECK_EQ(places[1].was[2], 42 << 8);
	heat();
	if (!patched())
		test_skip("nothing is patched");
	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		for (int i = 0; i < places[p].size; i++) {
			int is = jump_into(places[p].start + i), was = places[p].was[i];

			if (i >= places[p].same && is != was)
				won("%d bytes into place %zu it ends with %#x, and did with %#x",
				    i, p, is, was);
			/* It exits with what is in rax or rdi, or has a signal of the CPU's. */
			if (WIFSIGNALED(is) && WTERMSIG(is) != SIGSEGV && WTERMSIG(is) != SIGILL &&
			    WTERMSIG(is) != SIGBUS && WTERMSIG(is) != SIGTRAP &&
			    WTERMSIG(is) != SIGFPE)
				won("%d bytes into place %zu it ends with %#x", i, p, is);
		}
	heat();
}

ATTACK(thunk, 15, NULL)
{
	heat();
	if (!patched())
		test_skip("nothing is patched");
	for (int i = 0; i < 96; i++) {
		CHILD(pid, {
			struct regs r;

			for (int k = 0; k < 16; k++)
				r.r[k] = rnd() >> i % 48;
			r.flags = 0x202;
			jump(TABLE + PAGE + i % 32, &r);
		});
		end_child(pid, 20);
	}
}

/* What the program may not write to, not even as its own tracer would. */
ATTACK(write_thunk, 10, NULL)
{
	int mem;

	heat();
	if (!patched())
		test_skip("nothing is patched");
	mem = OK(open("/proc/self/mem", O_RDWR));
	if (!mprotect((void *)(TABLE + PAGE), PAGE, PROT_READ | PROT_WRITE))
		won("mprotect");
	if (pwrite(mem, "x", 1, TABLE + PAGE) == 1)
		won("/proc/self/mem");
}
