// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the order list of a space: what joins, what is dropped, what
 * is kept apart, and when the list is full.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <asm/space.h>

static struct space *new_space(struct kunit *test)
{
	struct space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	return space;
}

static bool add(struct space *space, enum map_kind kind, unsigned long page,
		unsigned long pages, unsigned long phys_page)
{
	struct map_op op = {
		.kind = kind, .addr = page << PAGE_SHIFT, .len = pages << PAGE_SHIFT,
		.phys = phys_page << PAGE_SHIFT,
	};

	return ops_add(space, &op);
}

static void joins_contiguous_pages(struct kunit *test)
{
	struct space *s = new_space(test);

	for (int i = 0; i < 100; i++)
		KUNIT_EXPECT_TRUE(test, add(s, MAP_SET, 10 + i, 1, 500 + i));
	KUNIT_EXPECT_EQ(test, s->nr_ops, 1);
	KUNIT_EXPECT_EQ(test, s->ops[0].len, 100 * PAGE_SIZE);
}

static void keeps_scattered_pages_apart(struct kunit *test)
{
	struct space *s = new_space(test);

	add(s, MAP_SET, 10, 1, 500);
	add(s, MAP_SET, 11, 1, 600);	/* elsewhere in physmem */
	add(s, MAP_SET, 13, 1, 601);	/* a hole in the guest */
	KUNIT_EXPECT_EQ(test, s->nr_ops, 3);
}

static void keeps_access_apart(struct kunit *test)
{
	struct space *s = new_space(test);
	struct map_op op = { .kind = MAP_SET, .prot = 1, .addr = 0x1000, .len = 0x1000 };

	ops_add(s, &op);
	op.prot = 3;
	op.addr += 0x1000;
	op.phys += 0x1000;
	ops_add(s, &op);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 2);
}

static void empty_drops_all_before(struct kunit *test)
{
	struct space *s = new_space(test);

	add(s, MAP_SET, 10, 1, 500);
	add(s, MAP_UNSET, 20, 5, 0);
	add(s, MAP_EMPTY, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 1);
	KUNIT_EXPECT_EQ(test, s->ops[0].kind, MAP_EMPTY);
	/* Nothing is left to take away ... */
	add(s, MAP_UNSET, 10, 1, 0);
	add(s, MAP_READONLY, 10, 1, 0);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 1);
	/* ... but what is set afterwards counts, and then taking away again. */
	add(s, MAP_SET, 10, 1, 500);
	add(s, MAP_UNSET, 10, 1, 0);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 3);
}

static void order_is_kept(struct kunit *test)
{
	struct space *s = new_space(test);

	add(s, MAP_UNSET, 10, 1, 0);
	add(s, MAP_SET, 10, 1, 500);
	add(s, MAP_UNSET, 10, 1, 0);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 3);
	KUNIT_EXPECT_EQ(test, s->ops[1].kind, MAP_SET);
	KUNIT_EXPECT_EQ(test, s->ops[2].kind, MAP_UNSET);
}

static void says_when_full(struct kunit *test)
{
	struct space *s = new_space(test);

	for (int i = 0; i < SPACE_OPS; i++)
		KUNIT_EXPECT_TRUE(test, add(s, MAP_SET, 10 + 2 * i, 1, 500));
	KUNIT_EXPECT_FALSE(test, add(s, MAP_SET, 5, 1, 500));
	KUNIT_EXPECT_EQ(test, s->nr_ops, SPACE_OPS);
	/* What joins the last order still fits. */
	KUNIT_EXPECT_TRUE(test, add(s, MAP_SET, 10 + 2 * SPACE_OPS - 1, 1, 501));
}

static struct kunit_case ops_cases[] = {
	KUNIT_CASE(joins_contiguous_pages),
	KUNIT_CASE(keeps_scattered_pages_apart),
	KUNIT_CASE(keeps_access_apart),
	KUNIT_CASE(empty_drops_all_before),
	KUNIT_CASE(order_is_kept),
	KUNIT_CASE(says_when_full),
	{ }
};

static struct kunit_suite ops_suite = {
	.name = "um_space_ops",
	.test_cases = ops_cases,
};
kunit_test_suite(ops_suite);
MODULE_DESCRIPTION("KUnit tests of the order list of a space");
MODULE_LICENSE("GPL");
