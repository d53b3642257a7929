/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest program is: an x86-64 ELF file. 32-bit programs fail the check
 * and get ENOEXEC.
 */
#ifndef _ASM_UM_ELF_H
#define _ASM_UM_ELF_H

#include <linux/types.h>
#include <asm/processor.h>
#include <asm/user.h>

#define R_X86_64_NONE		0
#define R_X86_64_64		1
#define R_X86_64_PC32		2
#define R_X86_64_PLT32		4
#define R_X86_64_32		10
#define R_X86_64_32S		11
#define R_X86_64_PC64		24

typedef unsigned long elf_greg_t;
#define ELF_NGREG (sizeof(struct user_regs_struct) / sizeof(elf_greg_t))
typedef elf_greg_t elf_gregset_t[ELF_NGREG];
typedef struct user_i387_struct elf_fpregset_t;

#define ELF_CLASS	ELFCLASS64
#define ELF_DATA	ELFDATA2LSB
#define ELF_ARCH	EM_X86_64

#define elf_check_arch(x)	((x)->e_machine == EM_X86_64 && \
				 (x)->e_ident[EI_CLASS] == ELFCLASS64)

#define CORE_DUMP_USE_REGSET
#define ELF_EXEC_PAGESIZE	PAGE_SIZE
#define ELF_ET_DYN_BASE		(TASK_SIZE / 3 * 2)

#define ELF_PLAT_INIT(regs, load_addr)	do { } while (0)

/* Both are the host's: the programs run on its CPU. */
extern unsigned long host_hwcap, host_hwcap2;
#define ELF_HWCAP		(host_hwcap)
#define ELF_HWCAP2		(host_hwcap2)
#define ELF_PLATFORM		("x86_64")

#define SET_PERSONALITY(ex) \
	set_personality(PER_LINUX | (current->personality & (~PER_MASK)))

extern unsigned int signal_frame_size;
#define ARCH_DLINFO								\
	do {									\
		NEW_AUX_ENT(AT_MINSIGSTKSZ, signal_frame_size);			\
		if (current->mm->context.vdso)					\
			NEW_AUX_ENT(AT_SYSINFO_EHDR, current->mm->context.vdso); \
	} while (0)

#define ARCH_HAS_SETUP_ADDITIONAL_PAGES
struct linux_binprm;
int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp);

#endif
