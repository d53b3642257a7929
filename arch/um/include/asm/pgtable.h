/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables. The guest's page tables are ours alone: no hardware walks them.
 * They are the truth of which a space is a cache. Four levels of 512 entries.
 *
 * An entry:
 *	0	present
 *	1	writable
 *	2	user
 *	3	executable		(swap entry: 8, exclusive)
 *	4	no access (PROT_NONE); present to Linux, never in a space
 *	5	accessed
 *	6	dirty
 *	7	special
 *	8	in the level above: not a table, but 2 MiB of memory
 *	9	known to be in the space: a hint that saves mapping it again
 *	10	known not to be in the space, nor ordered to be: no flush is needed.
 *		Only space_fill() maps; where it is not sure, the bit is clear
 *	12..	page frame number
 * A swap entry has bits 0, 4 and 9 clear: type in bits 10 to 14, offset above.
 */
#ifndef _ASM_UM_PGTABLE_H
#define _ASM_UM_PGTABLE_H

#include <asm/layout.h>
#include <asm/page.h>

#define PGDIR_SHIFT	39
#define PGDIR_SIZE	(_AC(1, UL) << PGDIR_SHIFT)
#define PGDIR_MASK	(~(PGDIR_SIZE - 1))
#define PUD_SHIFT	30
#define PUD_SIZE	(_AC(1, UL) << PUD_SHIFT)
#define PUD_MASK	(~(PUD_SIZE - 1))
#define PMD_SHIFT	21
#define PMD_SIZE	(_AC(1, UL) << PMD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))

#define HPAGE_SIZE	PMD_SIZE	/* as /proc calls it */

#define PTRS_PER_PGD	512
#define PTRS_PER_PUD	512
#define PTRS_PER_PMD	512
#define PTRS_PER_PTE	512
#define USER_PTRS_PER_PGD (TASK_SIZE_MAX / PGDIR_SIZE)

#define _PAGE_PRESENT	0x001UL
#define _PAGE_WRITE	0x002UL
#define _PAGE_USER	0x004UL
#define _PAGE_EXEC	0x008UL
#define _PAGE_NONE	0x010UL
#define _PAGE_ACCESSED	0x020UL
#define _PAGE_DIRTY	0x040UL
#define _PAGE_SPECIAL	0x080UL
#define _PAGE_HUGE	0x100UL
#define _PAGE_IN_SPACE	0x200UL
#define _PAGE_NOT_IN_SPACE 0x400UL
#define _PAGE_SPACE_BITS (_PAGE_IN_SPACE | _PAGE_NOT_IN_SPACE)
#define _PAGE_SWP_EXCLUSIVE 0x100UL
#define _PAGE_TABLE	(_PAGE_PRESENT | _PAGE_WRITE | _PAGE_USER | \
			 _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PAGE_CHG_MASK	(PAGE_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL)
#define _HPAGE_CHG_MASK	(_PAGE_CHG_MASK | _PAGE_HUGE)

#ifndef __ASSEMBLY__

#include <linux/mm_types.h>
#include <linux/bug.h>
#include <asm-generic/pgtable-nop4d.h>

#define _PAGE_BASE	(_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_NONE	__pgprot(_PAGE_NONE | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_READONLY	__pgprot(_PAGE_BASE)
#define PAGE_READONLY_EXEC __pgprot(_PAGE_BASE | _PAGE_EXEC)
#define PAGE_SHARED	__pgprot(_PAGE_BASE | _PAGE_WRITE)
#define PAGE_SHARED_EXEC __pgprot(_PAGE_BASE | _PAGE_WRITE | _PAGE_EXEC)
#define PAGE_COPY	PAGE_READONLY
#define PAGE_COPY_EXEC	PAGE_READONLY_EXEC
#define PAGE_KERNEL	__pgprot(_PAGE_PRESENT | _PAGE_WRITE | _PAGE_ACCESSED | _PAGE_DIRTY)
#define PAGE_KERNEL_EXEC __pgprot(pgprot_val(PAGE_KERNEL) | _PAGE_EXEC)
#define PAGE_KERNEL_RO	__pgprot(_PAGE_PRESENT | _PAGE_ACCESSED)

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];

extern unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)];
#define ZERO_PAGE(vaddr)	virt_to_page(empty_zero_page)

#define pte_ERROR(e)	pr_err("%s:%d: bad pte %016lx\n", __FILE__, __LINE__, pte_val(e))
#define pmd_ERROR(e)	pr_err("%s:%d: bad pmd %016lx\n", __FILE__, __LINE__, pmd_val(e))
#define pud_ERROR(e)	pr_err("%s:%d: bad pud %016lx\n", __FILE__, __LINE__, pud_val(e))
#define pgd_ERROR(e)	pr_err("%s:%d: bad pgd %016lx\n", __FILE__, __LINE__, pgd_val(e))

