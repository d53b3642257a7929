// SPDX-License-Identifier: GPL-2.0
/*
 * What the hostile programs share: see attack.h. It finds its way in the stub
 * as guest code would, by reading it: the instructions 0f 05, and before each
 * the mov that loads the number of the call.
 */
#include "attack.h"
#include <sys/prctl.h>
#include <stdarg.h>
#include <ucontext.h>
#include <x86intrin.h>

extern const struct attack __start_attacks[], __stop_attacks[];

static struct {
	bool won;
	char why[200];
} *shared;

uint64_t rnd_state = 88172645463325252ULL;

uint64_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	return rnd_state ^= rnd_state << 17;
}

/* "-w": which attack needs which defence. */
__attribute__((constructor)) static void list_weak(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "-w"))
		return;
	for (const struct attack *a = __start_attacks; a < __stop_attacks; a++)
		if (a->weak)
			printf("%s %s\n", a->name, a->weak);
	fflush(stdout);
	_exit(0);
}

bool weakened(void)
{
	char line[4096];

	return slurp("/proc/cmdline", line, sizeof(line)) > 0 && strstr(line, "weaken=");
}

bool over_ptrace(void)
{
	char text[4096];

	return slurp("/proc/cpuinfo", text, sizeof(text)) > 0 && strstr(text, ": ptrace");
}

uint64_t ticks_per_ms;
bool post_and_return;
greg_t *resume_at;

static void measure_ticks(void)
{
	int64_t ns = now_ns();
	uint64_t tsc = __rdtsc();

	while (now_ns() < ns + 10000000)
		;
	ticks_per_ms = (__rdtsc() - tsc) / 10;
}

void spin_ms(int ms)
{
	uint64_t end = __rdtsc() + ticks_per_ms * ms;

	while (__rdtsc() < end)
		;
}

extern const char __executable_start[], __data_start[], _end[];

void warm(void)
{
	volatile char stack[8 * PAGE];
	uintptr_t start = (uintptr_t)__executable_start & -PAGE;
	unsigned char vec;

	for (uintptr_t a = start; a < (uintptr_t)_end; a += PAGE) {
		volatile char *p = (volatile char *)a;

		if (mincore((void *)a, PAGE, &vec))
			continue;
		if (a >= (((uintptr_t)__data_start + PAGE - 1) & -PAGE))
			*p = *p;
		else
			(void)*p;
	}
	for (size_t i = 0; i < sizeof(stack); i += PAGE)
		stack[i] = 1;
	if (shared) {
		volatile char *why = shared->why;

		*why = *why;
	}
}

void won(const char *fmt, ...)
{
	va_list ap;

	/* The rest may trap, and who knows where that leads. */
	__atomic_store_n(&shared->won, true, __ATOMIC_SEQ_CST);

	va_start(ap, fmt);
	vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
	va_end(ap);
}

static int compute(void)
{
	volatile double x = 1;
	int sum = 0;

	for (int i = 0; i < 200000; i++) {
		sum += i ^ (i >> 3);
		x = x * 1.000001 + 0.5;
	}
	return sum ^ (int)x;
}

void check_alive(void)
{
	int want = compute(), fds[2], got = 0;

	for (int i = 0; i < 3; i++) {
		OK(pipe(fds));
		CHILD(pid, {
			char *p = ANON(64 * PAGE);

			CHILD(grandchild, _exit(compute() == want ? 0 : 3));
			memset(p, 7, 64 * PAGE);
			WAIT_OK(grandchild);
			CHECK_EQ(compute(), want);
			CHECK_EQ(write(fds[1], &want, sizeof(want)), sizeof(want));
		});
		WAIT_OK(pid);
		CHECK_EQ(read(fds[0], &got, sizeof(got)), sizeof(got));
		CHECK_EQ(got, want);
		close(fds[0]);
		close(fds[1]);
	}
}

void end_child(pid_t pid, int ms)
{
	for (int i = 0; waitpid(pid, NULL, WNOHANG) != pid; i++) {
		if (i >= 5 * ms)
			kill(pid, SIGKILL);
		usleep(200);
	}
}

/* At once: a guest that hangs prints no verdict. */
static void announce(const char *name, const char *what)
{
	FILE *console = fopen("/dev/console", "w");

	if (!console)
		return;
	fprintf(console, "attack %s %s\n", name, what);
	fclose(console);
}

