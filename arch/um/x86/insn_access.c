// SPDX-License-Identifier: GPL-2.0
/*
 * Does an instruction write the memory that it touches? The host does not say
 * which access faulted. A wrong "writes" makes a page where the zero page
 * would have done, a wrong "reads" costs a second fault; neither is an error.
 * So it is enough to know the common instructions that only read.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/insn_access.h>
#include <asm/ptrace.h>

static bool in(u8 op, const u8 *set, int n)
{
	return memchr(set, op, n);
}

/**
 * opcode_reads_only() - is this an instruction that only reads memory
 * @insn: its bytes
 * @len: how many there are, up to 15
 */
bool opcode_reads_only(const u8 *insn, int len)
{
	/* movsxd, mov, test, cmp, scas, cmps, lods, pop-free ALU reg <- mem */
	static const u8 one[] = {
		0x02, 0x03, 0x0a, 0x0b, 0x12, 0x13, 0x1a, 0x1b, 0x22, 0x23,
		0x2a, 0x2b, 0x32, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x63, 0x69,
		0x6b, 0x84, 0x85, 0x8a, 0x8b, 0xa6, 0xa7, 0xac, 0xad, 0xae, 0xaf,
	};
	/* SSE loads, movzx, movsx, bt, imul, cmovcc, ucomis, pcmpeq, por ... */
	static const u8 two[] = {
		0x10, 0x12, 0x14, 0x15, 0x16, 0x28, 0x2a, 0x2c, 0x2d, 0x2e, 0x2f,
		0x51, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c,
		0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x64, 0x65, 0x66, 0x6c,
		0x6e, 0x6f, 0x70, 0x74, 0x75, 0x76, 0xa3, 0xaf, 0xb6, 0xb7,
		0xb8, 0xbc, 0xbd, 0xbe, 0xbf, 0xc2, 0xc6, 0xd4, 0xda, 0xdb,
		0xde, 0xdf, 0xeb, 0xef, 0xf0, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe,
		0x0d, 0x18,
	};
	int i = 0;

	while (i < len && (insn[i] == 0x66 || insn[i] == 0xf2 || insn[i] == 0xf3 ||
			   insn[i] == 0x64 || insn[i] == 0x65 || insn[i] == 0x2e ||
			   insn[i] == 0x3e))
		i++;
	if (i < len && (insn[i] & 0xf0) == 0x40)	/* REX */
		i++;
	if (i + 1 >= len)
		return false;

	switch (insn[i]) {
	case 0x0f:
		if (in(insn[i + 1], two, sizeof(two)))
			return true;
		return (insn[i + 1] & 0xf0) == 0x40;	/* cmovcc */
	case 0xc5:					/* two-byte VEX */
		return i + 2 < len && in(insn[i + 2], two, sizeof(two));
	case 0xc4:					/* three-byte VEX */
		if (i + 3 >= len)
			return false;
		if ((insn[i + 1] & 0x1f) == 1)
			return in(insn[i + 3], two, sizeof(two));
		return (insn[i + 1] & 0x1f) == 2;
	case 0x62:					/* EVEX, map 1 */
		if (i + 4 >= len || (insn[i + 1] & 7) != 1)
			return false;
		return in(insn[i + 4], two, sizeof(two));
	case 0x80:
	case 0x81:
	case 0x83:
		return (insn[i + 1] >> 3 & 7) == 7;	/* cmp */
	case 0xf6:
	case 0xf7:
		return (insn[i + 1] >> 3 & 7) <= 1 || (insn[i + 1] >> 3 & 7) >= 4;
	case 0xff:
		return (insn[i + 1] >> 3 & 7) >= 2;	/* call, jmp, push */
	}
	return in(insn[i], one, sizeof(one));
}

/**
 * insn_writes() - may the instruction at regs->ip have written memory
 */
bool insn_writes(const struct pt_regs *regs)
{
	u8 insn[15];
	unsigned long left;

	/* The instruction was fetched, so it is there but for a page's end. */
	pagefault_disable();
	left = __copy_from_user_inatomic(insn, (void __user *)regs->ip, sizeof(insn));
	pagefault_enable();
	return !opcode_reads_only(insn, sizeof(insn) - left);
}
