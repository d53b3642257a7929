// SPDX-License-Identifier: GPL-2.0
/*
 * Patched system calls. Where a program makes the same system call from the
 * same place again and again, and the engine has a way into the kernel that is
 * a plain jump, the instructions
 *
 *	b8 NR NR NR NR		mov  $NR, %eax
 *	0f 05			syscall
 *
 * become
 *
 *	ff 24 25 AA AA 0f 05	jmp  *0x050fAAAA
 *
 * in the program's private copy of that page. The last two bytes stay what they
 * were, since the table lies where its addresses end in them: whoever jumps to
 * the syscall instruction itself, or restarts a call, finds it. A slot of the
 * table leads to a thunk, which loads number and return address and jumps to
 * the engine:
 *
 *	48 b9 ..	movabs $RETURN, %rcx
 *	b8 ..		mov    $NR, %eax
 *	49 bb ..	movabs $ENTRY, %r11
 *	41 ff e3	jmp    *%r11
 *
 * rcx and r11 are what a system call destroys anyway.
 *
 * Only text that is mapped privately from a file is patched, and nothing of a
 * program that is traced: a debugger finds the text as it was. When the table's
 * addresses are taken by something else, or are wanted by the program later,
 * all patches are taken back.
 *
 * A fork shares table and thunks with its parent; a slot belongs to a place in
 * the address space, whoever has it.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/sites.h>
#include <asm/unistd.h>
#include <asm/weaken.h>

#define TABLE		0x050f0000UL
#define SLOTS		512UL
#define THUNK_SIZE	32UL
#define THUNKS		(TABLE + PAGE_SIZE)
#define NR_PAGES	(1 + SLOTS * THUNK_SIZE / PAGE_SIZE)
#define TABLE_SIZE	(NR_PAGES * PAGE_SIZE)

#define SITE_SIZE	7
#define HOT		64	/* calls until a patch is worth its page copy */

/**
 * struct sites - table and thunks of a program and its forks
 * @ref:	address spaces that have them
 * @n:		slots in use
 * @addr:	the address of each site
 * @nr:		its system call
 * @pages:	table, then thunks
 * @mapping:	how they are mapped
 */
struct sites {
	refcount_t ref;
	unsigned int n;
	unsigned long addr[SLOTS];
	u32 nr[SLOTS];
	struct page *pages[NR_PAGES + 1];
	struct vm_special_mapping mapping;
};

struct thunk {
	u8 mov_rcx[2];
	u64 ret;
	u8 mov_eax;
	u32 nr;
	u8 mov_r11[2];
	u64 entry;
	u8 jmp[3];
} __packed;

static void original(u8 *code, u32 nr)
{
	code[0] = 0xb8;
	memcpy(code + 1, &nr, sizeof(nr));
	code[5] = 0x0f;
	code[6] = 0x05;
}

static void patched(u8 *code, unsigned int slot)
{
	u32 at = TABLE + slot * sizeof(u64);

	code[0] = 0xff;
	code[1] = 0x24;
	code[2] = 0x25;
	memcpy(code + 3, &at, sizeof(at));
}

/* The table is no longer mapped; the patches are taken back before it is used. */
static void table_unmapped(const struct vm_special_mapping *sm, struct vm_area_struct *vma)
{
	struct space *space = vma->vm_mm->context.space;

	if (space)
		space->sites_lost = true;
}

static void sites_free(struct sites *s)
{
	for (int i = 0; i < NR_PAGES; i++)
		if (s->pages[i])
			put_page(s->pages[i]);
	kfree(s);
}

static struct sites *sites_alloc(void)
{
	struct sites *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	for (int i = 0; i < NR_PAGES; i++) {
		s->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!s->pages[i]) {
			sites_free(s);
			return NULL;
		}
	}
	refcount_set(&s->ref, 1);
	s->mapping.name = "[syscalls]";
	s->mapping.pages = s->pages;
	s->mapping.close = table_unmapped;
	return s;
}

/**
 * sites_put() - an address space is gone
 */
void sites_put(struct space *space)
{
	if (space->sites && refcount_dec_and_test(&space->sites->ref))
		sites_free(space->sites);
	space->sites = NULL;
}

static bool map_table(struct mm_struct *mm, struct sites *s)
{
	struct vm_area_struct *vma = NULL;

	if (mmap_write_lock_killable(mm))
		return false;
	if (!find_vma_intersection(mm, TABLE, TABLE + TABLE_SIZE))
		vma = _install_special_mapping(mm, TABLE, TABLE_SIZE, VM_READ | VM_EXEC |
					       VM_MAYREAD | VM_MAYEXEC, &s->mapping);
	mmap_write_unlock(mm);
	return !IS_ERR_OR_NULL(vma);
}

/* Text of a file, mapped privately: is that what these bytes are? */
static bool is_text(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	bool good = false;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		good = vma->vm_file && vma->vm_flags & VM_EXEC &&
		       !(vma->vm_flags & (VM_SHARED | VM_WRITE));
	mmap_read_unlock(mm);
	return good;
}

