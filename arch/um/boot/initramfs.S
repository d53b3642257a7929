/* SPDX-License-Identifier: GPL-2.0 */
/* The initramfs that is unpacked when neither root= nor initrd= is given. */
	.section .initramfs, "a"
	.balign 4096
	.globl __initramfs_cpio_start, __initramfs_cpio_end
__initramfs_cpio_start:
#ifdef INITRAMFS_FILE
	.incbin INITRAMFS_FILE
#endif
__initramfs_cpio_end:
