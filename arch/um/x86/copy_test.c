// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of long copies: every byte arrives, and none beside them changes.
 */
#include <kunit/test.h>
#include <asm/copy.h>

#define ROOM	1024
#define GUARD	64

static u8 from[ROOM + GUARD], to[GUARD + ROOM + GUARD];

static void check(struct kunit *test, void (*copy)(void *, const void *, unsigned long),
		  unsigned int n, unsigned int shift_to, unsigned int shift_from)
{
	u8 *p = to + GUARD + shift_to;
	unsigned int i;

	for (i = 0; i < sizeof(to); i++)
		to[i] = 0xa5;
	copy(p, from + shift_from, n);
	for (i = 0; i < n && p[i] == from[shift_from + i]; i++)
		;
	KUNIT_EXPECT_EQ_MSG(test, i, n, "of %u bytes, shifted by %u and %u", n, shift_to,
			    shift_from);
	for (i = 0; i < sizeof(to); i++)
		if (to + i < p || to + i >= p + n)
			KUNIT_EXPECT_EQ(test, to[i], 0xa5);
}

/* All lengths about the steps of the loop, at aligned and odd places. */
static void all_lengths(struct kunit *test)
{
	static const unsigned int shifts[] = { 0, 1, 8, 31 };

	for (unsigned int i = 0; i < sizeof(from); i++)
		from[i] = i * 7 + (i >> 8);
	for (unsigned int n = 0; n <= 600; n++)
		for (int i = 0; i < ARRAY_SIZE(shifts); i++) {
			check(test, copy_to_cold, n, shifts[i], shifts[3 - i]);
			check(test, copy_to_warm, n, shifts[i], shifts[3 - i]);
		}
}

static struct kunit_case copy_cases[] = {
	KUNIT_CASE(all_lengths),
	{ }
};

static struct kunit_suite copy_suite = {
	.name = "um_copy",
	.test_cases = copy_cases,
};
kunit_test_suite(copy_suite);
MODULE_DESCRIPTION("KUnit tests of long copies");
MODULE_LICENSE("GPL");
