/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration, for --showconfig. */
	.section .rodata, "a"
	.globl boot_config, boot_config_end
boot_config:
	.incbin CONFIG_FILE
boot_config_end:
