// SPDX-License-Identifier: GPL-2.0
/*
 * Which mm has which space. Spaces are pooled: one that loses its mm is emptied, there
 * and then or when it gets the next mm, and keeps its host process and some of the
 * host's page tables (tables.c).
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/engine.h>
#include <asm/habit.h>
#include <asm/host.h>
#include <asm/mmu_context.h>
#include <asm/sites.h>
#include <asm/space.h>
#include <asm/text.h>
#include <asm/weaken.h>

/* Spaces that wait for their next mm. */
static LIST_HEAD(pool);
static unsigned int pooled, pool_max = 16;
static u64 pooled_ever;
static DEFINE_SPINLOCK(pool_lock);	/* and all_spaces */
static LIST_HEAD(all_spaces);

static int __init no_pool(char *value)
{
	pool_max = 0;
	return 1;
}
__setup("nopool", no_pool);

/* One that the program had before which forks now: it holds the tables. */
static struct space *from_pool(unsigned long stack)
{
	struct space *space;

	list_for_each_entry(space, &pool, list)
		if (stack && space->stack == stack)
			return space;
	return list_first_entry_or_null(&pool, struct space, list);
}

/* One that was in the pool, for its next mm. */
static void make_new(struct space *space)
{
	struct map_op empty = { .kind = MAP_EMPTY, .len = TASK_SIZE };

	space->age = SPACE_NEW;
	if (!space->emptied)
		ops_add(space, &empty);
	if (engine->space_reset)
		engine->space_reset(space);
}

static struct space *space_get(unsigned long stack)
{
	struct space *space;
	int err;

	spin_lock(&pool_lock);
	space = from_pool(stack);
	if (space) {
		list_del(&space->list);
		pooled--;
	}
	spin_unlock(&pool_lock);
	if (space) {
		make_new(space);
		return space;
	}

	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return ERR_PTR(-ENOMEM);
	space->age = SPACE_NEW;
	space->data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	err = space->data ? engine->space_create(space) : -ENOMEM;
	if (err) {
		if (err == -ESRCH)
			pr_err_once("space: the host process that all others are made from is gone (was it killed?): no program can be started any more\n");
		free_page((unsigned long)space->data);
		kfree(space);
		return ERR_PTR(err);
	}
	spin_lock(&pool_lock);
	list_add(&space->all, &all_spaces);
	spin_unlock(&pool_lock);
	return space;
}

/*
 * Whoever had the space may have forged its last answer and run on, even if
 * nothing was mapped that had to be taken away when its mm ended: only a runner
 * that has proved to wait in the stub is given to another program.
 */
static void stop_runner(struct space *space)
{
	if (!engine->space_settle || space->dead || space->proven || weakened(WEAK_NOPROOF))
		return;
	space->nr_ops = 0;
	ops_add(space, &(struct map_op) { .kind = MAP_EMPTY, .len = TASK_SIZE });
	engine->space_settle(space);
	space->held.nr = 0;
	space->touched.nr = 0;
	space->emptied = true;
}

static void space_put(struct space *space)
{
	bool keep = false;

	stop_runner(space);
	spin_lock(&pool_lock);
	if (!space->dead && pooled < pool_max) {
		space->pooled_as = ++pooled_ever;
		list_add(&space->list, &pool);
		pooled++;
		keep = true;
	} else {
		list_del(&space->all);
	}
	spin_unlock(&pool_lock);
	if (keep)
		return;
	engine->space_destroy(space);
	free_page((unsigned long)space->data);
	kfree(space);
}

/* Whose fork the host refused; Linux turns every error of a new mm into ENOMEM. */
static struct task_struct *refused;

/**
 * space_refused() - did the current task's system call fail for want of a host
 * process; told once
 */
bool space_refused(void)
{
	if (refused != current)
		return false;
	refused = NULL;
	return true;
}