static int find_slot(struct sites *s, unsigned long addr, u32 nr)
{
	struct thunk *t;
	unsigned int i;
	u64 *table;

	for (i = 0; i < s->n; i++)
		if (s->addr[i] == addr && s->nr[i] == nr)
			return i;
	if (i == SLOTS)
		return -1;
	t = page_address(s->pages[1 + i * THUNK_SIZE / PAGE_SIZE]) + i * THUNK_SIZE % PAGE_SIZE;
	*t = (struct thunk) {
		.mov_rcx = { 0x48, 0xb9 }, .ret = addr + SITE_SIZE,
		.mov_eax = 0xb8, .nr = nr,
		.mov_r11 = { 0x49, 0xbb }, .entry = engine->syscall_entry(),
		.jmp = { 0x41, 0xff, 0xe3 },
	};
	table = page_address(s->pages[0]);
	table[i] = THUNKS + i * THUNK_SIZE;
	s->addr[i] = addr;
	s->nr[i] = nr;
	s->n++;
	return i;
}

static void patch(struct space *space, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	u8 code[SITE_SIZE], want[SITE_SIZE];
	bool fresh = false;
	int slot;
	u32 nr;

	if ((addr & ~PAGE_MASK) > PAGE_SIZE - SITE_SIZE ||
	    copy_from_user(code, (void __user *)addr, SITE_SIZE))
		return;
	memcpy(&nr, code + 1, sizeof(nr));
	original(want, nr);
	if (memcmp(code, want, SITE_SIZE) || !is_text(mm, addr))
		return;
	if (!space->sites) {
		space->sites = sites_alloc();
		fresh = true;
	}
	if (!space->sites)
		return;
	if (fresh && !map_table(mm, space->sites)) {
		sites_put(space);
		space->sites_off = true;
		return;
	}
	slot = find_slot(space->sites, addr, nr);
	if (slot < 0)
		return;
	patched(code, slot);
	space->sites_live = true;
	access_process_vm(current, addr, code, SITE_SIZE, FOLL_WRITE | FOLL_FORCE);
}

/**
 * sites_note() - a system call came by signal
 * @ip: after its instruction
 */
void sites_note(struct space *space, unsigned long ip)
{
	unsigned int i = (ip ^ ip >> 7) % ARRAY_SIZE(space->hot);

	if (space->hot[i].ip != ip) {
		space->hot[i].ip = ip;
		space->hot[i].n = 0;
	}
	if (++space->hot[i].n != HOT || space->sites_off || space->sites_lost ||
	    current->ptrace || boot_options.no_patch)
		return;
	patch(space, ip - SITE_SIZE);
}

static void unpatch(struct sites *s)
{
	u8 code[SITE_SIZE], is[SITE_SIZE];

	for (unsigned int i = 0; i < s->n; i++) {
		patched(code, i);
		if (access_process_vm(current, s->addr[i], is, SITE_SIZE, FOLL_FORCE) !=
		    SITE_SIZE)
			continue;
		/* The last two bytes are the same anyway. */
		if (memcmp(is, code, SITE_SIZE))
			continue;
		original(code, s->nr[i]);
		access_process_vm(current, s->addr[i], code, SITE_SIZE,
				  FOLL_WRITE | FOLL_FORCE);
	}
}

/**
 * sites_remove() - the program's text as it was
 *
 * The table stays mapped: a thread may have been interrupted in a thunk.
 */
void sites_remove(struct space *space)
{
	unpatch(space->sites);
	space->sites_live = false;
	memset(space->hot, 0, sizeof(space->hot));
}

/**
 * sites_check() - is there a reason to take the patches back
 *
 * The program is traced, or has unmapped the table. Sleeps.
 */
void sites_check(struct space *space)
{
	if (weakened(WEAK_NOUNPATCH))
		return;
	if (space->sites_lost)
		space->sites_off = true;
	if (space->sites_lost || current->ptrace)
		sites_remove(space);
}

/**
 * sites_fork() - a fork's text is patched as its parent's is
 * @parent: the parent's space, or NULL for a new program
 */
void sites_fork(struct space *space, struct space *parent)
{
	space->sites = parent ? parent->sites : NULL;
	if (space->sites)
		refcount_inc(&space->sites->ref);
	space->sites_off = parent && parent->sites_off;
	space->sites_live = parent && parent->sites_live;
	space->sites_lost = parent && parent->sites_lost;
	memset(space->hot, 0, sizeof(space->hot));
}

/**
 * sites_before() - a system call that may want the table's addresses
 *
 * Only the heap grows to where nothing chose to put it.
 */
void sites_before(struct space *space, long nr, unsigned long arg)
{
	if (nr != __NR_brk || arg <= TABLE || current->mm->brk > TABLE || space->sites_off)
		return;
	sites_remove(space);
	space->sites_off = true;
	vm_munmap(TABLE, TABLE_SIZE);
	space->sites_lost = false;
}
