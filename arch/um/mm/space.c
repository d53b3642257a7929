// SPDX-License-Identifier: GPL-2.0
/*
 * What spaces hold. A space is a cache of an mm's page tables, held by a host process:
 * filled by faults, behind by the orders in its list until it runs again.
 *
 * What is taken away is noted when Linux flushes; what is added, when a fault
 * asks for it, together with what lies resident around it. All notes are
 * carried out in one go, right before guest code runs; where the engine cannot
 * be sure until then that guest code has stopped, what is taken away is carried
 * out at the flush (space_settle). Where spaces come from: pool.c.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/oom.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/space.h>
#include <asm/text.h>
#include <asm/tlb.h>
#include <asm/tlbflush.h>

/* A program of so many pages at most loses them all when it forks. */
#define SMALL	1024

static void add(struct space *space, const struct map_op *op)
{
	if (space->dead || ops_add(space, op))
		return;
	/* The list is full. */
	engine->space_update(space, space->ops, space->nr_ops);
	space->nr_ops = 0;
	ops_add(space, op);
}

/**
 * ops_set() - order memory to be mapped
 */
void ops_set(struct space *space, unsigned long addr, unsigned long phys, unsigned long len,
	     unsigned int prot)
{
	struct map_op op = {
		.kind = MAP_SET, .prot = prot, .addr = addr, .len = len, .phys = phys,
	};

	tables_touched(space, addr);
	add(space, &op);
}

static void note(struct mm_struct *mm, enum map_kind kind, unsigned int prot,
		 unsigned long addr, unsigned long len)
{
	struct map_op op = { .kind = kind, .prot = prot, .addr = addr, .len = len };
	struct space *space = mm->context.space;

	if (!space || addr >= TASK_SIZE)
		return;
	if (kind == MAP_READONLY && tables_held(space, addr, len))
		op.kind = MAP_UNSET;
	add(space, &op);
}

/* What was noted must be done before the caller frees or reuses the pages. */
static void settle(struct mm_struct *mm)
{
	struct space *space = mm->context.space;

	if (space && space->nr_ops && engine->space_settle)
		engine->space_settle(space);
}

/**
 * space_flush_range() - the pages of a range may no longer be what they were
 */
void space_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (end > TASK_SIZE)
		end = TASK_SIZE;
	start &= PAGE_MASK;
	end = PAGE_ALIGN(end);
	if (start < end)
		note(mm, MAP_UNSET, 0, start, end - start);
	settle(mm);
}
EXPORT_SYMBOL_GPL(space_flush_range);

/**
 * space_note_wrprotect() - fork has write-protected pages
 *
 * A page that the program writes to is replaced by another, and the host does
 * that for less where there is none than where one was in use. So a small
 * program's pages are taken away; a large one reads most of its pages on.
 *
 * Return: whether the space keeps them, for reading.
 */
bool space_note_wrprotect(struct mm_struct *mm, unsigned long addr, unsigned long len, bool exec)
{
	if (get_mm_counter(mm, MM_ANONPAGES) > SMALL) {
		note(mm, MAP_READONLY, MAP_PROT_READ | (exec ? MAP_PROT_EXEC : 0), addr, len);
		return true;
	}
	mm->context.unsettled = true;
	note(mm, MAP_UNSET, 0, addr, len);
	return false;
}

/* Whose pages mprotect() write-protects, under the lock of their table. */
static DEFINE_PER_CPU(struct mm_struct *, protecting);

pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	return ptep_get_and_clear(vma->vm_mm, addr, ptep);
}

/*
 * A page that is only write-protected stays in the space, to be read: as those of
 * every new program that the dynamic linker protects when it has relocated it.
 */
void ptep_modify_prot_commit(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
			     pte_t old, pte_t new)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned int prot = MAP_PROT_READ | (pte_exec(old) ? MAP_PROT_EXEC : 0);

	if (!pte_loses_write(old, new)) {
		set_pte_at(mm, addr, ptep, new);
		return;
	}
	set_pte_bits(ptep, new, pte_val(old) & _PAGE_SPACE_BITS);
	if (!pte_write(old) || !pte_dirty(old))
		return;
	note(mm, MAP_READONLY, prot, addr, PAGE_SIZE);
	this_cpu_write(protecting, mm);
}

/**
 * space_settle_protected() - the lock of a page table is about to be given up
 *
 * As after a flush, nobody need expect that a page is still written to.
 */