int init_new_context(struct task_struct *task, struct mm_struct *mm)
{
	struct space *parent = mm->context.space, *space = space_get(mm->start_stack);

	/* dup_mm() copied the parent's. */
	mm->context.space = NULL;
	mm->context.forked = false;
	mm->context.unsettled = false;
	mm->context.empty = true;
	habit_init(mm, parent ? current->mm : NULL);
	if (IS_ERR(space)) {
		if (PTR_ERR(space) == -EAGAIN)
			refused = current;
		return PTR_ERR(space);
	}
	sites_fork(space, parent);
	if (parent)
		text_fork(mm);
	/* Its stack is shared with the child's now. */
	if (parent)
		parent->age = SPACE_FORKED;
	mm->context.space = space;
	return 0;
}

void destroy_context(struct mm_struct *mm)
{
	struct space *space = mm->context.space;

	habit_end(mm);
	if (!space)
		return;
	mm->context.space = NULL;
	sites_put(space);
	if (space->holds) {
		space->holds->owner = NULL;
		space->holds = NULL;
	}
	space_put(space);
	text_end(mm);
}

/**
 * space_begin() - a new program is about to run
 * @mm: its mm, which has not run yet
 *
 * It got a space while that of the program before was in use, often the one that
 * has been given up since. The host process of that one is still awake, and what it
 * needs is in the caches: so the new program goes on there. Not where the host's
 * page tables are kept, which wait for the next fork's child.
 */
void space_begin(struct mm_struct *mm)
{
	struct space *space = mm->context.space, *last;

	if (tables_max || space->age != SPACE_NEW || !mm->context.empty || space->sites)
		return;
	spin_lock(&pool_lock);
	last = list_first_entry_or_null(&pool, struct space, list);
	if (last && last->pooled_as > space->pooled_as)
		list_replace(&last->list, &space->list);
	else
		last = NULL;
	spin_unlock(&pool_lock);
	if (!last)
		return;
	/*
	 * Nothing was ever mapped in it for this mm; but what takes away the pages of
	 * the one before may still be in its list.
	 */
	if (space->nr_ops)
		space->emptied = false;
	space->nr_ops = 0;
	make_new(last);
	sites_fork(last, NULL);
	mm->context.space = last;
}

/*
 * A host process that somebody kills takes its guest programs with it, also
 * those that sleep and would not run for a long time.
 */
static void kill_programs(struct space *space)
{
	struct task_struct *p;

	rcu_read_lock();
	for_each_process(p) {
		struct task_struct *t = find_lock_task_mm(p);

		if (!t)
			continue;
		if (t->mm->context.space == space)
			send_sig(SIGKILL, p, 1);
		task_unlock(t);
	}
	rcu_read_unlock();
}

static void check_spaces(struct work_struct *work)
{
	struct space *space, *next;

	spin_lock(&pool_lock);
	list_for_each_entry_safe(space, next, &all_spaces, all)
		if (!space->dead && !engine->space_check(space))
			kill_programs(space);
	/* Of no use to the next mm. */
	list_for_each_entry_safe(space, next, &pool, list)
		if (space->dead) {
			list_del(&space->list);
			list_del(&space->all);
			pooled--;
			engine->space_destroy(space);
			free_page((unsigned long)space->data);
			kfree(space);
		}
	spin_unlock(&pool_lock);
}
static DECLARE_WORK(check_work, check_spaces);

static irqreturn_t space_interrupt(int irq, void *dev)
{
	schedule_work(&check_work);
	return IRQ_HANDLED;
}

static void on_child_death(int signo, struct siginfo *info, struct host_ucontext *uc)
{
	vcpu_raise(&vcpu0, IRQ_SPACE);
}

static int __init space_init(void)
{
	if (request_irq(IRQ_SPACE, space_interrupt, 0, "space", NULL))
		return -EBUSY;
	host_signal_child_deaths(on_child_death);
	return 0;
}
device_initcall(space_init);
