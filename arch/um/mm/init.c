// SPDX-License-Identifier: GPL-2.0
/*
 * Handing memory to Linux: zones, the protection map, freeing what only boot
 * needed.
 */
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/compaction.h>
#include <asm/page.h>
#include <asm/pgtable.h>
#include <asm/physmem.h>
#include <asm/sections.h>

pgd_t swapper_pg_dir[PTRS_PER_PGD] __page_aligned_bss;
unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)] __page_aligned_bss;
EXPORT_SYMBOL(empty_zero_page);

/* x86 has no write-only or exec-only access: whatever can be had can be read. */
static const pgprot_t protection_map[16] = {
	[VM_NONE]					= PAGE_NONE,
	[VM_READ]					= PAGE_READONLY,
	[VM_WRITE]					= PAGE_COPY,
	[VM_WRITE | VM_READ]				= PAGE_COPY,
	[VM_EXEC]					= PAGE_READONLY_EXEC,
	[VM_EXEC | VM_READ]				= PAGE_READONLY_EXEC,
	[VM_EXEC | VM_WRITE]				= PAGE_COPY_EXEC,
	[VM_EXEC | VM_WRITE | VM_READ]			= PAGE_COPY_EXEC,
	[VM_SHARED]					= PAGE_NONE,
	[VM_SHARED | VM_READ]				= PAGE_READONLY,
	[VM_SHARED | VM_WRITE]				= PAGE_SHARED,
	[VM_SHARED | VM_WRITE | VM_READ]		= PAGE_SHARED,
	[VM_SHARED | VM_EXEC]				= PAGE_READONLY_EXEC,
	[VM_SHARED | VM_EXEC | VM_READ]			= PAGE_READONLY_EXEC,
	[VM_SHARED | VM_EXEC | VM_WRITE]		= PAGE_SHARED_EXEC,
	[VM_SHARED | VM_EXEC | VM_WRITE | VM_READ]	= PAGE_SHARED_EXEC,
};
DECLARE_VM_GET_PAGE_PROT

void __init paging_init(void)
{
	unsigned long max_zone_pfns[MAX_NR_ZONES] = {
		[ZONE_NORMAL] = max_low_pfn,
	};

	physmem_track();
	free_area_init(max_zone_pfns);
}

void __init mem_init(void)
{
	high_memory = __va(physmem_size);
	set_max_mapnr(max_low_pfn);
	memblock_free_all();
}

/*
 * Anonymous memory in pieces of 64 KiB, each of which is one fault and one
 * mapping of the host instead of sixteen; 2 MiB where a region is that large
 * (transparent_hugepage=). Nobody compacts memory in the background: the host
 * does not care where guest-physical pages lie, and an idle guest must sleep.
 */
static int __init large_folios_init(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	huge_anon_orders_always |= BIT(4);
#endif
	kcompactd_stop(0);
	return 0;
}
late_initcall(large_folios_init);

void free_initmem(void)
{
	free_initmem_default(POISON_FREE_INITMEM);
}
