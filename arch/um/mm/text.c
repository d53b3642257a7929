// SPDX-License-Identifier: GPL-2.0
/*
 * Improved text. What a program's start carries out first of all is the text of the
 * dynamic linker, or its own if it is static: forty CPUIDs and some ten or twenty
 * system calls, which is most of what a short program costs. So of files that are begun
 * again and again a copy is made in which these are jumps (x86/text_sites.c). Spaces
 * are given pages of it in the place of the file's.
 *
 * Linux knows nothing of that. Its page tables have the file's pages; only the order
 * that maps them into a space names the others. All that goes through the kernel
 * (ptrace, core dumps, /proc/PID/mem) and all that was written to is the file's, or the
 * program's own. A copy is one file's state at one time, told by its inode and when it
 * was last changed; who began with it goes on with it.
 *
 * A program that is traced is given the file's own text, at once when it begins and
 * else before it runs on. The last page holds what the jumps lead to: a program that has
 * written to it, which no program does that is not traced, is given the file's own text
 * as well.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cpuid_page.h>
#include <asm/engine.h>
#include <asm/space.h>
#include <asm/text.h>
#include <asm/text_sites.h>
#include <asm/tlbflush.h>

#define FILES		16	/* that are remembered, those begun last */
#define USES		4	/* until a copy is made */
#define MAX_SIZE	(8U << 20)
#define SHARE		32	/* of memory, for all copies */
#define SETTLED		(2 * NSEC_PER_SEC / 100) /* two ticks of the slowest clock since it was changed */

/**
 * struct text - the text of one file
 * @list:	of all, the one begun last first
 * @users:	the list, and each mm that has it
 * @mapping:	whose pages it stands for, from index @first on
 * @ino, @generation, @changed: of its inode, then
 * @seen:	how often it was begun
 * @tried:	to make a copy
 * @plan:	the copy, when there is one
 */
struct text {
	struct list_head list;
	refcount_t users;
	struct address_space *mapping;
	pgoff_t first;
	unsigned long ino;
	u32 generation;
	struct timespec64 changed;
	unsigned int seen;
	bool tried;
	struct text_plan plan;
};

static LIST_HEAD(texts);
static DEFINE_MUTEX(lock);	/* of the list, and of who gets a copy */
static atomic_long_t used;	/* bytes of copies */
static bool off;

static int __init no_text(char *value)
{
	off = true;
	return 1;
}
__setup("notext", no_text);

static void put(struct text *t)
{
	if (!refcount_dec_and_test(&t->users))
		return;
	atomic_long_sub(t->plan.size, &used);
	text_read_end(&t->plan);
	kfree(t);
}

static bool is_of(const struct text *t, struct inode *inode, pgoff_t first)
{
	struct timespec64 changed = inode_get_ctime(inode);

	return t->mapping == inode->i_mapping && t->first == first &&
	       t->ino == inode->i_ino && t->generation == inode->i_generation &&
	       timespec64_equal(&t->changed, &changed);
}

/* The entry of a file, now the first one; a new one takes the place of the last. */
static struct text *text_of(struct inode *inode, pgoff_t first)
{
	unsigned int n = 0;
	struct text *t;

	list_for_each_entry(t, &texts, list) {
		if (is_of(t, inode, first)) {
			list_move(&t->list, &texts);
			return t;
		}
		n++;
	}
	if (n >= FILES) {
		t = list_last_entry(&texts, struct text, list);
		list_del(&t->list);
		put(t);
	}
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return NULL;
	refcount_set(&t->users, 1);
	t->mapping = inode->i_mapping;
	t->first = first;
	t->ino = inode->i_ino;
	t->generation = inode->i_generation;
	t->changed = inode_get_ctime(inode);
	list_add(&t->list, &texts);
	return t;
}

/* Would a change since be seen in what the inode says? */
static bool settled(const struct text *t)
{
	struct timespec64 now;

	ktime_get_coarse_real_ts64(&now);
	return timespec64_to_ns(&now) - timespec64_to_ns(&t->changed) > SETTLED;
}

/*
 * Make the copy. Not under the lock: to read the file may take as long as whoever
 * serves it likes.
 */
static bool make(struct text *t, struct file *file, u32 size, struct text_plan *plan)
{
	static atomic_t learnt;

	if (size > MAX_SIZE ||
	    atomic_long_read(&used) + size > totalram_pages() * PAGE_SIZE / SHARE ||
	    text_read(file, (loff_t)t->first << PAGE_SHIFT, size, plan))
		return false;
	plan->cpuid_entry = STUB_CPUID;
	plan->syscall_entry = engine->syscall_entry();
	if (text_improve(plan) <= 0) {
		text_read_end(plan);
		return false;
	}
	if (!atomic_xchg(&learnt, 1))
		cpuid_learn(engine->cpuid_page());
	kvfree(plan->funcs);
	plan->funcs = NULL;
	atomic_long_add(size, &used);
	return true;
}

