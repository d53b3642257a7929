/* SPDX-License-Identifier: GPL-2.0 */
/* Spaces as the kernel above the engines uses them; see mm/space.c and mm/pool.c. */
#ifndef _ASM_UM_SPACE_H
#define _ASM_UM_SPACE_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <asm/engine.h>

struct uregs;

/* Resident pages in a block of so many bytes around a fault are mapped with it. */
#define SPACE_AROUND	(16 * PAGE_SIZE)
/* And of a file, in one piece of physmem, where the host's faults are cheap. */
#define SPACE_FILE_AROUND (256 * PAGE_SIZE)

/* Kinds of access, for faults. */
#define ACCESS_READ	1
#define ACCESS_WRITE	2
#define ACCESS_EXEC	4

/**
 * user_pmd() - the entry of the level above that covers a user address
 *
 * Return: the entry, which is present, or NULL.
 */
static inline pmd_t *user_pmd(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_offset(pgd_offset(mm, addr), addr);
	pud_t *pud;
	pmd_t *pmd;

	if (!p4d_present(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (!pud_present(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	return pmd_present(*pmd) ? pmd : NULL;
}

/**
 * user_entry() - the entry that maps a user address, if tables reach that far
 * @size: set to what it covers: PAGE_SIZE, or PMD_SIZE for a huge page
 *
 * The bits of both kinds are the same.
 *
 * Return: the entry, present or not, or NULL.
 */
static inline pte_t *user_entry(struct mm_struct *mm, unsigned long addr, unsigned long *size)
{
	pmd_t *pmd = user_pmd(mm, addr);

	if (!pmd)
		return NULL;
	if (pmd_leaf(*pmd)) {
		*size = PMD_SIZE;
		return (pte_t *)pmd;
	}
	*size = PAGE_SIZE;
	return (pte_t *)pmd_page_vaddr(*pmd) + pte_index(addr);
}

bool space_fill(struct mm_struct *mm, unsigned long addr, unsigned int access);
bool space_fill_one(struct mm_struct *mm, unsigned long addr, unsigned int access);
void space_begin(struct mm_struct *mm);
bool space_refused(void);
void uregs_fetch(struct uregs *uregs);
void uregs_drop(struct uregs *uregs);

/* The order list, pure; tested by KUnit. */
void ops_set(struct space *space, unsigned long addr, unsigned long phys, unsigned long len,
	     unsigned int prot);
bool ops_add(struct space *space, const struct map_op *op);

/* mm/tables.c, pure too; how many are kept */
extern unsigned int tables_max;
void tables_touched(struct space *space, unsigned long addr);
bool tables_held(const struct space *space, unsigned long addr, unsigned long len);
void tables_empty(struct space *space);

#endif
