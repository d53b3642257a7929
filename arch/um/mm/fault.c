// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of guest programs. Where the engine cannot tell what kind of
 * access it was, but only the address and whether anything is mapped there, it
 * follows from what the space holds, and where it holds nothing, from the
 * instruction.
 */
#include <linux/extable.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/perf_event.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <asm/engine.h>
#include <asm/habit.h>
#include <asm/host.h>
#include <asm/insn_access.h>
#include <asm/space.h>
#include <asm/trap.h>
#include <asm/trapnr.h>

/* x86 page fault error code, for signal frames. */
#define PF_PROT		1
#define PF_WRITE	2
#define PF_USER		4
#define PF_INSTR	16

#define AHEAD		3	/* blocks, or pages, more for a program that goes in order */

static bool vma_allows(const struct vm_area_struct *vma, unsigned int access)
{
	if (access == ACCESS_WRITE)
		return vma->vm_flags & VM_WRITE;
	if (access == ACCESS_EXEC)
		return vma->vm_flags & VM_EXEC;
	/* x86 reads whatever it may write or execute. */
	return vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
}

/**
 * fault_in_user() - make the page tables allow an access
 * @mm:	the running task's
 * @addr: user address
 * @access: ACCESS_*
 * @regs: the program's registers when it faulted itself, or NULL when the
 *	kernel needs the page
 *
 * Sleeps; takes the mmap lock.
 *
 * Return: 0 when it may be tried again, or a negative signal number with the
 * si_code in the bits above 8: -(SIGSEGV | SEGV_MAPERR << 8). -SIGKILL stands
 * for a signal that is pending already.
 */
