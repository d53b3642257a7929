// SPDX-License-Identifier: GPL-2.0
/*
 * The floating point state in a signal frame: its place, its size, its two
 * magic numbers, and that what a handler writes there is what returns.
 */
#include "fpregs.h"
#include <ucontext.h>

/* <asm/sigcontext.h> and the C library's headers exclude each other. */
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
#define SW_BYTES 464

struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
};

/* As CPUID leaf 0xd has it for component @nr: the place in the frame. */
static unsigned int component(int nr, unsigned int *size)
{
	unsigned int a, b, c, d;

	CHECK(__get_cpuid_count(0xd, nr, &a, &b, &c, &d));
	*size = a;
	return b;
}

static struct {
	struct sw_bytes sw;
	uint32_t magic2;
	uint64_t header;
	struct fpregs regs;
	uintptr_t fpstate, uc;
	bool alter;
} frame;

/* Reads (or writes) one 64-byte register out of its three parts. */
static void vector_part(char *state, int nr, uint8_t *reg, bool store)
{
	unsigned int size, at;
	int level = fp_level();
	struct {
		char *in_state;
		int from, len;
	} parts[3] = { { NULL, 0, 0 } };

	if (nr < 16) {
		parts[0].in_state = state + 160 + nr * 16;
		parts[0].len = 16;
		if (level >= FP_AVX) {
			at = component(2, &size);
			parts[1].in_state = state + at + nr * 16;
			parts[1].from = 16;
			parts[1].len = 16;
		}
		if (level >= FP_AVX512) {
			at = component(6, &size);
			parts[2].in_state = state + at + nr * 32;
			parts[2].from = 32;
			parts[2].len = 32;
		}
	} else if (level >= FP_AVX512) {
		at = component(7, &size);
		parts[0].in_state = state + at + (nr - 16) * 64;
		parts[0].len = 64;
	}
	for (int i = 0; i < 3; i++) {
		if (store)
			memcpy(parts[i].in_state, reg + parts[i].from, parts[i].len);
		else
			memcpy(reg + parts[i].from, parts[i].in_state, parts[i].len);
	}
}

static void mask_part(char *state, uint64_t *mask, bool store)
{
	unsigned int size;

	if (fp_level() < FP_AVX512)
		return;
	state += component(5, &size);
	if (store)
		memcpy(state, mask, 64);
	else
		memcpy(mask, state, 64);
}

static void look(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;
	char *state = (char *)uc->uc_mcontext.fpregs;
	fpregset_t fp = uc->uc_mcontext.fpregs;
	int nr = fp_level() == FP_AVX512 ? 32 : 16;

	frame.uc = (uintptr_t)uc;
	frame.fpstate = (uintptr_t)state;
	if (!state)
		return;
	memcpy(&frame.sw, state + SW_BYTES, sizeof(frame.sw));
	memcpy(&frame.header, state + 512, 8);
	if (frame.sw.magic1 == FP_XSTATE_MAGIC1)
		memcpy(&frame.magic2, state + frame.sw.xstate_size, 4);
	if (frame.alter) {
		for (int i = 0; i < nr; i++)
			vector_part(state, i, frame.regs.vector[i], true);
		mask_part(state, frame.regs.mask, true);
		fp->mxcsr = frame.regs.mxcsr;
		fp->cwd = frame.regs.control;
		/* Everything that was altered is also said to be in use. */
		frame.header |= fp_xcr0() & 0xe7;
		memcpy(state + 512, &frame.header, 8);
		return;
	}
	for (int i = 0; i < nr; i++)
		vector_part(state, i, frame.regs.vector[i], false);
	mask_part(state, frame.regs.mask, false);
	frame.regs.mxcsr = fp->mxcsr;
	frame.regs.control = fp->cwd;
	for (int i = 0; i < 8; i++) {
		long double value;

		memcpy(&value, &fp->_st[i], 10);
		frame.regs.x87[i] = value;
	}
}

