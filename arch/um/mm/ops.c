// SPDX-License-Identifier: GPL-2.0
/*
 * The list of orders of a space: coalesced as they come, so that a run of
 * pages that is contiguous on both sides costs one host call.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <asm/space.h>

static bool single;	/* each page is an order */

static int __init no_join(char *value)
{
	single = true;
	return 1;
}
__setup("nojoin", no_join);

/* Can @b be done in one call with @a, which comes right before it? */
static bool joins(const struct map_op *a, const struct map_op *b)
{
	if (single || a->kind != b->kind || a->prot != b->prot)
		return false;
	if (b->kind == MAP_SET)
		return a->addr + a->len == b->addr && a->phys + a->len == b->phys;
	return a->addr + a->len == b->addr;
}

static bool covers(const struct map_op *a, const struct map_op *b)
{
	return a->addr <= b->addr && a->addr + a->len >= b->addr + b->len;
}

/**
 * ops_add() - add an order to a space's list
 *
 * Return: false when the list is full: carry it out first.
 */
bool ops_add(struct space *space, const struct map_op *op)
{
	struct map_op *last = space->nr_ops ? &space->ops[space->nr_ops - 1] : NULL;

	if (op->kind == MAP_EMPTY) {
		/* Whatever was to be changed will be gone. */
		space->ops[0] = *op;
		space->nr_ops = 1;
		return true;
	}
	if (last) {
		if (last->kind == MAP_EMPTY && op->kind != MAP_SET)
			return true;
		if (last->kind == MAP_UNSET && op->kind != MAP_SET && covers(last, op))
			return true;
		if (joins(last, op)) {
			last->len += op->len;
			return true;
		}
	}
	if (space->nr_ops == SPACE_OPS)
		return false;
	space->ops[space->nr_ops++] = *op;
	return true;
}
