// SPDX-License-Identifier: GPL-2.0
/*
 * Jumps to the system call instructions of the stub, with chosen registers. The
 * filter knows each instruction's call and arguments; those that map need the
 * key.
 */
#include "attack.h"

/* The number of the call is not the instruction's: uname(2) of the host. */
ATTACK(other_call, 10, "noargs")
{
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	CHECK_GE(n, 16);
	for (int i = 0; i < n; i++) {
		char *page = SHARED(PAGE);

		CHILD(pid, {
			volatile int back = 0;

			warm();
			page[0] = 0;
			if (TRAP_HERE(back) == 0) {
				struct regs r = { .r = {
					[AX] = SYS_uname, [DI] = (uintptr_t)page,
					/* The command that came before: go on. */
					[BX] = orders()->cmd - 1, [SP] = AREA + 1024,
				} };

				jump(calls[i].at, &r);
			}
		});
		end_child(pid, 100);
		if (page[0])
			won("uname() of the host from instruction %d says %s", i, page);
		munmap(page, PAGE);
	}
}

/* The instruction is not the stub's. */
ATTACK(own_call, 10, "noplace")
{
	if (syscall(SYS_getppid) == (long)orders()->parent)
		won("getppid() says the kernel process's pid");
}

/* Where the stub goes on behind the call that maps: with physmem, if it did. */
__attribute__((naked, used)) static void landed(void)
{
	__asm__ volatile(
		"mov $0x600000000000, %rax\n"
		"mov (%rax), %rbx\n"
		"mov $0x610000000000, %rcx\n"
		"movq $1, (%rcx)\n"
		"mov $231, %eax\n"
		"xor %edi, %edi\n"
		"syscall\n");
}

static void try_key(uint64_t key)
{
	volatile uint64_t *mark = MAP((void *)0x610000000000, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	*mark = 0;
	CHILD(pid, {
		struct regs r = { .r = {
			[AX] = SYS_mmap, [DI] = 0x600000000000, [SI] = 64 * PAGE, [DX] = PROT_READ,
			[R10] = (MAP_SHARED | MAP_FIXED) | key << 32,
			[R8] = key >> 32 << 32, [R9] = 0x100000,
			[BX] = 0, [R12] = ORDERS + 256, [BP] = (uintptr_t)landed,
		} };

		*mark;
		jump(stub_map_call(), &r);
	});
	wait_status(pid, 10);
	if (*mark)
		won("physmem can be read, with key %#llx", (unsigned long long)key);
}

ATTACK(map_physmem, 10, "nokey")
{
	static const uint64_t guesses[] = {
		0, 1, -1, 0x100000001, 0xffffffff, 0xffffffff00000000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(guesses); i++)
		try_key(guesses[i]);
	for (int i = 0; i < 100; i++)
		try_key(rnd());
}

/* With its descriptors closed, the space would fail its next program. */
ATTACK(close_descriptors, 10, "noclose")
{
	static const int fds[] = { 0, 2, 1 };

	for (int i = 0; i < 20; i++) {
		CHILD(pid, {
			volatile int back = 0;

			warm();
			if (TRAP_HERE(back) == 0) {
				struct regs r = { .r = { [AX] = SYS_close, [DI] = fds[i % 3] } };

				jump(stub_call(SYS_close), &r);
			}
		});
		end_child(pid, 100);
		/* A victim in the space that was freed last. */
		CHILD(victim, {
			char *p = ANON(16 * PAGE);

			memset(p, 1, 16 * PAGE);
		});
		for (int ms = 0; waitpid(victim, NULL, WNOHANG) != victim; ms++) {
			if (ms > 1000) {
				won("another program cannot map memory any more");
				kill(victim, SIGKILL);
				wait_status(victim, 10);
				return;
			}
			sleep_ms(1);
		}
	}
}

/* Each instruction, with registers that mean something and with noise. */
ATTACK(every_call, 20, NULL)
{
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	for (int i = 0; i < n * 12; i++) {
		CHILD(pid, {
			volatile int back = 0;

			warm();
			if (TRAP_HERE(back) == 0) {
				struct regs r;

				for (int k = 0; k < 16; k++)
					r.r[k] = rnd() >> rnd() % 64;
				rnd_state += i;
				r.flags = 0x202;
				if (i / n % 3)
					r.r[AX] = calls[i % n].nr >= 0 ? calls[i % n].nr : SYS_mmap;
				if (i / n % 3 == 2) {
					r.r[DI] = AREA;
					r.r[SI] = rnd() % 4;
					r.r[R10] = 0;
				}
				r.r[SP] = AREA + 2048;
				jump(calls[i % n].at, &r);
			}
		});
		/* Some sleep for ever: that harms nobody. */
		end_child(pid, 20);
	}
}