void space_settle_protected(void)
{
	struct mm_struct *mm = this_cpu_read(protecting);

	if (likely(!mm))
		return;
	this_cpu_write(protecting, NULL);
	settle(mm);
}

/**
 * space_may_hold() - must a flush follow when an entry goes
 * @pte: as it was in the table
 */
bool space_may_hold(struct mm_struct *mm, pte_t pte)
{
	return !(pte_val(pte) & _PAGE_NOT_IN_SPACE) || mm->context.unsettled;
}

/**
 * flush_tlb_mm() - nothing in the space may be trusted
 */
void flush_tlb_mm(struct mm_struct *mm)
{
	/* After fork: each page that changed was noted as it changed. */
	if (mm->context.forked)
		mm->context.forked = false;
	else
		note(mm, MAP_EMPTY, 0, 0, TASK_SIZE);
	settle(mm);
	mm->context.unsettled = false;
}

/**
 * space_flush_exit() - an mm is about to free all its pages
 *
 * Without a need to settle this waits until the space is used again.
 */
void space_flush_exit(struct mm_struct *mm)
{
	struct space *space = mm->context.space;

	if (!space || !engine->space_settle)
		return;
	tables_empty(space);
	space->stack = mm->start_stack;
	settle(mm);
}

void flush_tlb_all(void)
{
	struct task_struct *p;

	rcu_read_lock();
	for_each_process(p) {
		struct task_struct *t = find_lock_task_mm(p);

		if (!t)
			continue;
		flush_tlb_mm(t->mm);
		task_unlock(t);
	}
	rcu_read_unlock();
	flush_tlb_kernel_range(MODULES_VADDR, MODULES_END);
	flush_tlb_kernel_range(VMALLOC_START, VMALLOC_END);
}

void update_mmu_cache_range(struct vm_fault *vmf, struct vm_area_struct *vma,
			    unsigned long addr, pte_t *ptep, unsigned int nr)
{
	/* The fault itself fills the space when it is done: space_fill(). */
}

/*
 * What a space may allow. Writing waits for the dirty bit, which the write
 * fault sets; the accessed bit costs nothing, reclaim clears it with a flush.
 */
static unsigned int space_prot(pte_t pte)
{
	unsigned int prot = MAP_PROT_READ;

	if (!pte_user(pte) || (pte_val(pte) & PAGE_MASK) >= physmem_size)
		return 0;
	if (pte_write(pte) && pte_dirty(pte))
		prot |= MAP_PROT_WRITE;
	if (pte_exec(pte))
		prot |= MAP_PROT_EXEC;
	return prot;
}

/* What to map for an entry that allows so much. */
static unsigned long space_phys(const struct mm_struct *mm, unsigned long addr, pte_t pte,
				unsigned int prot)
{
	unsigned long phys = pte_val(pte) & PAGE_MASK;

	if (likely(!mm->context.text) || (prot & (MAP_PROT_WRITE | MAP_PROT_EXEC)) != MAP_PROT_EXEC)
		return phys;
	return text_page(mm, addr, phys);
}

/* Can one order map both of two neighbours, to be read? */
static bool one_order(const struct mm_struct *mm, unsigned long addr, const pte_t *low)
{
	pte_t a = ptep_get((pte_t *)low), b = ptep_get((pte_t *)low + 1);
	unsigned int prot = space_prot(a);

	return prot && !(prot & MAP_PROT_WRITE) && prot == space_prot(b) &&
	       space_phys(mm, addr, a, prot) + PAGE_SIZE ==
	       space_phys(mm, addr + PAGE_SIZE, b, prot);
}

/*
 * Where the host's faults are cheap, an order costs no more for many pages than
 * for a few. So what the tables hold of a file around a block, and one order maps
 * with it, is mapped too.
 */
static void widen(const struct mm_struct *mm, const pte_t *entry, unsigned long addr,
		  bool stale, unsigned long *from, unsigned long *to)
{
	unsigned long low = addr & ~(SPACE_FILE_AROUND - 1), high = low + SPACE_FILE_AROUND;
	const pte_t *first = entry - (addr - *from) / PAGE_SIZE;
	const pte_t *last = first + (*to - *from) / PAGE_SIZE - 1;
	unsigned long there = stale ? 0 : _PAGE_IN_SPACE;

	for (; *from > low && one_order(mm, *from - PAGE_SIZE, first - 1); first--, *from -= PAGE_SIZE)
		if (pte_val(first[-1]) & there)
			break;
	for (; *to < high && one_order(mm, *to - PAGE_SIZE, last); last++, *to += PAGE_SIZE)
		if (pte_val(last[1]) & there)
			break;
}

