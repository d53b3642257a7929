/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tree's own population count, which its asm/arch_hweight.h calls with
 * registers that C code does not expect to change.
 */
#include <../lib/hweight.S>
