/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of the vDSO: one segment, read and executed, with nothing in it
 * that anybody would have to relocate or write. The pages of data lie before
 * it, in the order of kernel/vdso.c.
 */
#include <asm/page.h>

OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)

PHDRS {
	text PT_LOAD FILEHDR PHDRS FLAGS(5);
	dynamic PT_DYNAMIC FLAGS(4);
	note PT_NOTE FLAGS(4);
	eh_frame_hdr PT_GNU_EH_FRAME FLAGS(4);
	stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
	PROVIDE_HIDDEN(_vdso_data = 0 - 2 * PAGE_SIZE);
	PROVIDE_HIDDEN(_timens_data = 0 - PAGE_SIZE);

	. = SIZEOF_HEADERS;
	.hash : { *(.hash) } :text
	.gnu.hash : { *(.gnu.hash) } :text
	.dynsym : { *(.dynsym) } :text
	.dynstr : { *(.dynstr) } :text
	.gnu.version : { *(.gnu.version) } :text
	.gnu.version_d : { *(.gnu.version_d) } :text
	.dynamic : { *(.dynamic) } :text :dynamic
	.note : { *(.note.*) } :text :note
	.eh_frame_hdr : { *(.eh_frame_hdr) } :text :eh_frame_hdr
	.eh_frame : { KEEP(*(.eh_frame)) } :text
	.rodata : { *(.rodata .rodata.*) } :text
	.text : { *(.text .text.*) } :text

	/DISCARD/ : {
		*(.data .data.* .bss .bss.* .discard.* .comment .note.GNU-stack)
		*(.altinstructions .altinstr_replacement __bug_table __ex_table)
	}
}

VERSION
{
	LINUX_2.6 {
	global:
		clock_gettime; __vdso_clock_gettime;
		clock_getres; __vdso_clock_getres;
		gettimeofday; __vdso_gettimeofday;
		time; __vdso_time;
		getcpu; __vdso_getcpu;
	local:
		*;
	};
}