/* Tables above the last level */
static inline int pmd_none(pmd_t pmd)		{ return !pmd_val(pmd); }
/* A huge page stays present to Linux while it is changed, as in x86. */
static inline int pmd_present(pmd_t pmd)
{
	return !!(pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_NONE | _PAGE_HUGE));
}
static inline int pmd_bad(pmd_t pmd)
{
	return (pmd_val(pmd) & ~PAGE_MASK) != _PAGE_TABLE;
}
static inline int pmd_leaf(pmd_t pmd)		{ return !!(pmd_val(pmd) & _PAGE_HUGE); }
#define pmd_leaf pmd_leaf
static inline void set_pmd(pmd_t *p, pmd_t pmd)	{ WRITE_ONCE(*p, pmd); }
static inline void pmd_clear(pmd_t *p)		{ set_pmd(p, __pmd(0)); }
#define pmd_pfn(pmd)		(pmd_val(pmd) >> PAGE_SHIFT)
#define pmd_page(pmd)		pfn_to_page(pmd_pfn(pmd))
static inline unsigned long pmd_page_vaddr(pmd_t pmd)
{
	return (unsigned long)__va(pmd_val(pmd) & PAGE_MASK);
}

static inline int pud_none(pud_t pud)		{ return !pud_val(pud); }
static inline int pud_present(pud_t pud)	{ return pud_val(pud) & _PAGE_PRESENT; }
static inline int pud_bad(pud_t pud)
{
	return (pud_val(pud) & ~PAGE_MASK) != _PAGE_TABLE;
}
static inline int pud_leaf(pud_t pud)		{ return 0; }
#define pud_leaf pud_leaf
static inline void set_pud(pud_t *p, pud_t pud)	{ WRITE_ONCE(*p, pud); }
static inline void pud_clear(pud_t *p)		{ set_pud(p, __pud(0)); }
#define pud_pfn(pud)		(pud_val(pud) >> PAGE_SHIFT)
#define pud_page(pud)		pfn_to_page(pud_pfn(pud))
static inline pmd_t *pud_pgtable(pud_t pud)
{
	return (pmd_t *)__va(pud_val(pud) & PAGE_MASK);
}

static inline int p4d_none(p4d_t p4d)		{ return !pgd_val(p4d.pgd); }
static inline int p4d_present(p4d_t p4d)	{ return pgd_val(p4d.pgd) & _PAGE_PRESENT; }
static inline int p4d_bad(p4d_t p4d)
{
	return (pgd_val(p4d.pgd) & ~PAGE_MASK) != _PAGE_TABLE;
}
static inline void set_p4d(p4d_t *p, p4d_t p4d)	{ WRITE_ONCE(*p, p4d); }
static inline void p4d_clear(p4d_t *p)		{ set_p4d(p, (p4d_t) { __pgd(0) }); }
#define p4d_pfn(p4d)		(pgd_val((p4d).pgd) >> PAGE_SHIFT)
#define p4d_page(p4d)		pfn_to_page(p4d_pfn(p4d))
static inline pud_t *p4d_pgtable(p4d_t p4d)
{
	return (pud_t *)__va(pgd_val(p4d.pgd) & PAGE_MASK);
}

static inline pud_t *pud_offset(p4d_t *p4d, unsigned long addr)
{
	return p4d_pgtable(*p4d) + ((addr >> PUD_SHIFT) & (PTRS_PER_PUD - 1));
}
#define pud_offset pud_offset

/* Entries of the last level */
static inline int pte_none(pte_t pte)		{ return !(pte_val(pte) & ~_PAGE_IN_SPACE); }
static inline int pte_present(pte_t pte)
{
	return pte_val(pte) & (_PAGE_PRESENT | _PAGE_NONE);
}
static inline int pte_write(pte_t pte)		{ return !!(pte_val(pte) & _PAGE_WRITE); }
static inline int pte_exec(pte_t pte)		{ return !!(pte_val(pte) & _PAGE_EXEC); }
static inline int pte_dirty(pte_t pte)		{ return !!(pte_val(pte) & _PAGE_DIRTY); }
static inline int pte_young(pte_t pte)		{ return !!(pte_val(pte) & _PAGE_ACCESSED); }
static inline int pte_special(pte_t pte)	{ return !!(pte_val(pte) & _PAGE_SPECIAL); }

/* Guest code may access the page; PROT_NONE pages have no present bit. */
static inline bool pte_user(pte_t pte)
{
	return (pte_val(pte) & (_PAGE_PRESENT | _PAGE_USER)) ==
	       (_PAGE_PRESENT | _PAGE_USER);
}

