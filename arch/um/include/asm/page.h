/* SPDX-License-Identifier: GPL-2.0 */
/* Pages, and how addresses of the kernel relate to guest-physical ones. */
#ifndef _ASM_UM_PAGE_H
#define _ASM_UM_PAGE_H

#include <linux/const.h>
#include <asm/layout.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct page;

typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pud; } pud_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct page *pgtable_t;

#define pte_val(x)	((x).pte)
#define pmd_val(x)	((x).pmd)
#define pud_val(x)	((x).pud)
#define pgd_val(x)	((x).pgd)
#define pgprot_val(x)	((x).pgprot)

#define __pte(x)	((pte_t) { (x) })
#define __pmd(x)	((pmd_t) { (x) })
#define __pud(x)	((pud_t) { (x) })
#define __pgd(x)	((pgd_t) { (x) })
#define __pgprot(x)	((pgprot_t) { (x) })

static inline void clear_page(void *page)
{
	unsigned long n = PAGE_SIZE / 8;

	asm volatile("rep stosq" : "+D" (page), "+c" (n) : "a" (0) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
	unsigned long n = PAGE_SIZE / 8;

	asm volatile("rep movsq" : "+D" (to), "+S" (from), "+c" (n) : : "memory");
}

#define clear_user_page(page, vaddr, pg)	clear_page(page)
#define copy_user_page(to, from, vaddr, pg)	copy_page(to, from)

extern unsigned long physmem_size;
extern char _end[];

/* The image has its own addresses; everything else is in the direct map. */
static inline unsigned long __virt_to_phys(unsigned long v)
{
	return v - (v >= PAGE_OFFSET ? PAGE_OFFSET : KERNEL_START);
}

#define __pa(x)			__virt_to_phys((unsigned long)(x))
#define __pa_symbol(x)		__pa(x)
#define __va(x)			((void *)((unsigned long)(x) + PAGE_OFFSET))

#define phys_to_pfn(p)		((p) >> PAGE_SHIFT)
#define pfn_to_phys(pfn)	PFN_PHYS(pfn)
#define virt_to_pfn(v)		(__pa(v) >> PAGE_SHIFT)
#define pfn_to_virt(pfn)	__va((unsigned long)(pfn) << PAGE_SHIFT)
#define page_to_phys(page)	((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define virt_to_page(v)		pfn_to_page(virt_to_pfn(v))
#define page_to_virt(page)	__va(page_to_pfn(page) << PAGE_SHIFT)

static inline bool __virt_addr_valid(unsigned long v)
{
	if (v >= PAGE_OFFSET)
		return v - PAGE_OFFSET < physmem_size;
	return v >= KERNEL_START && v < (unsigned long)_end;
}
#define virt_addr_valid(v)	__virt_addr_valid((unsigned long)(v))

/* Host memory is populated as the page allocator hands pages out. */
#define HAVE_ARCH_ALLOC_PAGE
void arch_alloc_page(struct page *page, int order);

#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>

#endif /* __ASSEMBLY__ */

#define VM_DATA_DEFAULT_FLAGS	VM_DATA_FLAGS_TSK_EXEC

#endif
