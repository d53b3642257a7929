/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_INSN_ACCESS_H
#define _ASM_UM_INSN_ACCESS_H

#include <linux/types.h>

struct pt_regs;

bool insn_writes(const struct pt_regs *regs);
bool opcode_reads_only(const u8 *insn, int len);

#endif
