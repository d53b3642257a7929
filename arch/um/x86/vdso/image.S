/* SPDX-License-Identifier: GPL-2.0 */
/* The vDSO's file in the kernel image: whole pages, to be mapped as they are. */
#include <linux/linkage.h>
#include <asm/page.h>

	.section .rodata, "a"
	.balign	PAGE_SIZE
SYM_DATA_START(vdso_image_start)
	.incbin	VDSO_FILE
	.balign	PAGE_SIZE
SYM_DATA_END_LABEL(vdso_image_start, SYM_L_GLOBAL, vdso_image_end)
