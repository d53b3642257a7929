// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of improved text: where functions begin, what is replaced, what must not
 * be, and that bytes of any kind do no harm.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <asm/text.h>
#include <asm/text_sites.h>

#define CPUID_ENTRY	0x7c0000080000ULL
#define SYSCALL_ENTRY	0x7c0000000123ULL

static struct text_plan *new_plan(struct kunit *test, const u8 *bytes, u32 n, const u32 *funcs,
				  u32 nr_funcs)
{
	struct text_plan *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	*p = (struct text_plan) {
		.text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL), .used = n,
		.size = PAGE_SIZE, .funcs = funcs, .nr_funcs = nr_funcs,
		.cpuid_entry = CPUID_ENTRY, .syscall_entry = SYSCALL_ENTRY,
	};
	KUNIT_ASSERT_NOT_NULL(test, p->text);
	memcpy(p->text, bytes, n);
	return p;
}

static const u32 at_start[] = { 0 };

/* Where a jump or a lea of this length leads. */
static u32 leads_to(const struct text_plan *p, u32 at, u32 len)
{
	return at + len + get_unaligned_le32(p->text + at + len - 4);
}

static void check_cpuid(struct kunit *test)
{
	static const u8 code[] = {
		0xb8, 4, 0, 0, 0,	/* mov $4, %eax */
		0x31, 0xc9,		/* xor %ecx, %ecx */
		0x0f, 0xa2, 0xc3,	/* cpuid; ret */
	};
	struct text_plan *p = new_plan(test, code, sizeof(code), at_start, 1);
	const u8 *t = p->text;
	u32 thunk;

	KUNIT_ASSERT_EQ(test, text_improve(p), 1);
	KUNIT_EXPECT_EQ(test, t[0], 0xe9);
	KUNIT_EXPECT_MEMEQ(test, t + 5, code + 5, sizeof(code) - 5);
	/* The entry comes first: mov $ENTRY, %rdx; jmp *%rdx */
	KUNIT_EXPECT_MEMEQ(test, t + sizeof(code), "\x48\xba", 2);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(t + sizeof(code) + 2), CPUID_ENTRY);
	KUNIT_EXPECT_MEMEQ(test, t + sizeof(code) + 10, "\xff\xe2", 2);
	thunk = leads_to(p, 0, 5);
	KUNIT_ASSERT_LT(test, thunk, PAGE_SIZE - 19);
	KUNIT_EXPECT_MEMEQ(test, t + thunk, code, 7);
	KUNIT_EXPECT_MEMEQ(test, t + thunk + 7, "\x48\x8d\x1d", 3);
	KUNIT_EXPECT_EQ(test, leads_to(p, thunk + 7, 7), 9);
	KUNIT_EXPECT_EQ(test, t[thunk + 14], 0xe9);
	KUNIT_EXPECT_EQ(test, leads_to(p, thunk + 14, 5), sizeof(code));
	KUNIT_EXPECT_EQ(test, text_site_of(p, thunk), 0);
}

static void check_syscall(struct kunit *test)
{
	static const u8 code[] = {
		0x90, 0xb8, 39, 0, 0, 0,	/* nop; mov $39, %eax */
		0x0f, 0x05, 0xc3,		/* syscall; ret */
	};
	struct text_plan *p = new_plan(test, code, sizeof(code), at_start, 1);
	u32 thunk;

	KUNIT_ASSERT_EQ(test, text_improve(p), 1);
	KUNIT_EXPECT_EQ(test, p->text[1], 0xe9);
	KUNIT_EXPECT_MEMEQ(test, p->text + 6, "\x0f\x05", 2);
	thunk = leads_to(p, 1, 5);
	KUNIT_EXPECT_MEMEQ(test, p->text + thunk, code + 1, 5);
	KUNIT_EXPECT_MEMEQ(test, p->text + thunk + 5, "\x48\x8d\x0d", 3);
	KUNIT_EXPECT_EQ(test, leads_to(p, thunk + 5, 7), 8);
	KUNIT_EXPECT_EQ(test, text_site_of(p, thunk), 1);
	KUNIT_EXPECT_EQ(test, text_site_of(p, thunk + 1), TEXT_NO_SITE);
}

struct example {
	const char *what;
	int n;
	u32 len;
	u8 code[24];
};