TEST(magic_and_size)
{
	unsigned int a, b, c, d;

	on_signal(SIGUSR1, look, 0);
	FP_KEEPS(5, raw_syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1, 0));
	CHECK_NE(frame.fpstate, 0);
	if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		test_skip("no CPUID leaf 0xd");
	CHECK_EQ(frame.fpstate % 64, 0);
	CHECK_EQ(frame.sw.magic1, FP_XSTATE_MAGIC1);
	CHECK_EQ(frame.magic2, FP_XSTATE_MAGIC2);
	CHECK_EQ(frame.sw.extended_size, frame.sw.xstate_size + 4);
	note("xstate_size %u, CPUID says %u for what is enabled", frame.sw.xstate_size, b);
	/* Features that a program must first ask for (AMX) are not in it. */
	CHECK_GE(frame.sw.xstate_size, 576);
	CHECK_GE(b, frame.sw.xstate_size);
	CHECK_EQ(frame.sw.xfeatures & ~fp_xcr0(), 0);
	CHECK_EQ(frame.sw.xfeatures & 0xe7, fp_xcr0() & 0xe7);
	for (int i = 2; i < 63; i++) {
		unsigned int size, at;

		if (!(frame.sw.xfeatures >> i & 1))
			continue;
		at = component(i, &size);
		CHECK_GE(frame.sw.xstate_size, at + size);
	}
	CHECK_EQ(frame.header & ~frame.sw.xfeatures, 0);
}

/* The registers are @first, a signal is handled, the registers are @is. */
static void signal_with(struct fpregs *first, struct fpregs *is, int level)
{
	int pid = getpid(), tid = gettid();

	switch (level) {
	case FP_AVX512:
		fp_load(first, FP_AVX512);
		raw_syscall(SYS_tgkill, pid, tid, SIGUSR1, 0);
		fp_save(is, FP_AVX512);
		break;
	case FP_AVX:
		fp_load(first, FP_AVX);
		raw_syscall(SYS_tgkill, pid, tid, SIGUSR1, 0);
		fp_save(is, FP_AVX);
		break;
	default:
		fp_load(first, FP_SSE);
		raw_syscall(SYS_tgkill, pid, tid, SIGUSR1, 0);
		fp_save(is, FP_SSE);
	}
}

TEST(registers_are_in_the_frame)
{
	struct fpregs want, is;
	int level = fp_level();

	on_signal(SIGUSR1, look, 0);
	fp_pattern(&want, 12);
	memset(&is, 0, sizeof(is));
	signal_with(&want, &is, level);
	const char *what = fp_differ(&want, &is, level);

	if (what)
		test_fail(__FILE__, __LINE__, "after the handler: %s", what);
	/* st(0) is the last pushed, as fp_save() has it too. */
	what = fp_differ(&want, &frame.regs, level);
	if (what)
		test_fail(__FILE__, __LINE__, "in the frame: %s", what);
}

TEST(handler_alters_the_frame)
{
	struct fpregs first, is;
	const char *what;

	on_signal(SIGUSR1, look, 0);
	frame.alter = true;
	for (int i = 0; i < 10; i++) {
		fp_pattern(&first, 20 + i);
		fp_pattern(&frame.regs, 51 + i);
		/* The x87 stack is left as it was. */
		memcpy(frame.regs.x87, first.x87, sizeof(first.x87));
		memset(&is, 0, sizeof(is));
		signal_with(&first, &is, fp_level());
		what = fp_differ(&frame.regs, &is, fp_level());
		if (what)
			test_fail(__FILE__, __LINE__, "after the handler: %s", what);
	}
}

static volatile uint16_t handler_control, handler_tags;
static volatile uint32_t handler_mxcsr;

static void look_at_own(int sig, siginfo_t *si, void *ucp)
{
	struct {
		uint16_t control, pad, status, pad2, tags, pad3[9];
	} env;
	uint32_t mxcsr;

	asm volatile("fnstenv %0\n\tstmxcsr %1" : "=m"(env), "=m"(mxcsr));
	handler_control = env.control;
	handler_tags = env.tags;
	handler_mxcsr = mxcsr;
}

TEST(handler_starts_afresh)
{
	on_signal(SIGUSR1, look_at_own, 0);
	FP_KEEPS(8, raw_syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1, 0));
	CHECK_EQ(handler_control, 0x37f);
	CHECK_EQ(handler_tags, 0xffff);
	CHECK_EQ(handler_mxcsr, 0x1f80);
}

static void drop(int sig, siginfo_t *si, void *ucp)
{
	((ucontext_t *)ucp)->uc_mcontext.fpregs = NULL;
}

static void corrupt(int sig, siginfo_t *si, void *ucp)
{
	/* A reserved bit of mxcsr: the processor would refuse to load it. */
	((ucontext_t *)ucp)->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

TEST(bad_frames)
{
	uint32_t mxcsr;

	on_signal(SIGUSR1, drop, 0);
	OK(raise(SIGUSR1));
	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	CHECK_EQ(mxcsr & 0x1f80, 0x1f80);
	/* Refused by SIGSEGV or masked, but never the end of more than us. */
	CHILD(pid, on_signal(SIGUSR1, corrupt, 0); OK(raise(SIGUSR1)));
	int status = wait_status(pid, 5);

	CHECK(WIFEXITED(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}