void attack_run(const char *name, void (*body)(void), int seconds)
{
	int64_t start = now_ns(), end = start + seconds * 1000000000LL, next = start;
	bool weak = weakened();
	int status;
	pid_t pid;

	if (!in_guest())
		test_skip("for the guest only");
	if (weak)
		announce(name, "begins");
	shared = SHARED(PAGE);
	measure_ticks();
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = OK(fork());
	if (!pid) {
		setpgid(0, 0);
		warm();
		body();
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (now_ns() > end) {
			kill(pid, SIGKILL);
			status = wait_status(pid, 10);
			break;
		}
		/* As long as this is seen the guest does not hang. */
		if (weak && now_ns() > next) {
			announce(name, "goes on");
			next = now_ns() + 500000000;
		}
		usleep(2000);
	}
	note("the attacker's end after %lld ms: %#x", (long long)(now_ns() - start) / 1000000, status);
	kill(-pid, SIGKILL);
	/* All that it has started comes to us, and is to be gone: it counts as long as it is there. */
	while (waitpid(-pid, NULL, 0) > 0)
		;
	/* By test_skip() or test_fail(): it was no attack. */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 1))
		_exit(WEXITSTATUS(status));
	if (!weak) {
		check_alive();
		if (shared->won)
			test_fail(__FILE__, __LINE__, "the attack won: %s", shared->why);
	} else {
		if (!shared->won)
			test_fail(__FILE__, __LINE__, "not let through by the weakened kernel");
		note("let through: %s", shared->why);
	}
}

size_t area_size(void)
{
	/* The first frame lies at its very end. */
	return (orders()->fp + 1024 - AREA + 4 * PAGE - 1) & -(4 * PAGE);
}

int stub_calls(struct stub_call *calls, int max)
{
	const uint8_t *page = (const uint8_t *)STUB;
	int n = 0, nr;

	for (int i = 2; i < 4094 && n < max; i++) {
		if (page[i] != 0x0f || page[i + 1] != 0x05)
			continue;
		nr = -1;
		for (int j = i - 5; j > i - 48 && j > 0; j--) {
			if (page[j] == 0x0f && page[j + 1] == 0x05)
				break;
			if (page[j] == 0xb8 && !page[j + 3] && !page[j + 4]) {
				nr = page[j + 1] | page[j + 2] << 8;
				break;
			}
		}
		calls[n++] = (struct stub_call) { STUB + i, nr };
	}
	return n;
}

uintptr_t stub_call(int nr)
{
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	for (int i = 0; i < n; i++)
		if (calls[i].nr == nr)
			return calls[i].at;
	test_fail(__FILE__, __LINE__, "no call %d in the stub", nr);
}

/* Behind it the page is empty. */
size_t stub_size(void)
{
	const uint8_t *page = (const uint8_t *)STUB;
	size_t n = PAGE;

	while (n && !page[n - 1])
		n--;
	return n;
}

/* It comes right before the one that only unmaps. */
uintptr_t stub_map_call(void)
{
	struct stub_call calls[32];
	int n = stub_calls(calls, 32);

	for (int i = 1; i < n; i++)
		if (calls[i].nr == SYS_munmap)
			return calls[i - 1].at;
	test_fail(__FILE__, __LINE__, "no map call in the stub");
}

/* Before the fetch of the key: xor eax,eax; mov edi,2; lea rsi; mov edx,8. */
uintptr_t stub_ops(void)
{
	const uint8_t *page = (const uint8_t *)STUB;
	static const uint8_t start[] = { 0x31, 0xc0, 0xbf, 2, 0, 0, 0 };

	for (int i = 0; i < 4000; i++)
		if (!memcmp(page + i, start, sizeof(start)))
			return STUB + i;
	test_fail(__FILE__, __LINE__, "no fetch of the key in the stub");
}

static uintptr_t jump_target __asm__("jump_target") __attribute__((used));

