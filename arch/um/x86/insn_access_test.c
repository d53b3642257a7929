// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the classification of instructions. The bytes are what GNU as
 * makes of the text beside them.
 */
#include <kunit/test.h>
#include <asm/insn_access.h>

static const struct {
	const char *text;
	u8 bytes[10];
	bool reads_only;
} insns[] = {
	{ "mov (%rax),%eax",		{ 0x8b, 0x00 },				true },
	{ "mov (%r8),%r9",		{ 0x4d, 0x8b, 0x08 },			true },
	{ "mov %eax,(%rax)",		{ 0x89, 0x00 },				false },
	{ "movb $1,(%rdi)",		{ 0xc6, 0x07, 0x01 },			false },
	{ "movzbl (%rdi),%eax",		{ 0x0f, 0xb6, 0x07 },			true },
	{ "cmpb $0,(%rdi)",		{ 0x80, 0x3f, 0x00 },			true },
	{ "addb $1,(%rdi)",		{ 0x80, 0x07, 0x01 },			false },
	{ "cmp %rax,(%rdi)",		{ 0x48, 0x39, 0x07 },			true },
	{ "add %rax,(%rdi)",		{ 0x48, 0x01, 0x07 },			false },
	{ "testb $1,(%rdi)",		{ 0xf6, 0x07, 0x01 },			true },
	{ "negl (%rdi)",		{ 0xf7, 0x1f },				false },
	{ "incl (%rdi)",		{ 0xff, 0x07 },				false },
	{ "jmp *(%rdi)",		{ 0xff, 0x27 },				true },
	{ "rep stosq",			{ 0xf3, 0x48, 0xab },			false },
	{ "repz cmpsb",			{ 0xf3, 0xa6 },				true },
	{ "lock cmpxchg %ecx,(%rdi)",	{ 0xf0, 0x0f, 0xb1, 0x0f },		false },
	{ "movdqu (%rdi),%xmm0",	{ 0xf3, 0x0f, 0x6f, 0x07 },		true },
	{ "movdqu %xmm0,(%rdi)",	{ 0xf3, 0x0f, 0x7f, 0x07 },		false },
	{ "movups %xmm0,(%rdi)",	{ 0x0f, 0x11, 0x07 },			false },
	{ "vmovdqu (%rdi),%ymm0",	{ 0xc5, 0xfe, 0x6f, 0x07 },		true },
	{ "vmovdqu %ymm0,(%rdi)",	{ 0xc5, 0xfe, 0x7f, 0x07 },		false },
	{ "vmovdqu64 (%rdi),%zmm0",	{ 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x07 },	true },
	{ "vmovdqu64 %zmm0,(%rdi)",	{ 0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x07 },	false },
	{ "push %rax",			{ 0x50, 0x90 },				false },
};

static void known_instructions(struct kunit *test)
{
	for (int i = 0; i < ARRAY_SIZE(insns); i++)
		KUNIT_EXPECT_EQ_MSG(test, opcode_reads_only(insns[i].bytes, 10),
				    insns[i].reads_only, "%s", insns[i].text);
}

static void short_input_is_a_write(struct kunit *test)
{
	static const u8 rex = 0x48;

	KUNIT_EXPECT_FALSE(test, opcode_reads_only(&rex, 0));
	KUNIT_EXPECT_FALSE(test, opcode_reads_only(&rex, 1));
}

static struct kunit_case insn_cases[] = {
	KUNIT_CASE(known_instructions),
	KUNIT_CASE(short_input_is_a_write),
	{ }
};

static struct kunit_suite insn_suite = {
	.name = "um_insn_access",
	.test_cases = insn_cases,
};
kunit_test_suite(insn_suite);
MODULE_DESCRIPTION("KUnit tests of the classification of instructions");
MODULE_LICENSE("GPL");