static inline pte_t pte_wrprotect(pte_t pte)	{ return __pte(pte_val(pte) & ~_PAGE_WRITE); }
static inline pte_t pte_mkclean(pte_t pte)	{ return __pte(pte_val(pte) & ~_PAGE_DIRTY); }
static inline pte_t pte_mkold(pte_t pte)	{ return __pte(pte_val(pte) & ~_PAGE_ACCESSED); }
static inline pte_t pte_mkwrite_novma(pte_t pte)	{ return __pte(pte_val(pte) | _PAGE_WRITE); }
static inline pte_t pte_mkdirty(pte_t pte)	{ return __pte(pte_val(pte) | _PAGE_DIRTY); }
static inline pte_t pte_mkyoung(pte_t pte)	{ return __pte(pte_val(pte) | _PAGE_ACCESSED); }
static inline pte_t pte_mkspecial(pte_t pte)	{ return __pte(pte_val(pte) | _PAGE_SPECIAL); }

static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	return __pte((pte_val(pte) & _PAGE_CHG_MASK) | pgprot_val(prot));
}

/* Huge pages: the same bits, one level up */
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
#define pmd_trans_huge		pmd_leaf
#endif
#define pmd_pte(pmd)		__pte(pmd_val(pmd))
#define pte_pmd(pte)		__pmd(pte_val(pte))
#define pmd_write(pmd)		pte_write(pmd_pte(pmd))
#define pmd_dirty(pmd)		pte_dirty(pmd_pte(pmd))
#define pmd_young(pmd)		pte_young(pmd_pte(pmd))
#define pmd_wrprotect(pmd)	pte_pmd(pte_wrprotect(pmd_pte(pmd)))
#define pmd_mkclean(pmd)	pte_pmd(pte_mkclean(pmd_pte(pmd)))
#define pmd_mkold(pmd)		pte_pmd(pte_mkold(pmd_pte(pmd)))
#define pmd_mkwrite_novma(pmd)	pte_pmd(pte_mkwrite_novma(pmd_pte(pmd)))
#define pmd_mkdirty(pmd)	pte_pmd(pte_mkdirty(pmd_pte(pmd)))
#define pmd_mkyoung(pmd)	pte_pmd(pte_mkyoung(pmd_pte(pmd)))
static inline pmd_t pmd_mkhuge(pmd_t pmd)	{ return __pmd(pmd_val(pmd) | _PAGE_HUGE); }
static inline pmd_t pmd_mkinvalid(pmd_t pmd)	{ return __pmd(pmd_val(pmd) & ~_PAGE_PRESENT); }
static inline pmd_t pmd_modify(pmd_t pmd, pgprot_t prot)
{
	return __pmd((pmd_val(pmd) & _HPAGE_CHG_MASK) | pgprot_val(prot));
}
static inline void set_pmd_at(struct mm_struct *mm, unsigned long addr, pmd_t *pmdp, pmd_t pmd)
{
	set_pmd(pmdp, pmd);
}
#define mk_pmd(page, prot)	pfn_pmd(page_to_pfn(page), prot)
#define pmdp_establish		generic_pmdp_establish
#define update_mmu_cache_pmd(vma, addr, pmdp) do { } while (0)

#define pte_pfn(pte)		(pte_val(pte) >> PAGE_SHIFT)
#define pte_page(pte)		pfn_to_page(pte_pfn(pte))
#define pfn_pte(pfn, prot)	__pte(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#define pfn_pmd(pfn, prot)	__pmd(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#define mk_pte(page, prot)	pfn_pte(page_to_pfn(page), prot)
#define __HAVE_ARCH_PTE_SAME
static inline int pte_same(pte_t a, pte_t b)
{
	unsigned long ignore = 0;

	if (pte_present(a) && pte_present(b))
		ignore = _PAGE_SPACE_BITS;
	return !((pte_val(a) ^ pte_val(b)) & ~ignore);
}

/* What goes into a table is not yet in the space, whatever it was copied from. */
static inline void set_pte_bits(pte_t *ptep, pte_t pte, unsigned long bits)
{
	if (pte_present(pte))
		pte_val(pte) = (pte_val(pte) & ~_PAGE_SPACE_BITS) | bits;
	WRITE_ONCE(*ptep, pte);
}
static inline void set_pte(pte_t *ptep, pte_t pte)
{
	set_pte_bits(ptep, pte, 0);
}

/* Only a space that never had anything is known not to have what was here before. */
static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte,
			    unsigned int nr)
{
	unsigned long bits = mm->context.empty ? _PAGE_NOT_IN_SPACE : 0;

	for (; nr--; ptep++, pte_val(pte) += PAGE_SIZE)
		set_pte_bits(ptep, pte, bits);
}
#define set_ptes set_ptes

