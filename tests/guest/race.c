// SPDX-License-Identifier: GPL-2.0
/*
 * Several things at once: what the host was told of an address space must be
 * right whatever interrupts the telling.
 */
#include "test.h"
#include "exec.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>

static volatile bool stop;
static volatile long ticks;

static void tick(int sig, siginfo_t *si, void *uc)
{
	ticks++;
}

static void start_ticks(int usec)
{
	struct itimerval it = { { 0, usec }, { 0, usec } };

	on_signal(SIGALRM, tick, SA_RESTART);
	OK(setitimer(ITIMER_REAL, &it, NULL));
}

/* All registers that a program has, over a loop that only signals interrupt. */
TEST_LIMIT(registers_under_timer_signals, 20)
{
	start_ticks(700);
	for (uint64_t n = 1; ticks < 200; n++) {
		uint64_t bad = 0, rounds = 30000;

		asm volatile("mov %2, %%rax\n\tlea 1(%%rax), %%rbx\n\tlea 2(%%rax), %%rdx\n\t"
			     "lea 3(%%rax), %%rsi\n\tlea 4(%%rax), %%rdi\n\t"
			     "lea 5(%%rax), %%r8\n\tlea 6(%%rax), %%r9\n\tlea 7(%%rax), %%r10\n\t"
			     "lea 8(%%rax), %%r11\n\tlea 9(%%rax), %%r12\n\t"
			     "lea 10(%%rax), %%r13\n\tlea 11(%%rax), %%r14\n\t"
			     "1:\tdec %1\n\tjnz 1b\n\t"
			     "cmp %2, %%rax\n\tsetne %b0\n\t"
			     "add %%rbx, %%rax\n\tadd %%rdx, %%rax\n\tadd %%rsi, %%rax\n\t"
			     "add %%rdi, %%rax\n\tadd %%r8, %%rax\n\tadd %%r9, %%rax\n\t"
			     "add %%r10, %%rax\n\tadd %%r11, %%rax\n\tadd %%r12, %%rax\n\t"
			     "add %%r13, %%rax\n\tadd %%r14, %%rax\n\t"
			     "sub $66, %%rax\n\timul $12, %2, %%rbx\n\tsub %%rbx, %%rax\n\t"
			     "or %%rax, %0"
			     : "+m"(bad), "+c"(rounds) : "r"(n)
			     : "rax", "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			       "r13", "r14", "cc", "memory");
		CHECK_EQ(bad, 0);
	}
}

TEST_LIMIT(system_calls_under_timer_signals, 20)
{
	char buf[64];
	int fds[2];

	start_ticks(300);
	OK(pipe(fds));
	for (int i = 0; ticks < 300; i++) {
		CHECK_EQ(write(fds[1], &i, sizeof(i)), sizeof(i));
		CHECK_EQ(read(fds[0], buf, sizeof(i)), sizeof(i));
		CHECK(!memcmp(buf, &i, sizeof(i)));
		CHECK_EQ(syscall(SYS_getppid, 1, 2, 3, 4, 5, 6), getppid());
	}
}

TEST_LIMIT(fork_and_exec_under_timer_signals, 30)
{
	start_ticks(2000);
	for (int i = 0; i < 60; i++) {
		int status;
		pid_t pid = OK(fork());

		if (!pid) {
			if (i % 2)
				execl(SELF, "self", "exec:leave", "21", NULL);
			_exit(21);
		}
		while (waitpid(pid, &status, 0) < 0)
			CHECK_EQ(errno, EINTR);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 21);
	}
	CHECK_GE(ticks, 3);
}

EXECED(leave)
{
	return argc ? atoi(argv[0]) : 99;
}

static void *map_and_unmap(void *arg)
{
	for (int i = 0; !stop; i++) {
		char *p = ANON(16 * PAGE);

		for (int j = 0; j < 16; j++) {
			CHECK_EQ(p[j * PAGE], 0);
			p[j * PAGE] = i;
		}
		OK(mprotect(p, 8 * PAGE, PROT_READ));
		for (int j = 0; j < 16; j++)
			CHECK_EQ(p[j * PAGE], (char)i);
		OK(munmap(p + 4 * PAGE, 8 * PAGE));
		OK(munmap(p, 16 * PAGE));
	}
	return NULL;
}

/* Threads change the one space they share while the first forks it. */
TEST_LIMIT(fork_while_threads_map, 40)
{
	pthread_t threads[3];
	volatile int *mine = ANON(64 * PAGE);

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, map_and_unmap, NULL), 0);
	for (int i = 1; i <= 60; i++) {
		for (int j = 0; j < 64; j++)
			mine[j * 1024] = i * 100 + j;
		CHILD(pid,
			for (int j = 0; j < 64; j++) {
				CHECK_EQ(mine[j * 1024], i * 100 + j);
				mine[j * 1024] = -1;
			});
		for (int j = 0; j < 64; j += 2)
			mine[j * 1024]++;
		WAIT_OK(pid);
		for (int j = 0; j < 64; j++)
			CHECK_EQ(mine[j * 1024], i * 100 + j + !(j % 2));
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static __thread sigjmp_buf back;
static __thread volatile uintptr_t fault_addr;

static void escape(int sig, siginfo_t *si, void *uc)
{
	fault_addr = (uintptr_t)si->si_addr;
	siglongjmp(back, 1);
}

static char *flipped;

static void *flip(void *arg)
{
	while (!stop) {
		OK(mprotect(flipped, 8 * PAGE, PROT_NONE));
		sched_yield();
		OK(mprotect(flipped, 8 * PAGE, PROT_READ | PROT_WRITE));
		sched_yield();
	}
	return NULL;
}

/* Every access works or faults at its own address; nothing is lost. */
TEST_LIMIT(faults_while_protection_flips, 30)
{
	volatile int faults = 0, good = 0;
	int64_t end = now_ns() + 1500000000;
	pthread_t thread;

	flipped = ANON(8 * PAGE);
	on_signal(SIGSEGV, escape, 0);
	CHECK_EQ(pthread_create(&thread, NULL, flip, NULL), 0);
	for (volatile uint32_t i = 0; now_ns() < end; i++) {
		volatile uint32_t *p = (void *)(flipped + i % 8 * PAGE + i % 1000 * 4);

		if (sigsetjmp(back, 1)) {
			CHECK_EQ(fault_addr, p);
			faults++;
			sched_yield();
			continue;
		}
		*p = i;
		CHECK_EQ(*p, i);
		good++;
	}
	stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	note("%d faults, %d accesses", faults, good);
	CHECK_GE(good, 1);
}

/* Children killed at any moment of their lives. */
TEST_LIMIT(kill_at_random, 30)
{
	for (int i = 0; i < 100; i++) {
		struct timespec ts = { 0, i * 30000 };
		int status;

		CHILD(pid,
			for (;;) {
				char *p = ANON(32 * PAGE);

				memset(p, 1, 32 * PAGE);
				munmap(p, 32 * PAGE);
				if (fork() == 0)
					_exit(0);
				waitpid(-1, NULL, 0);
			});
		nanosleep(&ts, NULL);
		OK(kill(pid, SIGKILL));
		status = wait_status(pid, 5);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), SIGKILL);
	}
}