/* The file that is mapped as text at an address, and from where on. */
static struct file *file_at(struct mm_struct *mm, unsigned long ip, unsigned long *start,
			    u32 *size, pgoff_t *first)
{
	struct vm_area_struct *vma;
	struct file *file = NULL;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, ip);
	if (vma && vma->vm_file && vma->vm_flags & VM_EXEC &&
	    !(vma->vm_flags & (VM_WRITE | VM_SHARED)) &&
	    vma->vm_end - vma->vm_start <= MAX_SIZE) {
		file = get_file(vma->vm_file);
		*start = vma->vm_start;
		*size = vma->vm_end - vma->vm_start;
		*first = vma->vm_pgoff;
	}
	mmap_read_unlock(mm);
	return file;
}

/**
 * text_begin() - a new program is about to run
 * @ip: where it begins
 */
void text_begin(struct mm_struct *mm, unsigned long ip)
{
	unsigned long start;
	struct inode *inode;
	struct file *file;
	struct text *t;
	pgoff_t first;
	u32 size;

	if (off || !engine->cpuid_page || current->ptrace)
		return;
	file = file_at(mm, ip, &start, &size, &first);
	if (!file)
		return;
	inode = file_inode(file);
	mutex_lock(&lock);
	t = text_of(inode, first);
	if (!t)
		goto out;
	refcount_inc(&t->users);
	if (!t->plan.text && !t->tried && ++t->seen >= USES && settled(t)) {
		struct text_plan plan;
		bool made;

		/* Nobody else tries, whatever comes of it. */
		t->tried = true;
		mutex_unlock(&lock);
		made = make(t, file, size, &plan);
		mutex_lock(&lock);
		if (made)
			t->plan = plan;
	}
	if (t->plan.text && t->plan.size == size) {
		mm->context.text = t;
		mm->context.text_start = start;
		mm->context.text_left = false;
	} else {
		put(t);
	}
out:
	mutex_unlock(&lock);
	fput(file);
}

/**
 * text_fork() - a new mm is a copy of one that may have improved text
 */
void text_fork(struct mm_struct *mm)
{
	if (mm->context.text)
		refcount_inc(&mm->context.text->users);
}

/**
 * text_end() - the end of an mm, whose space is empty
 */
void text_end(struct mm_struct *mm)
{
	if (mm->context.text)
		put(mm->context.text);
	mm->context.text = NULL;
}

/* Is it the page that holds what the jumps lead to? */
static bool is_last(const struct text *t, unsigned long at)
{
	return at - (t->plan.size - PAGE_SIZE) < PAGE_SIZE;
}

/**
 * text_keeps() - must the program's text at an address stay as it is
 */
bool text_keeps(const struct mm_struct *mm, unsigned long addr)
{
	const struct text *t = mm->context.text;

	return t && is_last(t, addr - mm->context.text_start);
}

/**
 * text_leave() - a program goes on with the file's own text
 *
 * But for what the jumps lead to: a thread may be there.
 */
void text_leave(struct mm_struct *mm)
{
	unsigned long start = mm->context.text_start;

	if (mm->context.text_left)
		return;
	mm->context.text_left = true;
	space_flush_range(mm, start, start + mm->context.text->plan.size - PAGE_SIZE);
}

/**
 * text_check() - the current program has touched a page
 * @phys: what the tables have there, as for text_page()
 *
 * Where that is the last one, and it is the program's own now, jumps must not lead there
 * any more. Where one has, the program goes on from before it.
 */
void text_check(struct mm_struct *mm, unsigned long addr, unsigned long phys)
{
	struct pt_regs *regs = &current->thread.uregs.gp;
	const struct text_plan *plan = &mm->context.text->plan;
	unsigned long start = mm->context.text_start;
	u32 site;

	if (mm->context.text_left || !text_keeps(mm, addr) || text_page(mm, addr, phys) != phys)
		return;
	text_leave(mm);
	/* Only a jump of the text can have led there. */
	if (regs->ip - start < plan->used || regs->ip - start >= plan->size)
		return;
	site = text_site_of(plan, regs->ip - start);
	if (site != TEXT_NO_SITE)
		regs->ip = start + site;
}

/**
 * text_page() - what a space gets for a page of a program's text
 * @phys: the page that it may execute, by the tables
 *
 * Return: the page to map, guest-physical.
 */
unsigned long text_page(const struct mm_struct *mm, unsigned long addr, unsigned long phys)
{
	const struct text *t = mm->context.text;
	unsigned long at = addr - mm->context.text_start;
	struct page *page = pfn_to_page(PHYS_PFN(phys));
	struct folio *folio = page_folio(page);

	if (at >= t->plan.size || (mm->context.text_left && !is_last(t, at)) ||
	    folio->mapping != t->mapping ||
	    folio_pgoff(folio) + folio_page_idx(folio, page) != t->first + (at >> PAGE_SHIFT))
		return phys;
	return __pa(t->plan.text) + at;
}