bool space_may_hold(struct mm_struct *mm, pte_t pte);
#define pte_accessible space_may_hold

static inline void pte_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	WRITE_ONCE(*ptep, __pte(0));
}
#define PFN_PTE_SHIFT	PAGE_SHIFT

/*
 * fork write-protects page by page and flushes the whole mm afterwards. The
 * pages are noted here instead, so that the parent keeps the rest of its space.
 */
#define __HAVE_ARCH_PTEP_SET_WRPROTECT
bool space_note_wrprotect(struct mm_struct *mm, unsigned long addr, unsigned long len,
			  bool exec);
static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr,
				      pte_t *ptep)
{
	unsigned long old = pte_val(READ_ONCE(*ptep));

	if ((old & (_PAGE_WRITE | _PAGE_DIRTY | _PAGE_NOT_IN_SPACE)) ==
	    (_PAGE_WRITE | _PAGE_DIRTY) &&
	    !space_note_wrprotect(mm, addr, PAGE_SIZE, old & _PAGE_EXEC))
		old = (old & ~_PAGE_IN_SPACE) | _PAGE_NOT_IN_SPACE;
	WRITE_ONCE(*ptep, __pte(old & ~_PAGE_WRITE));
}

#define __HAVE_ARCH_PMDP_SET_WRPROTECT
static inline void pmdp_set_wrprotect(struct mm_struct *mm, unsigned long addr, pmd_t *pmdp)
{
	pmd_t old = READ_ONCE(*pmdp);

	set_pmd(pmdp, pmd_wrprotect(old));
	if (pmd_write(old) && pmd_dirty(old))
		space_note_wrprotect(mm, addr, PMD_SIZE, pmd_val(old) & _PAGE_EXEC);
}

/*
 * Does mprotect() leave a page in the space as it is, but that it may not be
 * written to any more? Then that is all that is done there; see mm/space.c.
 */
static inline bool pte_loses_write(pte_t old, pte_t new)
{
	unsigned long same = PAGE_MASK | _PAGE_PRESENT | _PAGE_NONE | _PAGE_USER | _PAGE_EXEC;

	return pte_user(old) && (pte_val(old) & _PAGE_IN_SPACE) && !pte_write(new) &&
	       !((pte_val(old) ^ pte_val(new)) & same);
}

struct vm_area_struct;
#define __HAVE_ARCH_PTEP_MODIFY_PROT_TRANSACTION
pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep);
void ptep_modify_prot_commit(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
			     pte_t old, pte_t new);

#define __HAVE_ARCH_ENTER_LAZY_MMU_MODE
void space_settle_protected(void);
#define arch_enter_lazy_mmu_mode()	do { } while (0)
#define arch_leave_lazy_mmu_mode()	space_settle_protected()
#define arch_flush_lazy_mmu_mode()	do { } while (0)

/* Swap entries */
#define __swp_type(e)		(((e).val >> 10) & 0x1f)
#define __swp_offset(e)		((e).val >> 15)
#define __swp_entry(type, off)	((swp_entry_t) { ((unsigned long)(type) << 10) | ((off) << 15) })
#define __pte_to_swp_entry(pte)	((swp_entry_t) { pte_val(pte) & ~_PAGE_SWP_EXCLUSIVE })
#define __swp_entry_to_pte(e)	__pte((e).val)
static inline int pte_swp_exclusive(pte_t pte)
{
	return !!(pte_val(pte) & _PAGE_SWP_EXCLUSIVE);
}
static inline pte_t pte_swp_mkexclusive(pte_t pte)
{
	return __pte(pte_val(pte) | _PAGE_SWP_EXCLUSIVE);
}
static inline pte_t pte_swp_clear_exclusive(pte_t pte)
{
	return __pte(pte_val(pte) & ~_PAGE_SWP_EXCLUSIVE);
}

struct vm_fault;
void update_mmu_cache_range(struct vm_fault *vmf, struct vm_area_struct *vma,
			    unsigned long addr, pte_t *ptep, unsigned int nr);
#define update_mmu_cache(vma, addr, ptep) \
	update_mmu_cache_range(NULL, vma, addr, ptep, 1)

/* Another thread's repair of the same fault: the space may still be behind. */
#define flush_tlb_fix_spurious_fault(vma, address, ptep) \
	update_mmu_cache_range(NULL, vma, address, ptep, 1)

/* vmalloc and module mappings are made as soon as the tables change. */
#define ARCH_PAGE_TABLE_SYNC_MASK	PGTBL_PTE_MODIFIED
void arch_sync_kernel_mappings(unsigned long start, unsigned long end);

void paging_init(void);

#endif /* __ASSEMBLY__ */
#endif