void jump(uintptr_t to, const struct regs *regs)
{
	jump_target = to;
	__asm__ volatile(
		"mov %0, %%rax\n"
		"push 128(%%rax)\n"
		"mov 8(%%rax), %%rcx\n"
		"mov 16(%%rax), %%rdx\n"
		"mov 24(%%rax), %%rbx\n"
		"mov 40(%%rax), %%rbp\n"
		"mov 48(%%rax), %%rsi\n"
		"mov 56(%%rax), %%rdi\n"
		"mov 64(%%rax), %%r8\n"
		"mov 72(%%rax), %%r9\n"
		"mov 80(%%rax), %%r10\n"
		"mov 88(%%rax), %%r11\n"
		"mov 96(%%rax), %%r12\n"
		"mov 104(%%rax), %%r13\n"
		"mov 112(%%rax), %%r14\n"
		"mov 120(%%rax), %%r15\n"
		"testq $0x100, 128(%%rax)\n"
		"jnz 1f\n"
		"popfq\n"
		"mov 32(%%rax), %%rsp\n"
		"mov (%%rax), %%rax\n"
		"jmp *jump_target(%%rip)\n"
		/* With the trap flag, the first stop is behind the jump. */
		"1: mov (%%rax), %%rax\n"
		"popfq\n"
		"jmp *jump_target(%%rip)\n"
		: : "r"(regs) : "memory");
	__builtin_unreachable();
}

/* Waits for a kick and takes back that it came: no other one is sent. */
static void deafen(void)
{
	area()->kicked = 2;
	while (area()->kicked != 1) {
		area()->progress = orders()->cmd;
		__asm__ volatile("pause");
	}
	area()->kicked = 0;
}

/* The registers that a function keeps, and where it was called. */
__attribute__((naked, noinline, returns_twice)) void save(greg_t *gregs)
{
	__asm__ volatile(
		"mov %rbx, 11*8(%rdi)\n"
		"mov %rbp, 10*8(%rdi)\n"
		"mov %r12, 4*8(%rdi)\n"
		"mov %r13, 5*8(%rdi)\n"
		"mov %r14, 6*8(%rdi)\n"
		"mov %r15, 7*8(%rdi)\n"
		"lea 8(%rsp), %rax\n"
		"mov %rax, 15*8(%rdi)\n"
		"mov (%rsp), %rax\n"
		"mov %rax, 16*8(%rdi)\n"
		"ret\n");
}

/*
 * Forges the answer to the last command, and goes on. A kernel that sleeps is
 * not woken; it sees the answer when the tick makes it look. Its kick, which
 * would stop us, is kept away; while orders wait to be carried out there is none.
 */
static void post(int sig, const siginfo_t *info, const uint64_t *set, int nr_set, const int *which)
{
	ucontext_t *uc = (void *)(orders()->frame + 8);
	volatile int back = 0;
	gregset_t here = {};
	uint32_t cmd;

	if (!(orders()->todo & TODO_OPS) || area()->progress == orders()->cmd)
		deafen();
	save(here);
	if (back++)
		return;
	memcpy(uc->uc_mcontext.gregs, resume_at ? resume_at : here, sizeof(here));
	uc->uc_mcontext.gregs[REG_EFL] = 0x202;
	for (int i = 0; i < nr_set; i++)
		uc->uc_mcontext.gregs[which[i]] = set[i];
	memcpy((void *)(orders()->frame + 8 + 304), info, 48);
	area()->type = sig;
	cmd = orders()->cmd;
	__atomic_store_n(&area()->trap, cmd, __ATOMIC_SEQ_CST);
	if (post_and_return)
		return;
	next_command(cmd, 40);
	/* Orders wait for the kick to have arrived. */
	area()->kicked = 1;
	next_command(cmd, 40);
}

void post_call(long nr, long a, long b, long c, long d, long e, long f)
{
	static const int which[] = {
		REG_RAX, REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9,
	};
	const uint64_t args[] = { nr, a, b, c, d, e, f };
	siginfo_t si = { .si_signo = SIGSYS, .si_code = 1 };

	si.si_arch = 0xc000003e;
	post(SIGSYS, &si, args, 7, which);
}

void post_fault(uintptr_t addr, bool write)
{
	static const int which[] = { REG_TRAPNO, REG_ERR, REG_CR2 };
	const uint64_t values[] = { 14, 4 | (write ? 2 : 0), addr };
	siginfo_t si = { .si_signo = SIGSEGV, .si_code = SEGV_MAPERR };

	si.si_addr = (void *)addr;
	post(SIGSEGV, &si, values, 3, which);
}

bool next_command(uint32_t cmd, int ms)
{
	uint64_t end = __rdtsc() + ms * ticks_per_ms;

	while (__rdtsc() < end)
		if (__atomic_load_n(&orders()->cmd, __ATOMIC_SEQ_CST) != cmd)
			return true;
	return false;
}
