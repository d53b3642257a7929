/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The executable. Its first part (text, and the embedded initramfs) stays the
 * file's own pages, shared by all guests of a host. The second, from _sdata to
 * _end, becomes guest-physical memory at start (mm/physmem.c), so everything
 * that is ever written must be in it; it also has the constants, whose
 * sections hold relocated pointers beside written ones.
 */
#define RO_EXCEPTION_TABLE_ALIGN	16
#include <asm/vmlinux.lds.h>
#include <asm/cache.h>
#include <asm/page.h>
#include <asm/thread_info.h>

OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)
ENTRY(_start)
jiffies = jiffies_64;

PHDRS {
	text PT_LOAD FLAGS(5);
	data PT_LOAD FLAGS(6);
	stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
	. = KERNEL_START;
	_text = .;
	.text : AT(ADDR(.text)) {
		_stext = .;
		TEXT_TEXT
		SCHED_TEXT
		LOCK_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		*(.fixup)
		*(.gnu.warning)
	} :text
	_etext = .;
	. = ALIGN(PAGE_SIZE);
	_sinittext = .;
	.init.text : {
		INIT_TEXT
		*(.exit.text)
		_einittext = .;
	} :text
	.stub.text : ALIGN(PAGE_SIZE) {
		__stub_start = .;
		*(.stub.text)
		__stub_end = .;
	} :text
	.runner.text : ALIGN(PAGE_SIZE) {
		__runner_start = .;
		*(.runner.text)
		__runner_end = .;
	} :text
	.cpuid.text : {
		__cpuid_start = .;
		*(.cpuid.text)
		__cpuid_end = .;
	} :text
	.initramfs : ALIGN(PAGE_SIZE) { KEEP(*(.initramfs)) } :text

	. = ALIGN(PAGE_SIZE);
	_sdata = .;
	.um_help : {
		__um_help_start = .;
		KEEP(*(.um_help))
		__um_help_end = .;
	} :data
	RO_DATA(PAGE_SIZE)
	BUG_TABLE

	. = ALIGN(PAGE_SIZE);
	__init_begin = .;
	INIT_DATA_SECTION(16) :data
	.exit.data : { EXIT_DATA } :data
	.altinstructions : {
		__alt_instructions = .;
		*(.altinstructions)
		__alt_instructions_end = .;
	} :data
	.altinstr_replacement : { *(.altinstr_replacement) } :data
	. = ALIGN(PAGE_SIZE);
	__init_end = .;

	.data : {
		INIT_TASK_DATA(THREAD_SIZE)
		NOSAVE_DATA
		PAGE_ALIGNED_DATA(PAGE_SIZE)
		CACHELINE_ALIGNED_DATA(L1_CACHE_BYTES)
		READ_MOSTLY_DATA(L1_CACHE_BYTES)
		DATA_DATA
		*(.data.rel .data.rel.*)
		CONSTRUCTORS
	} :data
	PERCPU_SECTION(L1_CACHE_BYTES)
	.got : { *(.got .got.plt .igot .igot.plt) } :data
	_edata = .;
	BSS_SECTION(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE)
	. = ALIGN(PAGE_SIZE);
	_end = .;

	STABS_DEBUG
	DWARF_DEBUG
	ELF_DETAILS
	DISCARDS
}
