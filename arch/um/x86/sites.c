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
 * the syscall instruction itself, or restarts a call, finds it. Any other
 * instruction of five bytes does as well if it is known that it may be carried
 * out elsewhere; libc's syscall() has
 *
 *	4c 8b 4c 24 08		mov  8(%rsp), %r9
 *	0f 05			syscall
 *
 * libc's read() has only two bytes there, and room for the jump in the gap
 * behind a function's end nearby, which no program reaches:
 *
 *	31 c0			xor  %eax, %eax		eb ..	jmp  gap
 *	0f 05			syscall			0f 05	syscall
 *
 *	48 3d 00 f0 ff ff	cmp  $-4096, %rax
 *	77 ..			ja   error
 *	c3			ret
 *	66 2e 0f 1f 84 00 ..	a nop of ten bytes	ff 24 25 AA AA 0f 05 ..
 *				up to a multiple of 16
 *
 * A slot of the table leads to a thunk, which carries out the instruction,
 * loads the return address and jumps to the engine:
 *
 *	b8 ..		mov    $NR, %eax
 *	48 b9 ..	movabs $RETURN, %rcx
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
 * the address space, whoever has it. Neither may trust that: what stands at that
 * place is what counts, in each of them.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/sites.h>
#include <asm/text.h>
#include <asm/unistd.h>
#include <asm/weaken.h>

#define TABLE		0x050f0000UL
#define SLOTS		512UL
#define GAPS		8U
#define THUNK_SIZE	32UL
#define THUNKS		(TABLE + PAGE_SIZE)
#define NR_PAGES	(1 + SLOTS * THUNK_SIZE / PAGE_SIZE)
#define TABLE_SIZE	(NR_PAGES * PAGE_SIZE)

#define INSN_SIZE	5	/* the instruction before a system call, in a thunk */
#define SYSCALL_SIZE	2
#define JUMP_SIZE	(INSN_SIZE + SYSCALL_SIZE)
#define XOR_SIZE	2
#define REACH		128	/* of a short jump */
#define HOT		64	/* calls until a patch is worth its page copy */

/**
 * struct site - a system call that was patched
 * @syscall:	address of its instruction
 * @jump:	where the jump to the thunk is: before it, or in a gap
 * @was:	what is there otherwise
 */
struct site {
	unsigned long syscall;
	unsigned long jump;
	u8 was[JUMP_SIZE];
};

/**
 * struct sites - table and thunks of a program and its forks
 * @ref:	address spaces that have them
 * @n:		slots in use
 * @site:	what each is for
 * @nr_gaps:	how many of them jump from a gap
 * @gap:	which
 * @pages:	table, then thunks
 * @mapping:	how they are mapped
 */
struct sites {
	refcount_t ref;
	unsigned int n;
	struct site site[SLOTS];
	unsigned int nr_gaps;
	u16 gap[GAPS];
	struct page *pages[NR_PAGES + 1];
	struct vm_special_mapping mapping;
};

struct thunk {
	u8 insn[INSN_SIZE];
	u8 mov_rcx[2];
	u64 ret;
	u8 mov_r11[2];
	u64 entry;
	u8 jmp[3];
} __packed;

static const u8 xor_eax[XOR_SIZE] = { 0x31, 0xc0 };

static bool in_gap(const struct site *site)
{
	return site->jump != site->syscall - INSN_SIZE;
}

static void jump_through(u8 *code, unsigned int slot)
{
	u32 at = TABLE + slot * sizeof(u64);

	code[0] = 0xff;
	code[1] = 0x24;
	code[2] = 0x25;
	memcpy(code + 3, &at, sizeof(at));
}

