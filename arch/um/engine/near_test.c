// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of where a program runs that shares much data with the kernel: programs
 * made of numbers, which say how long their runs take on two CPUs and on one.
 */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <asm/engine.h>
#include "runner.h"

#define WORTH		1000	/* cycles */
#define RUNS		20000

struct program {
	unsigned long bytes;		/* that it shares with the kernel each time */
	unsigned int others;		/* runs without, between two with */
	u64 far, near;			/* cycles of each run */
};

/* Of so many runs of it, how many were on the vCPU's CPU? */
static unsigned int near_runs(struct nearness *n, const struct program *p)
{
	unsigned int near = 0;
	bool now = n->near;

	for (unsigned int i = 0; i < RUNS; i++) {
		near += now;
		now = near_wanted(n, i % (p->others + 1) ? 0 : p->bytes, now ? p->near : p->far, WORTH);
	}
	return near;
}

static void check_quicker_near(struct kunit *test)
{
	struct nearness n = { };
	struct program p = { .bytes = SZ_1M, .far = 20 * WORTH, .near = 2 * WORTH };

	KUNIT_EXPECT_GE(test, near_runs(&n, &p), RUNS * 98 / 100);
	/* It looks at nothing of it any more: that is found out, if late. */
	p.near = 3 * WORTH;
	p.far = WORTH / 10;
	KUNIT_EXPECT_LE(test, near_runs(&n, &p), RUNS / 2);
	KUNIT_EXPECT_EQ(test, near_runs(&n, &p), 0);
}

/* Each try costs something, so there are few. */
static void check_quicker_far(struct kunit *test)
{
	struct nearness n = { };
	struct program p = { .bytes = SZ_1M, .far = 5 * WORTH, .near = 50 * WORTH };

	KUNIT_EXPECT_LE(test, near_runs(&n, &p), RUNS / 100);
	KUNIT_EXPECT_LE(test, near_runs(&n, &p), RUNS / 1000);
	/* But there are some. */
	p.near = WORTH;
	KUNIT_EXPECT_GE(test, near_runs(&n, &p), RUNS / 2);
	KUNIT_EXPECT_TRUE(test, n.near);
}

/* Where runs on two CPUs take nothing, not even a try is worth it. */
static void check_nothing_to_gain(struct kunit *test)
{
	struct nearness n = { };
	struct program p = { .bytes = SZ_128K, .far = WORTH / 10, .near = WORTH };

	KUNIT_EXPECT_EQ(test, near_runs(&n, &p), 0);
	KUNIT_EXPECT_TRUE(test, n.watched);
}

/* What does little with much data, or much with little: it is not even watched. */
static void check_others(struct kunit *test)
{
	struct nearness n = { };
	struct program little = { .bytes = SZ_4K, .far = 20 * WORTH, .near = WORTH };
	struct program seldom = { .bytes = SZ_1M, .others = 8, .far = 20 * WORTH, .near = WORTH };

	KUNIT_EXPECT_EQ(test, near_runs(&n, &little), 0);
	KUNIT_EXPECT_FALSE(test, n.watched);
	KUNIT_EXPECT_EQ(test, near_runs(&n, &seldom), 0);
}

/* A program that was near and now calls without data goes back soon. */
static void check_something_else(struct kunit *test)
{
	struct nearness n = { };
	struct program p = { .bytes = SZ_1M, .far = 20 * WORTH, .near = 2 * WORTH };
	unsigned int i;

	near_runs(&n, &p);
	KUNIT_ASSERT_TRUE(test, n.near);
	for (i = 0; near_wanted(&n, 0, WORTH, WORTH); i++)
		KUNIT_ASSERT_LE(test, i, 16);
	KUNIT_EXPECT_FALSE(test, n.watched);
}

/* One that computes between: what its time goes into is nobody's data. */
static void check_bounds(struct kunit *test)
{
	struct nearness n = { };
	struct program p = { .bytes = SZ_32K, .far = 1ULL << 40, .near = 1ULL << 40 };

	near_runs(&n, &p);
	p.bytes = 1UL << 40;
	near_runs(&n, &p);
	KUNIT_EXPECT_TRUE(test, n.watched);
}

static struct kunit_case near_cases[] = {
	KUNIT_CASE(check_quicker_near),
	KUNIT_CASE(check_quicker_far),
	KUNIT_CASE(check_nothing_to_gain),
	KUNIT_CASE(check_others),
	KUNIT_CASE(check_something_else),
	KUNIT_CASE(check_bounds),
	{ }
};

static struct kunit_suite near_suite = {
	.name = "um_near",
	.test_cases = near_cases,
};
kunit_test_suite(near_suite);
MODULE_DESCRIPTION("KUnit tests of where programs run");
MODULE_LICENSE("GPL");
