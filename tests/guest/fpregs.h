/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The floating point and vector registers as one block of memory, for tests
 * that fill them, do something, and look whether they are still the same.
 *
 * What the CPU has is asked of CPUID and XCR0. Everything is inline assembly,
 * so that the C library and the compiler use none of it in between.
 */
#ifndef TESTS_GUEST_FPREGS_H
#define TESTS_GUEST_FPREGS_H

#include "test.h"
#include <cpuid.h>

enum { FP_SSE, FP_AVX, FP_AVX512 };

struct fpregs {
	uint8_t vector[32][64];		/* xmm0-15, ymm0-15 or zmm0-31 */
	uint64_t mask[8];		/* k0-7 */
	double x87[8];
	uint32_t mxcsr;
	uint16_t control;
} __attribute__((aligned(64)));

static inline uint64_t fp_xcr0(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 3;
	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return a | (uint64_t)d << 32;
}

static inline int fp_level(void)
{
	unsigned int a, b, c, d;
	uint64_t xcr0 = fp_xcr0();

	if ((xcr0 & 6) != 6)
		return FP_SSE;
	if ((xcr0 & 0xe0) == 0xe0 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	    (b & bit_AVX512F) && (b & bit_AVX512BW))
		return FP_AVX512;
	return FP_AVX;
}

/* Calls op(i) for each register. */
#define FP_0_7(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)
#define FP_8_15(op) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define FP_16_31(op) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) \
	op(24) op(25) op(26) op(27) op(28) op(29) op(30) op(31)

#define FP_LOAD_SSE(i) "movups " #i "*64(%0), %%xmm" #i "\n\t"
#define FP_LOAD_AVX(i) "vmovups " #i "*64(%0), %%ymm" #i "\n\t"
#define FP_LOAD_AVX512(i) "vmovups " #i "*64(%0), %%zmm" #i "\n\t"
#define FP_LOAD_MASK(i) "kmovq 2048+" #i "*8(%0), %%k" #i "\n\t"
#define FP_SAVE_SSE(i) "movups %%xmm" #i ", " #i "*64(%0)\n\t"
#define FP_SAVE_AVX(i) "vmovups %%ymm" #i ", " #i "*64(%0)\n\t"
#define FP_SAVE_AVX512(i) "vmovups %%zmm" #i ", " #i "*64(%0)\n\t"
#define FP_SAVE_MASK(i) "kmovq %%k" #i ", 2048+" #i "*8(%0)\n\t"
#define FP_PUSH(i) "fldl 2112+" #i "*8(%0)\n\t"
#define FP_POP(i) "fstpl 2112+" #i "*8(%0)\n\t"

__attribute__((always_inline)) static inline void fp_load(const struct fpregs *f, int level)
{
	asm volatile("fninit\n\t" FP_0_7(FP_PUSH) "fldcw %2\n\tldmxcsr %1"
		     : : "r"(f), "m"(f->mxcsr), "m"(f->control) : "memory");
	if (level == FP_SSE)
		asm volatile(FP_0_7(FP_LOAD_SSE) FP_8_15(FP_LOAD_SSE) : : "r"(f) : "memory");
	else if (level == FP_AVX)
		asm volatile(FP_0_7(FP_LOAD_AVX) FP_8_15(FP_LOAD_AVX) : : "r"(f) : "memory");
	else
		asm volatile(FP_0_7(FP_LOAD_AVX512) FP_8_15(FP_LOAD_AVX512)
			     FP_16_31(FP_LOAD_AVX512) FP_0_7(FP_LOAD_MASK)
			     : : "r"(f) : "memory");
}

/* Leaves the x87 and the control registers as a program starts with them. */
__attribute__((always_inline)) static inline void fp_save(struct fpregs *f, int level)
{
	static const uint32_t mxcsr = 0x1f80;

	if (level == FP_SSE)
		asm volatile(FP_0_7(FP_SAVE_SSE) FP_8_15(FP_SAVE_SSE) : : "r"(f) : "memory");
	else if (level == FP_AVX)
		asm volatile(FP_0_7(FP_SAVE_AVX) FP_8_15(FP_SAVE_AVX) : : "r"(f) : "memory");
	else
		asm volatile(FP_0_7(FP_SAVE_AVX512) FP_8_15(FP_SAVE_AVX512)
			     FP_16_31(FP_SAVE_AVX512) FP_0_7(FP_SAVE_MASK)
			     : : "r"(f) : "memory");
	asm volatile("fnstcw %1\n\tstmxcsr %0\n\t" : "=m"(f->mxcsr), "=m"(f->control));
	/* The last pushed is the first popped: see fp_differ(). */
	asm volatile(FP_0_7(FP_POP) "fninit\n\tldmxcsr %1"
		     : : "r"(f), "m"(mxcsr) : "memory");
}

/* A value for every register, different for every @seed. */
static inline void fp_pattern(struct fpregs *f, uint32_t seed)
{
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 64; j++)
			f->vector[i][j] = seed * 31 + i * 7 + j;
	for (int i = 0; i < 8; i++) {
		f->mask[i] = seed * 0x9e3779b97f4a7c15 + i;
		f->x87[i] = seed * 100.5 + i;
	}
	f->mxcsr = seed & 1 ? 0x1fa0 : 0x9fc0;
	f->control = seed & 1 ? 0x37f : 0xf7f;
}

/* The name of what differs, NULL when nothing does. */
static inline const char *fp_differ(const struct fpregs *want, const struct fpregs *is, int level)
{
	static char text[64];
	int width = level == FP_SSE ? 16 : level == FP_AVX ? 32 : 64;

	for (int i = 0; i < (level == FP_AVX512 ? 32 : 16); i++)
		for (int j = 0; j < width; j++)
			if (want->vector[i][j] != is->vector[i][j]) {
				snprintf(text, sizeof(text), "vector %d byte %d: %#x, not %#x",
					 i, j, is->vector[i][j], want->vector[i][j]);
				return text;
			}
	for (int i = 0; i < 8; i++) {
		if (level == FP_AVX512 && want->mask[i] != is->mask[i])
			return "a mask register";
		if (want->x87[i] != is->x87[7 - i])
			return "an x87 register";
	}
	if (want->mxcsr != is->mxcsr)
		return "mxcsr";
	if (want->control != is->control)
		return "x87 control word";
	return NULL;
}

/* Runs the statement between a load and a save; the registers must survive. */
#define FP_KEEPS(seed, stmt)							\
	do {									\
		struct fpregs want__, is__;					\
		int level__ = fp_level();					\
		const char *what__;						\
										\
		memset(&is__, 0, sizeof(is__));					\
		fp_pattern(&want__, seed);					\
		if (level__ == FP_AVX512) {					\
			fp_load(&want__, FP_AVX512);				\
			stmt;							\
			fp_save(&is__, FP_AVX512);				\
		} else if (level__ == FP_AVX) {					\
			fp_load(&want__, FP_AVX);				\
			stmt;							\
			fp_save(&is__, FP_AVX);					\
		} else {							\
			fp_load(&want__, FP_SSE);				\
			stmt;							\
			fp_save(&is__, FP_SSE);					\
		}								\
		what__ = fp_differ(&want__, &is__, level__);			\
		if (what__)							\
			test_fail(__FILE__, __LINE__, "%s changed %s (seed %d)",	\
				  #stmt, what__, (int)(seed));			\
	} while (0)

/* A system call without the C library, which might use vector registers. */
__attribute__((always_inline))
static inline long raw_syscall(long nr, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	long ret;

	asm volatile("syscall" : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
		     : "rcx", "r11", "memory");
	return ret;
}

#endif