static const struct example examples[] = {
	{ "two short moves", 1, 7, { 0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xc3 } },
	{ "a jump between them", 0, 9,
	  { 0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xeb, 0xfa, 0xc3 } },
	{ "a jump to CPUID behind short moves", 0, 9,
	  { 0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xeb, 0xfc, 0xc3 } },
	{ "a jump to CPUID behind a long one", 1, 10,
	  { 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xeb, 0xfc, 0xc3 } },
	{ "a jump to the first of them", 1, 9,
	  { 0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xeb, 0xf8, 0xc3 } },
	{ "short moves, and a jump to anywhere", 0, 9,
	  { 0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xff, 0xe0, 0xc3 } },
	{ "a long one, and a jump to anywhere", 1, 10,
	  { 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xff, 0xe0, 0xc3 } },
	{ "relative to where it is", 0, 10,
	  { 0x8b, 0x05, 1, 0, 0, 0, 0x0f, 0xa2, 0xc3, 0xc3 } },
	{ "an access that may fail", 0, 8, { 0x8b, 0x87, 1, 0, 0, 0, 0x0f, 0xa2 } },
	{ "the stack", 1, 10, { 0xc7, 0x44, 0x24, 0x60, 0, 0, 0, 0, 0x0f, 0xa2 } },
	{ "a call before", 0, 7, { 0xe8, 0, 0, 0, 0, 0x0f, 0xa2 } },
	{ "inside of another instruction", 0, 10,
	  { 0xb8, 0xb8, 1, 0, 0x0f, 0xa2, 0, 0, 0, 0xc3 } },
	{ "a function that ends amiss", 0, 8, { 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xb8 } },
	{ "a system call behind too little", 0, 5, { 0x31, 0xc0, 0x0f, 0x05, 0xc3 } },
};

static void check_examples(struct kunit *test)
{
	for (int i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *e = &examples[i];
		struct text_plan *p = new_plan(test, e->code, e->len, at_start, 1);

		KUNIT_EXPECT_EQ_MSG(test, text_improve(p), e->n, "%s", e->what);
		if (!e->n)
			KUNIT_EXPECT_MEMEQ_MSG(test, p->text, e->code, e->len, "%s", e->what);
	}
}

/* A part of a function that lies elsewhere jumps back into it. */
static void check_other_function(struct kunit *test)
{
	static const u8 code[] = {
		0x89, 0xf8, 0x89, 0xf1, 0x0f, 0xa2, 0xc3, 0x90,
		0xe9, 0xf5, 0xff, 0xff, 0xff,	/* jmp to the second move */
	};
	static const u32 funcs[] = { 0, 8 };

	KUNIT_EXPECT_EQ(test, text_improve(new_plan(test, code, 13, funcs, 2)), 0);
	/* The same in bytes before any function. */
	KUNIT_EXPECT_EQ(test, text_improve(new_plan(test, code, 7, at_start, 1)), 1);
}

static void check_no_room(struct kunit *test)
{
	static const u8 code[] = { 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xc3 };
	struct text_plan *p = new_plan(test, code, sizeof(code), at_start, 1);

	p->text[PAGE_SIZE - 1] = 1;
	KUNIT_EXPECT_EQ(test, text_improve(p), 0);
	p->text[PAGE_SIZE - 1] = 0;
	p->used = PAGE_SIZE - 13 - 16;
	KUNIT_EXPECT_EQ(test, text_improve(p), 0);
	KUNIT_EXPECT_MEMEQ(test, p->text, code, sizeof(code));
}

#define ROUNDS	2000
#define GUARD	64

