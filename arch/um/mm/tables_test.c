// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the page tables that stay: that a space is emptied of
 * everything all the same, and which range may hold a page without access.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/space.h>

#define FIRST	(3 * PMD_SIZE)
#define SECOND	(500 * PMD_SIZE)

static struct space *new_space(struct kunit *test)
{
	struct space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	return space;
}

/* Each address is in one order, and what is mapped cannot be accessed. */
static void check_all_gone(struct kunit *test, const struct space *s, unsigned int held)
{
	unsigned long gone = 0, kept = 0;

	for (unsigned int i = 0; i < s->nr_ops; i++) {
		const struct map_op *op = &s->ops[i];

		for (unsigned int j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test, op->addr >= s->ops[j].addr + s->ops[j].len ||
					  s->ops[j].addr >= op->addr + op->len);
		if (op->kind == MAP_UNSET) {
			gone += op->len;
			continue;
		}
		KUNIT_EXPECT_EQ(test, op->kind, MAP_SET);
		KUNIT_EXPECT_EQ(test, op->prot, 0);
		KUNIT_EXPECT_EQ(test, op->phys, __pa(empty_zero_page));
		kept += op->len;
	}
	KUNIT_EXPECT_EQ(test, kept, held * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, gone + kept, TASK_SIZE);
}

static void empties_all(struct kunit *test)
{
	struct space *s = new_space(test);

	tables_empty(s);
	check_all_gone(test, s, 0);
	s->nr_ops = 0;
	tables_touched(s, 0);
	tables_touched(s, SECOND + 5 * PAGE_SIZE);
	tables_touched(s, FIRST + PAGE_SIZE);
	tables_touched(s, SECOND);
	tables_touched(s, TASK_SIZE - PAGE_SIZE);
	tables_empty(s);
	check_all_gone(test, s, 4);
}

static void only_the_first_are_held(struct kunit *test)
{
	struct space *s = new_space(test);

	for (int i = 2 * SPACE_TABLES; i; i--)
		tables_touched(s, i * PMD_SIZE);
	tables_empty(s);
	check_all_gone(test, s, SPACE_TABLES);
	KUNIT_EXPECT_TRUE(test, tables_held(s, 2 * SPACE_TABLES * PMD_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, tables_held(s, SPACE_TABLES * PMD_SIZE, PAGE_SIZE));
}

static void is_emptied_once(struct kunit *test)
{
	struct space *s = new_space(test);

	tables_touched(s, FIRST);
	tables_empty(s);
	KUNIT_EXPECT_TRUE(test, s->emptied);
	s->nr_ops = 0;
	tables_empty(s);
	KUNIT_EXPECT_EQ(test, s->nr_ops, 0);
	/* What is mapped then has to go, too, and holds its own table. */
	tables_touched(s, SECOND);
	KUNIT_EXPECT_FALSE(test, s->emptied);
	tables_empty(s);
	check_all_gone(test, s, 1);
	KUNIT_EXPECT_FALSE(test, tables_held(s, FIRST, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, tables_held(s, SECOND, PAGE_SIZE));
}

static void knows_what_is_held(struct kunit *test)
{
	struct space *s = new_space(test);

	tables_touched(s, FIRST + 7 * PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, tables_held(s, 0, TASK_SIZE));
	tables_empty(s);
	KUNIT_EXPECT_TRUE(test, tables_held(s, 0, TASK_SIZE));
	KUNIT_EXPECT_TRUE(test, tables_held(s, FIRST, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, tables_held(s, FIRST - PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, tables_held(s, FIRST - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, tables_held(s, FIRST + PAGE_SIZE, PMD_SIZE));
}

static struct kunit_case tables_cases[] = {
	KUNIT_CASE(empties_all),
	KUNIT_CASE(only_the_first_are_held),
	KUNIT_CASE(is_emptied_once),
	KUNIT_CASE(knows_what_is_held),
	{ }
};

/* As where the host's faults are dear. */
static unsigned int usual;

static int keep_some(struct kunit_suite *suite)
{
	usual = tables_max;
	tables_max = SPACE_TABLES;
	return 0;
}

static void keep_as_usual(struct kunit_suite *suite)
{
	tables_max = usual;
}

static struct kunit_suite tables_suite = {
	.name = "um_space_tables",
	.suite_init = keep_some,
	.suite_exit = keep_as_usual,
	.test_cases = tables_cases,
};
kunit_test_suite(tables_suite);
MODULE_DESCRIPTION("KUnit tests of the page tables that stay");
MODULE_LICENSE("GPL");
