/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_SECTIONS_H
#define _ASM_UM_SECTIONS_H

#include <linux/types.h>
#include <asm-generic/sections.h>

extern char __initramfs_cpio_start[], __initramfs_cpio_end[];

static inline bool have_embedded_initramfs(void)
{
	return &__initramfs_cpio_end[0] > &__initramfs_cpio_start[0];
}

#endif