/* Pieces that matter, in any order: nothing but the text may be written to. */
static void check_anything(struct kunit *test)
{
	static const u8 pieces[][6] = {
		{ 0x0f, 0xa2 }, { 0x0f, 0x05 }, { 0xb8 }, { 0xe9 }, { 0xeb }, { 0x74 },
		{ 0x89, 0xf8 }, { 0xc3 }, { 0xff, 0xe0 }, { 0x0f, 0x84 }, { 0x62 }, { 0xc4 },
	};
	u8 *buf = kunit_kzalloc(test, PAGE_SIZE + 2 * GUARD, GFP_KERNEL);
	u32 *funcs = kunit_kzalloc(test, 64 * sizeof(*funcs), GFP_KERNEL);
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, funcs);
	prandom_seed_state(&rnd, 20261129);
	for (int round = 0; round < ROUNDS; round++) {
		struct text_plan p = {
			.text = buf + GUARD, .size = PAGE_SIZE, .funcs = funcs,
			.cpuid_entry = CPUID_ENTRY, .syscall_entry = SYSCALL_ENTRY,
		};

		memset(buf, 0xaa, PAGE_SIZE + 2 * GUARD);
		memset(p.text, 0, PAGE_SIZE);
		p.used = 1 + prandom_u32_state(&rnd) % PAGE_SIZE;
		for (u32 i = 0; i + 6 <= p.used; ) {
			u32 r = prandom_u32_state(&rnd);

			if (r & 1) {
				p.text[i++] = r >> 8;
				continue;
			}
			memcpy(p.text + i, pieces[(r >> 8) % ARRAY_SIZE(pieces)], 6);
			i += 2 + (r >> 16) % 5;
		}
		for (p.nr_funcs = 0; p.nr_funcs < 64; p.nr_funcs++) {
			u32 last = p.nr_funcs ? funcs[p.nr_funcs - 1] : 0;

			funcs[p.nr_funcs] = last + prandom_u32_state(&rnd) % 60;
			if (funcs[p.nr_funcs] >= p.used)
				break;
		}
		KUNIT_EXPECT_GE(test, text_improve(&p), 0);
		KUNIT_ASSERT_FALSE(test, memchr_inv(buf, 0xaa, GUARD) ||
				   memchr_inv(buf + GUARD + PAGE_SIZE, 0xaa, GUARD));
	}
}

/* A common part and a function's record, as compilers write them. */
static const u8 records[] = {
	20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
	16, 0, 0, 0, 28, 0, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0,
	16, 0, 0, 0, 48, 0, 0, 0, 0xf0, 0xff, 0xff, 0xff, 8, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};

static void check_records(struct kunit *test)
{
	u32 funcs[4];

	/* The second begins 0x24 behind the first: 0x20 before and 0x14 further on. */
	KUNIT_ASSERT_EQ(test, text_list_funcs(records, sizeof(records), 0x1000, 0x1000, 0x100,
					      funcs, 4), 2);
	KUNIT_EXPECT_EQ(test, funcs[0], 52 - 16);
	KUNIT_EXPECT_EQ(test, funcs[1], 32 + 16);
	KUNIT_EXPECT_EQ(test, text_list_funcs(records, sizeof(records), 0x1000, 0x1000, 40,
					      funcs, 4), 1);
	KUNIT_EXPECT_EQ(test, text_list_funcs(records, sizeof(records), 0x1000, 0x1000, 0x100,
					      funcs, 1), -ENOEXEC);
	/* Cut off within the second record, and before it. */
	KUNIT_EXPECT_EQ(test, text_list_funcs(records, 60, 0x1000, 0x1000, 0x100, funcs, 4),
			-ENOEXEC);
	KUNIT_EXPECT_EQ(test, text_list_funcs(records, 44, 0x1000, 0x1000, 0x100, funcs, 4), 1);
}

/* Anything in the place of some of them: nothing is written beyond the list. */
static void check_any_records(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, 512, GFP_KERNEL);
	u32 funcs[8 + 1];
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	prandom_seed_state(&rnd, 20261129);
	for (int round = 0; round < 50 * ROUNDS; round++) {
		u32 size = prandom_u32_state(&rnd) % 512;
		int n;

		for (u32 i = 0; i < size; i++)
			buf[i] = records[i % sizeof(records)];
		for (u32 i = prandom_u32_state(&rnd) % 8; size && i; i--)
			buf[prandom_u32_state(&rnd) % size] = prandom_u32_state(&rnd);
		funcs[8] = 0xaaaaaaaa;
		n = text_list_funcs(buf, size, 0x1000, 0x1000, 0x100, funcs, 8);
		KUNIT_ASSERT_LE(test, n, 8);
		KUNIT_ASSERT_EQ(test, funcs[8], 0xaaaaaaaa);
		for (int i = 0; i < n; i++)
			KUNIT_ASSERT_TRUE(test, funcs[i] < 0x100 && (!i || funcs[i] > funcs[i - 1]));
	}
}

static struct kunit_case text_cases[] = {
	KUNIT_CASE(check_cpuid),
	KUNIT_CASE(check_syscall),
	KUNIT_CASE(check_examples),
	KUNIT_CASE(check_other_function),
	KUNIT_CASE(check_no_room),
	KUNIT_CASE(check_anything),
	KUNIT_CASE(check_records),
	KUNIT_CASE(check_any_records),
	{ }
};

static struct kunit_suite text_suite = {
	.name = "um_text_sites",
	.test_cases = text_cases,
};
kunit_test_suite(text_suite);
MODULE_DESCRIPTION("KUnit tests of improved text");
MODULE_LICENSE("GPL");
