// SPDX-License-Identifier: GPL-2.0
/*
 * The stub's pages: the orders written to; all of it unmapped, protected,
 * replaced or written through the guest's system calls; entered with the trap
 * flag set.
 */
#include "attack.h"
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/uio.h>

static uint64_t sum(void)
{
	uint64_t s = 0;

	for (uint64_t *p = (void *)STUB; p < (uint64_t *)ORDERS; p++)
		s = s * 31 + *p;
	return s;
}

/* Orders of one's own: all of physmem, by way of a fault's. */
ATTACK(write_orders, 10, "rworders")
{
	CHILD(pid, {
		orders()->weak = 1;
		won("the orders can be written to");
	});
	wait_status(pid, 10);
	CHILD(code, {
		*(volatile char *)STUB = 0x90;
		won("the stub can be written to");
	});
	wait_status(code, 10);
}

ATTACK(system_calls, 10, NULL)
{
	static const uintptr_t pages[] = { STUB, ORDERS, AREA, AREA + PAGE };
	uint64_t before = sum();
	char *mine = ANON(4 * PAGE), buf[64] = "x";
	struct iovec local = { buf, 8 };
	int shm = shmget(IPC_PRIVATE, PAGE, 0600), fds[2];
	int mem = OK(open("/proc/self/mem", O_RDWR));

	OK(pipe(fds));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		void *p = (void *)pages[i];
		struct iovec remote = { p, 8 };

#define NEVER(call)								\
		do {								\
			if ((long)(call) >= 0)					\
				won("%s at %#lx", #call, pages[i]);		\
		} while (0)
		NEVER(mmap(p, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		NEVER(mmap((void *)(STUB - PAGE), 8 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		NEVER(mremap(mine, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p));
		NEVER(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
		NEVER(munmap(p, PAGE));
		NEVER(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
		NEVER(madvise(p, PAGE, MADV_DONTNEED));
		NEVER(mlock(p, PAGE));
		NEVER(msync(p, PAGE, MS_SYNC));
		NEVER(shmat(shm, p, 0));
		NEVER(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
		NEVER(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
		NEVER(pwrite(mem, buf, 8, (off_t)pages[i]));
		NEVER(pread(mem, buf, 8, (off_t)pages[i]));
		NEVER(write(fds[1], p, 8));
		NEVER(syscall(SYS_getcwd, p, 64));
		NEVER(syscall(SYS_arch_prctl, 0x1003, p));
		if ((uintptr_t)syscall(SYS_brk, pages[i] + PAGE) > pages[i])
			won("brk to %#lx", pages[i]);
	}
	OK(munmap(mine, 4 * PAGE));
	CHILD(tracee, {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
	});
	OK(waitpid(tracee, NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		NEVER(ptrace(PTRACE_POKEDATA, tracee, pages[i], 1) ? -1 : 0);
		errno = 0;
		ptrace(PTRACE_PEEKDATA, tracee, pages[i], 0);
		if (!errno)
			won("PTRACE_PEEKDATA at %#lx", pages[i]);
	}
	ptrace(PTRACE_CONT, tracee, 0, 0);
	wait_status(tracee, 10);
	shmctl(shm, IPC_RMID, NULL);
	CHECK_EQ(sum(), before);
}

/* Code in the area, which has no business to be executable. */
ATTACK(execute_area, 5, "exarea")
{
	CHILD(pid, {
		*(volatile uint16_t *)(AREA + 4096) = 0x9090;
		*(volatile uint8_t *)(AREA + 4098) = 0xc3;
		((void (*)(void))(AREA + 4096))();
		won("the area is executable");
	});
	wait_status(pid, 10);
}

/* All of the stub, each byte of it in some run as the first one of a step; with a key, too. */
ATTACK(step, 40, NULL)
{
	int size = stub_size();

	CHECK_GE(size, 0x400);
	for (int i = (now_ns() >> 10) % 3; i < size; i += 3) {
		CHILD(pid, {
			struct regs r = { .flags = 0x302 };

			warm();
			r.r[SP] = AREA + 4096;
			if (i % 32 == 0)
				post_fault((uintptr_t)ANON(PAGE), true);
			jump(i % 32 ? STUB + i : stub_ops() + i / 32, &r);
		});
		end_child(pid, 60);
	}
}