int fault_in_user(struct mm_struct *mm, unsigned long addr, unsigned int access,
		  struct pt_regs *regs)
{
	unsigned int flags = FAULT_FLAG_DEFAULT;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	if (regs)
		flags |= FAULT_FLAG_USER;
	if (access == ACCESS_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (access == ACCESS_EXEC)
		flags |= FAULT_FLAG_INSTRUCTION;
	perf_sw_event(PERF_COUNT_SW_PAGE_FAULTS, 1, regs ?: task_pt_regs(current), addr);
retry:
	vma = lock_mm_and_find_vma(mm, addr, regs);
	if (!vma)
		return -(SIGSEGV | SEGV_MAPERR << 8);
	if (!vma_allows(vma, access)) {
		mmap_read_unlock(mm);
		return -(SIGSEGV | SEGV_ACCERR << 8);
	}
	fault = handle_mm_fault(vma, addr, flags, regs);
	if (fault & VM_FAULT_COMPLETED)
		return 0;
	if (fault & VM_FAULT_RETRY) {
		/* The lock is gone already. The kernel's own access goes on. */
		if (fatal_signal_pending(current) || (regs && signal_pending(current)))
			return -SIGKILL;
		flags |= FAULT_FLAG_TRIED;
		goto retry;
	}
	mmap_read_unlock(mm);
	if (likely(!(fault & VM_FAULT_ERROR)))
		return 0;
	if (fault & VM_FAULT_OOM) {
		if (regs)
			pagefault_out_of_memory();
		return regs ? 0 : -SIGKILL;
	}
	if (fault & (VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE))
		return -(SIGBUS | BUS_ADRERR << 8);
	return -(SIGSEGV | SEGV_MAPERR << 8);
}

static bool guess_allowed(const struct vm_area_struct *vma, unsigned int access)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return false;
	/* A guess must not make a file's page dirty. */
	if (access == ACCESS_WRITE)
		return (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
	return vma_allows(vma, access);
}

/* Have in the tables what is resident of a vma's file in a range of one table. */
static void map_resident(struct vm_area_struct *vma, unsigned long from, unsigned long to)
{
	unsigned long start = max(from, vma->vm_start);
	struct vm_fault vmf = {
		.vma = vma,
		.address = start,
		.real_address = start,
		.pgoff = linear_page_index(vma, start),
		.pmd = user_pmd(vma->vm_mm, start),
	};

	if (vmf.pmd && !pmd_leaf(*vmf.pmd))
		vma->vm_ops->map_pages(&vmf, vmf.pgoff,
				       linear_page_index(vma, min(to, vma->vm_end) - PAGE_SIZE));
}

static bool in_space(struct mm_struct *mm, unsigned long addr)
{
	unsigned long size;
	pte_t *entry = user_entry(mm, addr, &size);

	return entry && pte_val(ptep_get(entry)) & _PAGE_IN_SPACE;
}

/* Private and to be written to: its pages will be the program's own. */
static bool is_data(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

/*
 * A page of a file was read, or run. Where the host's faults are cheap it costs
 * little more to map all around it that is resident, and what lies beside it of the
 * same file: headers, text and constants of a program go together. Nothing is waited
 * for.
 */
static void fill_file(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	unsigned long from = addr & ~(SPACE_FILE_AROUND - 1), to = from + SPACE_FILE_AROUND;
	unsigned long also[4];		/* where, | ACCESS_* */
	struct vm_area_struct *vma;
	struct file *file = NULL;
	unsigned int n = 0;

	if (host_faults_dear || !mmap_read_trylock(mm))
		goto fill;
	vma = vma_lookup(mm, addr);
	if (vma)
		file = vma->vm_file;
	if (file) {
		VMA_ITERATOR(vmi, mm, from);

		for_each_vma_range(vmi, vma, to) {
			if (vma->vm_file != file || !vma->vm_ops || !vma->vm_ops->map_pages ||
			    !guess_allowed(vma, ACCESS_READ) || is_data(vma))
				continue;
			map_resident(vma, from, to);
			if (n < ARRAY_SIZE(also) && !(vma->vm_flags & VM_WRITE) &&
			    addr - vma->vm_start >= vma->vm_end - vma->vm_start)
				also[n++] = max(from, vma->vm_start) |
					    (vma->vm_flags & VM_EXEC ? ACCESS_EXEC : ACCESS_READ);
		}
	}
	mmap_read_unlock(mm);
fill:
	space_fill(mm, addr, access);
	while (n--)
		if (!in_space(mm, also[n] & PAGE_MASK))
			space_fill(mm, also[n] & PAGE_MASK, also[n] & ~PAGE_MASK);
}

/* Have a page in the space that is about to be used; if not, it will fault. */
static void want(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	bool mapped;

	if (addr >= TASK_SIZE || space_fill(mm, addr, access))
		return;
	/* No stack grows before the program wants it. */
	if (mmap_read_lock_killable(mm))
		return;
	mapped = vma_lookup(mm, addr);
	mmap_read_unlock(mm);
	if (!mapped || fault_in_user(mm, addr, access, NULL))
		return;
	if (access == ACCESS_WRITE)
		space_fill(mm, addr, access);
	else
		fill_file(mm, addr, access);
}

/* An instruction that is fetched and not there faults at its own address. */
static bool is_fetch(const struct pt_regs *regs, unsigned long addr)
{
	return addr == regs->ip ||
	       (addr - regs->ip < 15 && !(addr & ~PAGE_MASK));
}

static unsigned int access_of(struct pt_regs *regs, const struct trap *trap, bool *guessed)
{
	*guessed = false;
	if (trap->error & PF_USER)
		return trap->error & PF_WRITE ? ACCESS_WRITE :
		       trap->error & PF_INSTR ? ACCESS_EXEC : ACCESS_READ;
	if (trap->code == SEGV_ACCERR) {
		/* Mapped, so it can be read: a write, or an instruction. */
		if (is_fetch(regs, trap->addr))
			return ACCESS_EXEC;
		return ACCESS_WRITE;
	}
	if (is_fetch(regs, trap->addr))
		return ACCESS_EXEC;
	*guessed = true;
	return insn_writes(regs) ? ACCESS_WRITE : ACCESS_READ;
}

/**
 * fault_in_guess() - have a page in the tables that may be wanted soon
 * @file: only one of a mapped file
 *
 * Waits for no I/O and no lock (memory is allocated as for any fault), and changes
 * nothing that the program could see: a huge page that it shares stays one.
 *
 * Return: whether it is there.
 */
bool fault_in_guess(struct mm_struct *mm, unsigned long addr, unsigned int access, bool file)
{
	unsigned int flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT;
	struct vm_area_struct *vma;
	vm_fault_t fault = VM_FAULT_ERROR;
	pmd_t *pmd;

	if (access == ACCESS_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (!mmap_read_trylock(mm))
		return false;
	vma = vma_lookup(mm, addr);
	pmd = user_pmd(mm, addr);
	if (pmd && pmd_leaf(*pmd) && access == ACCESS_WRITE)
		vma = NULL;
	if (vma && (vma->vm_file || !file) && guess_allowed(vma, access))
		fault = handle_mm_fault(vma, addr, flags, NULL);
	if (!(fault & VM_FAULT_COMPLETED))
		mmap_read_unlock(mm);
	return !(fault & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED));
}

/* Zeros behind the data of a file. */
static bool is_bss(struct vm_area_struct *vma)
{
	VMA_ITERATOR(vmi, vma->vm_mm, vma->vm_start);
	struct vm_area_struct *prev = vma_prev(&vmi);

	return prev && prev->vm_end == vma->vm_start && prev->vm_file;
}

/*
 * Pages for a range, from either end: where the page allocator gives out one after
 * the other in descending order, so are they taken, and one order maps them.
 */
static void copy_block(struct mm_struct *mm, unsigned long start, unsigned long end, bool file)
{
	unsigned long at, size, pfn, last = 0;
	bool down = false;
	pte_t *entry;

	for (; start < end && mm->context.copies; mm->context.copies--) {
		at = down ? end - PAGE_SIZE : start;
		if (!fault_in_guess(mm, at, ACCESS_WRITE, file))
			break;
		entry = user_entry(mm, at, &size);
		pfn = entry ? pte_pfn(ptep_get(entry)) : 0;
		if (down)
			end -= PAGE_SIZE;
		else
			start += PAGE_SIZE;
		if (pfn + 1 == last || pfn == last + 1)
			down = pfn < last;
		last = pfn;
	}
}

/*
 * Data of a new program and its libraries, a private mapping that it may write
 * to: what is read there first is written soon, and where it is a file's, what
 * lies around it too. To copy a page now is less than to replace it in the space
 * later, be it a file's or that of zeros. Not so in what is large enough for a
 * huge page: that may be an array that stays empty.
 */
static bool copy_data(struct mm_struct *mm, unsigned long addr)
{
	unsigned long start = 0, end = 0;
	struct vm_area_struct *vma;
	bool file = false;

	if (!mmap_read_trylock(mm))
		return false;
	vma = vma_lookup(mm, addr);
	if (vma && guess_allowed(vma, ACCESS_WRITE) &&
	    (vma->vm_file || vma->vm_end - vma->vm_start < PMD_SIZE)) {
		file = vma->vm_file;
		start = addr & PAGE_MASK;
		end = start + PAGE_SIZE;
		if (file || (!host_faults_dear && is_bss(vma))) {
			start = max(addr & ~(SPACE_AROUND - 1), vma->vm_start);
			end = min((addr & ~(SPACE_AROUND - 1)) + SPACE_AROUND, vma->vm_end);
		}
	}
	mmap_read_unlock(mm);
	copy_block(mm, start, end, file);
	return end && space_fill(mm, addr, ACCESS_WRITE);
}

/*
 * The data of a program that begins, and of its dynamic linker: what is small, and
 * where zeros behind it begin and end.
 */
static void want_data(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long at[8];
	unsigned int n = 0;

	if (!mmap_read_trylock(mm))
		return;
	for_each_vma(vmi, vma) {
		if (n + 2 > ARRAY_SIZE(at))
			break;
		if (!is_data(vma) || vma->vm_flags & (VM_EXEC | VM_GROWSDOWN) ||
		    !(vma->vm_file || is_bss(vma)))
			continue;
		at[n++] = vma->vm_start;
		at[n++] = vma->vm_end - PAGE_SIZE;
	}
	mmap_read_unlock(mm);
	for (unsigned int i = 0; i < n && mm->context.copies; i++)
		if (!in_space(mm, at[i]))
			copy_data(mm, at[i]);
}

/**
 * fault_in_first() - before a program goes on that was started, or that forked
 * @regs: what it goes on with
 *
 * What it touches next is brought in here, which spares it a host fault and a
 * way into the kernel for each: its stack, to write to, and in a new space the
 * page of its next instruction and that of its thread's data; a program that was
 * started also has use for another page of stack, for the vDSO and for data. Sleeps.
 */
void fault_in_first(struct pt_regs *regs)
{
	struct mm_struct *mm = current->mm;
	enum space_age age = mm->context.space->age;

	mm->context.space->age = SPACE_USED;
	want(mm, regs->sp, ACCESS_WRITE);
	habit_forked(mm, age == SPACE_NEW);
	if (age != SPACE_NEW)
		return;
	want(mm, regs->ip, ACCESS_EXEC);
	if (!mm->context.taught) {
		want(mm, regs->sp - PAGE_SIZE, ACCESS_WRITE);
		want(mm, mm->context.vdso, ACCESS_EXEC);
		if (!host_faults_dear)
			want_data(mm);
	}
	/* After a fork it can be read only. */
	if (regs->fs_base && regs->fs_base < TASK_SIZE &&
	    !space_fill(mm, regs->fs_base, ACCESS_WRITE))
		space_fill(mm, regs->fs_base, ACCESS_READ);
}

/*
 * A program that goes through a file in order is given more at once, of what is
 * resident: it would come for the next block right away.
 */
static void go_ahead(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	struct space *space = mm->context.space;
	unsigned long next = (addr & ~(SPACE_AROUND - 1)) + SPACE_AROUND;

	if (next == space->ahead + SPACE_AROUND)
		for (int i = 0; i < AHEAD && next < TASK_SIZE; i++, next += SPACE_AROUND)
			if (!fault_in_guess(mm, next, access, true) || !space_fill(mm, next, access))
				break;
	space->ahead = next;
}

/* Is there a page of the program's own at an address, or memory it lies in? */
static bool is_there(struct mm_struct *mm, unsigned long addr)
{
	unsigned long size;
	pte_t *entry = user_entry(mm, addr, &size);

	return entry && !pte_none(ptep_get(entry));
}

/*
 * A program that writes to one page after the other, where these do not come in
 * large folios, gets a few more of the block with the third. Whoever touches pages
 * here and there gets those.
 */
static void write_ahead(struct mm_struct *mm, unsigned long addr)
{
	struct space *space = mm->context.space;
	unsigned long next = (addr & PAGE_MASK) + PAGE_SIZE;
	bool in_order = (addr & PAGE_MASK) == space->next_write;

	space->in_order = in_order ? space->in_order + 1 : 0;
	if (space->in_order > 1)
		for (int i = 0; i < AHEAD && next & (SPACE_AROUND - 1); i++, next += PAGE_SIZE)
			if (is_there(mm, next) || !fault_in_guess(mm, next, ACCESS_WRITE, false))
				break;
	space->next_write = next;
}

static void learn(struct mm_struct *mm, unsigned long addr, unsigned int access)
{
	if (mm->context.to_learn)
		habit_learn(mm, addr, access);
}

/**
 * handle_fault() - guest code touched what its space does not hold
 */
void handle_fault(struct pt_regs *regs, const struct trap *trap)
{
	struct thread_struct *t = &current->thread;
	struct mm_struct *mm = current->mm;
	unsigned long addr = trap->addr;
	unsigned int access;
	bool guessed, prot;
	int err;

	if (addr >= TASK_SIZE) {
		t->cr2 = addr;
		t->trap_nr = X86_TRAP_PF;
		t->error_code = PF_USER;
		force_sig_fault(SIGSEGV, SEGV_MAPERR, (void __user *)addr);
		return;
	}

	access = access_of(regs, trap, &guessed);
	if (access != ACCESS_EXEC && mm->context.copies && copy_data(mm, addr))
		return;
	if (space_fill(mm, addr, access)) {
		learn(mm, addr, access);
		return;
	}
	err = fault_in_user(mm, addr, access, regs);
	if (guessed && access == ACCESS_WRITE && err == -(SIGSEGV | SEGV_ACCERR << 8)) {
		/* The guess decides nothing: a write would fault again. */
		access = ACCESS_READ;
		if (space_fill(mm, addr, access))
			return;
		err = fault_in_user(mm, addr, access, regs);
	}
	if (!err) {
		learn(mm, addr, access);
		if (access == ACCESS_WRITE) {
			write_ahead(mm, addr);
			space_fill(mm, addr, access);
			return;
		}
		fill_file(mm, addr, access);
		if (host_faults_dear)
			go_ahead(mm, addr, access);
		return;
	}
	if (err == -SIGKILL)
		return;
	t->cr2 = addr;
	t->trap_nr = X86_TRAP_PF;
	/* To the host there can be a page without access where the program has none. */
	prot = trap->code == SEGV_ACCERR && -err >> 8 != SEGV_MAPERR;
	t->error_code = PF_USER | (prot ? PF_PROT : 0) |
			(access == ACCESS_WRITE ? PF_WRITE : 0) |
			(access == ACCESS_EXEC ? PF_INSTR : 0);
	force_sig_fault(-err & 0xff, -err >> 8, (void __user *)addr);
}