static void jump_short(u8 *code, const struct site *site)
{
	code[0] = 0xeb;
	code[1] = site->jump - site->syscall;
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

static int find_slot(struct sites *s, const struct site *site)
{
	static const u8 xor_and_nop[INSN_SIZE] = { 0x31, 0xc0, 0x0f, 0x1f, 0x00 };
	struct thunk *t;
	unsigned int i;
	u64 *table;

	for (i = 0; i < s->n; i++)
		if (s->site[i].syscall == site->syscall && s->site[i].jump == site->jump &&
		    !memcmp(s->site[i].was, site->was, JUMP_SIZE))
			return i;
	if (i == SLOTS || (in_gap(site) && s->nr_gaps == GAPS))
		return -1;
	if (in_gap(site))
		s->gap[s->nr_gaps++] = i;
	t = page_address(s->pages[1 + i * THUNK_SIZE / PAGE_SIZE]) + i * THUNK_SIZE % PAGE_SIZE;
	*t = (struct thunk) {
		.mov_rcx = { 0x48, 0xb9 }, .ret = site->syscall + SYSCALL_SIZE,
		.mov_r11 = { 0x49, 0xbb }, .entry = engine->syscall_entry(),
		.jmp = { 0x41, 0xff, 0xe3 },
	};
	memcpy(t->insn, in_gap(site) ? xor_and_nop : site->was, INSN_SIZE);
	table = page_address(s->pages[0]);
	table[i] = THUNKS + i * THUNK_SIZE;
	s->site[i] = *site;
	s->n++;
	return i;
}

/* A gap that a short jump at @code[@from] reaches; return: its index or -1. */
static int find_gap(const u8 *code, int n, int from, unsigned long addr)
{
	static const u8 end[] = { 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x77 };
	static const u8 gap[] = { 0xc3, 0x66, 0x2e, 0x0f, 0x1f, 0x84 };

	for (int i = 0; i + 19 <= n; i++) {
		u8 error = code[i + 7];
		int at = i + 9;

		if (memcmp(code + i, end, sizeof(end)) ||
		    memcmp(code + i + 8, gap, sizeof(gap)) ||
		    memchr_inv(code + i + 14, 0, 5) || (addr + i + 19) % 16)
			continue;
		/* Not one that is jumped to. */
		if ((error < 1 || error > 10) && at - from >= -REACH && at - from < REACH)
			return at;
	}
	return -1;
}

/* Is the system call at @addr one that can be patched? Return: true, @site filled in. */
static bool recognize(unsigned long addr, struct site *site)
{
	static const u8 insn[] = { 0x0f, 0x05 }, from_stack[] = { 0x4c, 0x8b, 0x4c, 0x24, 0x08 };
	unsigned long start = max(addr & PAGE_MASK, addr - REACH);
	unsigned long end = min((addr & PAGE_MASK) + PAGE_SIZE, addr + REACH + 10);
	u8 code[2 * REACH + 10];
	int at = addr - start, gap;

	if (at < XOR_SIZE || end - addr < SYSCALL_SIZE ||
	    copy_from_user(code, (void __user *)start, end - start) ||
	    memcmp(code + at, insn, sizeof(insn)))
		return false;

	*site = (struct site) { .syscall = addr, .jump = addr - INSN_SIZE };
	if (at >= INSN_SIZE && (code[at - INSN_SIZE] == 0xb8 ||
				!memcmp(code + at - INSN_SIZE, from_stack, INSN_SIZE))) {
		memcpy(site->was, code + at - INSN_SIZE, JUMP_SIZE);
		return true;
	}
	if (memcmp(code + at - XOR_SIZE, xor_eax, XOR_SIZE))
		return false;
	gap = find_gap(code, end - start, at, start);
	if (gap < 0)
		return false;
	site->jump = start + gap;
	memcpy(site->was, code + gap, JUMP_SIZE);
	return true;
}

static void patch(struct space *space, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	u8 code[JUMP_SIZE];
	struct site site;
	bool fresh = false;
	int slot;

	if (!recognize(addr, &site) || !is_text(mm, addr) ||
	    text_keeps(mm, addr) || text_keeps(mm, site.jump))
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
	slot = find_slot(space->sites, &site);
	if (slot < 0)
		return;
	space->sites_live = true;
	jump_through(code, slot);
	if (access_process_vm(current, site.jump, code, JUMP_SIZE,
			      FOLL_WRITE | FOLL_FORCE) != JUMP_SIZE || !in_gap(&site))
		return;
	jump_short(code, &site);
	access_process_vm(current, addr - XOR_SIZE, code, XOR_SIZE, FOLL_WRITE | FOLL_FORCE);
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
	patch(space, ip - SYSCALL_SIZE);
}

/* What stands in the running task's text where the patches of a site would be. */
struct text {
	u8 at_jump[JUMP_SIZE];
	u8 at_syscall[XOR_SIZE];
};

/*
 * Is a slot's site patched in this address space? The slots are also those of the
 * parent, the children and their children, in whose text it may be.
 */
static bool patched_here(const struct text *is, const struct site *site, unsigned int slot)
{
	u8 code[JUMP_SIZE];

	if (weakened(WEAK_NOGAPCHECK))
		return true;
	jump_through(code, slot);
	if (memcmp(is->at_jump, code, JUMP_SIZE))
		return false;
	jump_short(code, site);
	return !in_gap(site) || !memcmp(is->at_syscall, code, XOR_SIZE);
}

static bool read_text(struct text *is, const struct site *site)
{
	return access_process_vm(current, site->jump, is->at_jump, JUMP_SIZE,
				 FOLL_FORCE) == JUMP_SIZE &&
	       (!in_gap(site) || access_process_vm(current, site->syscall - XOR_SIZE, is->at_syscall,
						   XOR_SIZE, FOLL_FORCE) == XOR_SIZE);
}

/* Take back the patches in a range of addresses. */
static void unpatch(struct sites *s, unsigned long start, unsigned long end)
{
	struct text is;

	for (unsigned int i = 0; i < s->n; i++) {
		const struct site *site = &s->site[i];

		if (max(site->jump, site->syscall) + JUMP_SIZE <= start ||
		    min(site->jump, site->syscall - XOR_SIZE) >= end ||
		    !read_text(&is, site) || !patched_here(&is, site, i))
			continue;
		if (in_gap(site))
			access_process_vm(current, site->syscall - XOR_SIZE, (void *)xor_eax, XOR_SIZE,
					  FOLL_WRITE | FOLL_FORCE);
		access_process_vm(current, site->jump, (void *)site->was, JUMP_SIZE,
				  FOLL_WRITE | FOLL_FORCE);
	}
}

/**
 * sites_leave_gap() - guest code was interrupted
 * @regs: its registers
 *
 * Where it is in a gap it goes back to before the short jump that led there,
 * since the patches may have been taken back when it goes on. Does not sleep: a
 * page that was patched and is swapped out is taken for none, which is right but
 * for a debugger that comes just then.
 */
void sites_leave_gap(struct space *space, struct pt_regs *regs)
{
	struct sites *s = space->sites;

	for (unsigned int i = 0; i < s->nr_gaps; i++) {
		const struct site *site = &s->site[s->gap[i]];
		struct text is;

		if (likely(regs->ip != site->jump))
			continue;
		if (copy_from_user_nofault(is.at_jump, (void __user *)site->jump, JUMP_SIZE) ||
		    copy_from_user_nofault(is.at_syscall, (void __user *)site->syscall - XOR_SIZE,
					   XOR_SIZE) ||
		    !patched_here(&is, site, s->gap[i]))
			continue;
		regs->ip = site->syscall - XOR_SIZE;
		return;
	}
}

/**
 * sites_remove() - the program's text as it was
 *
 * The table stays mapped: a thread may have been interrupted in a thunk.
 */
void sites_remove(struct space *space)
{
	unpatch(space->sites, 0, TASK_SIZE);
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
 * sites_before() - a system call that may want the table's addresses, or the text
 * @regs: its arguments
 *
 * Only the heap grows to where nothing chose to put it. A program that is going to
 * write to its text finds it as it was: it may change a part of an instruction.
 */
void sites_before(struct space *space, long nr, const struct pt_regs *regs)
{
	if (unlikely(nr == __NR_mprotect || nr == __NR_pkey_mprotect)) {
		if (regs->dx & PROT_WRITE)
			unpatch(space->sites, regs->di, regs->di + regs->si);
		return;
	}
	if (nr != __NR_brk || regs->di <= TABLE || current->mm->brk > TABLE || space->sites_off)
		return;
	sites_remove(space);
	space->sites_off = true;
	vm_munmap(TABLE, TABLE_SIZE);
	space->sites_lost = false;
}
