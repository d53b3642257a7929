// SPDX-License-Identifier: GPL-2.0
/*
 * Habits: what a program touches after a fork, known from the last time.
 *
 * Guest code that touches a page which its space does not hold costs a trap of
 * the host and a hand-over to the kernel and back, tens of times what the page
 * itself costs. A child begins with an empty space, and its parent goes on with
 * all that is now shared taken away; and both do much the same after each fork,
 * as with a shell's. So the first pages that a child has faulted in are noted
 * with its parent, and those of the parent after the fork too. At the next fork
 * they are brought in before the first instruction, all with one hand-over.
 *
 * A note is a guess that decides nothing but when a fault is handled. It is
 * brought in only without waiting, and for writing only where that is private.
 * So that guesses which no longer hold go away, all are forgotten now and then.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <asm/habit.h>
#include <asm/space.h>
#include <asm/trap.h>

#define PAGES		64	/* of one side */
#define FORKS		64	/* then they are forgotten */

/*
 * Of a new program, so many pages of its files' data are copied at the first
 * touch; see copy_data() in fault.c.
 */
#define DATA_COPIES	64

struct pages {
	unsigned int nr;
	unsigned long at[PAGES];	/* address of the page, | ACCESS_* */
};

/**
 * struct habit - of the program in one mm
 * @users: that mm, and its children's
 * @lock: of all below
 * @forks: since the pages were last forgotten
 * @parent: what it touched after a fork
 * @child: what its last children touched
 */
struct habit {
	refcount_t users;
	spinlock_t lock;
	unsigned int forks;
	struct pages parent, child;
};

static bool off;

static int __init no_habits(char *value)
{
	off = true;
	return 1;
}
__setup("nohabits", no_habits);

static struct habit *habit_of(struct mm_struct *mm)
{
	struct habit *new, *old;

	if (mm->context.habit || off)
		return mm->context.habit;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!new)
		return NULL;
	refcount_set(&new->users, 1);
	spin_lock_init(&new->lock);
	old = cmpxchg(&mm->context.habit, NULL, new);
	if (old)
		kfree(new);
	return old ?: new;
}

static void habit_put(struct habit *h)
{
	if (h && refcount_dec_and_test(&h->users))
		kfree(h);
}

/**
 * habit_init() - an mm begins
 * @mm: what begins
 * @parent: whose copy it is, or NULL
 */
void habit_init(struct mm_struct *mm, struct mm_struct *parent)
{
	struct habit *h = parent ? habit_of(parent) : NULL;

	mm->context.habit = NULL;
	mm->context.taught = h;
	mm->context.learning = NULL;
	mm->context.to_learn = 0;
	mm->context.copies = parent || off ? 0 : DATA_COPIES;
	if (!h)
		return;
	refcount_inc(&h->users);
	spin_lock(&h->lock);
	if (++h->forks == FORKS) {
		h->forks = 0;
		h->parent.nr = 0;
		h->child.nr = 0;
	}
	spin_unlock(&h->lock);
}

/**
 * habit_end() - an mm ends
 */
void habit_end(struct mm_struct *mm)
{
	habit_put(mm->context.habit);
	habit_put(mm->context.taught);
	mm->context.habit = NULL;
	mm->context.taught = NULL;
}

/* The one whose pages an mm adds to, and which pages those are. */
static struct pages *learning(struct mm_struct *mm)
{
	struct habit *h = mm->context.learning;

	return h == mm->context.habit ? &h->parent : &h->child;
}

/**
 * habit_learn() - a program has faulted a page in
 * @addr: where
 * @access: ACCESS_*
 */
void habit_learn(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	struct habit *h = mm->context.learning;
	struct pages *p = learning(mm);
	unsigned int i;

	mm->context.to_learn--;
	addr &= PAGE_MASK;
	spin_lock(&h->lock);
	for (i = 0; i < p->nr; i++)
		if ((p->at[i] & PAGE_MASK) == addr)
			break;
	if (i == p->nr && p->nr < PAGES)
		p->at[p->nr++] = addr;
	if (i < p->nr)
		p->at[i] |= access;
	spin_unlock(&h->lock);
}

static void foresee(struct mm_struct *mm, const struct pages *p, bool writes)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		unsigned long addr = p->at[i] & PAGE_MASK;
		unsigned int access = ACCESS_READ;

		if (p->at[i] & ACCESS_WRITE)
			access = ACCESS_WRITE;
		else if (p->at[i] & ACCESS_EXEC)
			access = ACCESS_EXEC;
		if ((access == ACCESS_WRITE) != writes)
			continue;
		if (!space_fill_one(mm, addr, access) && fault_in_guess(mm, addr, access, false))
			space_fill_one(mm, addr, access);
	}
}

/**
 * habit_forked() - a program goes on after a fork
 * @mm: the running task's
 * @child: it is the child
 *
 * What it will touch is brought in, and what it touches beside that, learned.
 */
void habit_forked(struct mm_struct *mm, bool child)
{
	struct habit *h = child ? mm->context.taught : mm->context.habit;
	struct pages known;

	if (!h)
		return;
	mm->context.learning = h;
	mm->context.copies = 0;
	mm->context.to_learn = PAGES;
	spin_lock(&h->lock);
	known = *learning(mm);
	spin_unlock(&h->lock);
	/* First the pages that will be copied: none is mapped for reading before. */
	foresee(mm, &known, true);
	foresee(mm, &known, false);
}