static bool alone;	/* only the page that was asked for */

static int __init no_around(char *value)
{
	alone = true;
	return 1;
}
__setup("noaround", no_around);

static bool fill(struct mm_struct *mm, unsigned long addr, unsigned int access, bool around)
{
	static const u8 need[] = {
		[ACCESS_READ] = MAP_PROT_READ,
		[ACCESS_WRITE] = MAP_PROT_READ | MAP_PROT_WRITE,
		[ACCESS_EXEC] = MAP_PROT_READ | MAP_PROT_EXEC,
	};
	unsigned long size, from, to, a;
	pte_t *entry = user_entry(mm, addr, &size);
	unsigned int prot;
	bool stale;

	if (!entry)
		return false;
	prot = space_prot(ptep_get(entry));
	if (!prot || (prot & need[access]) != need[access])
		return false;
	mm->context.empty = false;
	if (size != PAGE_SIZE) {
		/* One order for all of it; the host populates it in one call. */
		ops_set(mm->context.space, addr & ~(size - 1),
			pte_val(ptep_get(entry)) & PAGE_MASK, size, prot);
		WRITE_ONCE(*entry, pte_mkyoung(ptep_get(entry)));
		return true;
	}

	/*
	 * A page that should be in the space and is not: the space was emptied,
	 * and so the hints around are as stale as this one.
	 */
	stale = access != ACCESS_WRITE && pte_val(ptep_get(entry)) & _PAGE_IN_SPACE;

	addr &= PAGE_MASK;
	if (unlikely(mm->context.text))
		text_check(mm, addr, pte_val(ptep_get(entry)) & PAGE_MASK);
	around &= !alone;
	from = around ? addr & ~(SPACE_AROUND - 1) : addr;
	to = from + (around ? SPACE_AROUND : PAGE_SIZE);
	if (!host_faults_dear && access != ACCESS_WRITE && !alone)
		widen(mm, entry, addr, stale, &from, &to);
	entry -= (addr - from) / PAGE_SIZE;
	for (a = from; a < to; a += PAGE_SIZE, entry++) {
		pte_t pte = ptep_get(entry);

		prot = space_prot(pte);
		/* Who writes here writes there, and what is there will be replaced. */
		if (access == ACCESS_WRITE && !(prot & MAP_PROT_WRITE))
			continue;
		if (!prot || (a != addr && !stale && (pte_val(pte) & _PAGE_IN_SPACE)))
			continue;
		ops_set(mm->context.space, a, space_phys(mm, a, pte, prot), PAGE_SIZE, prot);
		WRITE_ONCE(*entry, __pte((pte_val(pte) & ~_PAGE_NOT_IN_SPACE) |
					 _PAGE_IN_SPACE | _PAGE_ACCESSED));
	}
	return true;
}

/**
 * space_fill() - map a page that the page tables hold, and its neighbours
 * @mm: the running task's
 * @addr: where guest code faulted
 * @access: ACCESS_READ, ACCESS_WRITE or ACCESS_EXEC
 *
 * Return: false when the page tables do not allow the access (yet).
 */
bool space_fill(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	return fill(mm, addr, access, true);
}

/**
 * space_fill_one() - map a page, and what goes with it into one order
 *
 * For pages that are known to be wanted, where each order is dearer than a fault of
 * the host: a block may be many orders, most of them in vain. Otherwise as space_fill().
 */
bool space_fill_one(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	return fill(mm, addr, access, host_faults_dear);
}

/**
 * uregs_fetch() - make uregs->xstate current
 */
void uregs_fetch(struct uregs *uregs)
{
	if (uregs->owner)
		engine->fetch_xstate(uregs->owner, uregs);
}
EXPORT_SYMBOL_GPL(uregs_fetch);

/**
 * uregs_drop() - forget what a runner holds: xstate is about to be set anew
 */
void uregs_drop(struct uregs *uregs)
{
	if (uregs->owner)
		uregs->owner->holds = NULL;
	uregs->owner = NULL;
}
