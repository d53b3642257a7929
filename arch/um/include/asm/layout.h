/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The picture of memory. One layout serves every mode: the kernel lies above
 * TASK_SIZE, so that a mode that maps kernel and guest into one host process
 * needs no second one. All of it is inside the 47 bits that an x86-64 host
 * gives a process; what the host itself places (stack, vdso) lies above.
 *
 *	0000 0000 0000	guest programs
 *	7c00 0000 0000	TASK_SIZE; the stub area, in every space
 *	7c80 0000 0000	kernel image (kernel process only, like all below)
 *	7c80 1000 0000	modules, within 2 GiB of the image
 *	7d00 0000 0000	vmalloc
 *	7d80 0000 0000	direct map of physmem, at most 1 TiB
 *	7e80 0000 0000	the host's: its stack and vdso
 *
 * Guest-physical memory (physmem) is one memfd. Its first bytes stand for the
 * kernel image: guest-physical address 0 is KERNEL_START. The writable part of
 * the image is that memory; for its text, which stays the file's own pages,
 * physmem only keeps a hole.
 */
#ifndef _ASM_UM_LAYOUT_H
#define _ASM_UM_LAYOUT_H

#include <linux/const.h>

#define TASK_SIZE_MAX	_AC(0x7c0000000000, UL)

#define STUB_START	TASK_SIZE_MAX
#define STUB_CODE	STUB_START
#define STUB_DATA	(STUB_START + 0x1000)
#define STUB_END	(STUB_START + 0x2000)
/* Skas0 over seccomp: what CPUID says, see x86/cpuid_page.S. */
#define STUB_CPUID	(STUB_START + 0x80000)

#define KERNEL_START	_AC(0x7c8000000000, UL)
#define MODULES_VADDR	_AC(0x7c8010000000, UL)
#define MODULES_END	_AC(0x7c8070000000, UL)
#define VMALLOC_START	_AC(0x7d0000000000, UL)
#define VMALLOC_END	_AC(0x7d8000000000, UL)
#define PAGE_OFFSET	_AC(0x7d8000000000, UL)
#define PHYSMEM_MAX	_AC(0x010000000000, UL)

#endif
