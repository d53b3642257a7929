// SPDX-License-Identifier: GPL-2.0
/*
 * Modules: where they lie (within 2 GiB of the image, so that they can call
 * it) and their relocations (x86-64 ABI, table 4.9).
 */
#include <linux/elf.h>
#include <linux/execmem.h>
#include <linux/module.h>
#include <linux/moduleloader.h>
#include <linux/unaligned.h>
#include <asm/layout.h>
#include <asm/pgtable.h>

static struct execmem_info execmem_info __ro_after_init;

struct execmem_info __init *execmem_arch_setup(void)
{
	execmem_info = (struct execmem_info) {
		.ranges = {
			[EXECMEM_DEFAULT] = {
				.start = MODULES_VADDR,
				.end = MODULES_END,
				.pgprot = PAGE_KERNEL_EXEC,
				.alignment = 1,
			},
		},
	};
	return &execmem_info;
}

int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex,
		       unsigned int relsec, struct module *me)
{
	const Elf64_Rela *rel = (void *)sechdrs[relsec].sh_addr;
	const Elf64_Sym *symtab = (void *)sechdrs[symindex].sh_addr;
	unsigned long n = sechdrs[relsec].sh_size / sizeof(*rel);
	void *base = (void *)sechdrs[sechdrs[relsec].sh_info].sh_addr;

	for (unsigned long i = 0; i < n; i++) {
		void *at = base + rel[i].r_offset;
		u64 val = symtab[ELF64_R_SYM(rel[i].r_info)].st_value + rel[i].r_addend;
		unsigned int type = ELF64_R_TYPE(rel[i].r_info);

		switch (type) {
		case R_X86_64_NONE:
			continue;
		case R_X86_64_64:
			put_unaligned(val, (u64 *)at);
			continue;
		case R_X86_64_PC64:
			put_unaligned(val - (u64)at, (u64 *)at);
			continue;
		case R_X86_64_PC32:
		case R_X86_64_PLT32:
			val -= (u64)at;
			if ((s64)val != (s32)val)
				break;
			put_unaligned((u32)val, (u32 *)at);
			continue;
		}
		pr_err("%s: relocation type %u at %px cannot be applied\n", me->name, type, at);
		return -ENOEXEC;
	}
	return 0;
}
