// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions of a program's text that trap, replaced by jumps: CPUID, which in a
 * virtual machine is an exit to the hypervisor (4 us and more), and of which a
 * program's start carries out forty; and system calls whose number the instruction
 * before loads, which are a host signal each. In a copy of the text,
 *
 *	b8 04 00 00 00	mov    $4, %eax		e9 .. .. .. ..	jmp  thunk
 *	31 c9		xor    %ecx, %ecx	31 c9
 *	0f a2		cpuid			0f a2
 *
 * and in the zeros between the end of the text and that of its last page
 *
 *	thunk:	mov  $4, %eax			what is before the instruction
 *		xor  %ecx, %ecx
 *		lea  back(%rip), %rbx		rcx for a system call; each destroys it
 *		jmp  entry
 *
 * What is changed depends on nothing but the file, and a program must not notice. So
 * it must be certain where instructions begin and where the program jumps to. Each
 * function is decoded from where the unwinder's table says that it begins, and has to
 * end where the next one begins. Only instructions that do the same elsewhere are
 * moved; no branch of the whole text may lead behind the first byte of a jump that was
 * put in; and in a function with an indirect jump, whose targets cannot be known, the
 * jump has to lie within one instruction. A system call's own two bytes stay, for a call that is started again.
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <asm/insn.h>
#include <asm/text_sites.h>

#define MAX_SITES	512
#define JUMP		5U	/* e9 and a distance */
#define LEA		7U
#define TRAP		2U	/* both instructions */
#define BEFORE		6U	/* instructions that are looked back at */

/**
 * struct site - an instruction that traps
 * @start:	of what is moved with it
 * @trap:	where it is
 * @cpuid:	which of the two
 * @sure:	no instruction begins within the jump but where the jump does
 * @drop:	it stays
 */
struct site {
	u32 start, trap;
	bool cpuid, sure, drop;
};

/**
 * struct survey - what is found out about a text
 * @plan:	what it is
 * @targets:	a bit for each byte that something jumps to
 * @site:	in ascending order
 */
struct survey {
	const struct text_plan *plan;
	unsigned long *targets;
	unsigned int nr;
	struct site site[MAX_SITES];
};

static void target(struct survey *s, s64 at)
{
	if (at >= 0 && at < s->plan->used)
		__set_bit(at, s->targets);
}

/* A direct branch, by its opcode. */
static bool branches(const struct insn *insn)
{
	const u8 *op = insn->opcode.bytes;

	if (insn->vex_prefix.nbytes)
		return false;
	if (insn->opcode.nbytes == 2)
		return op[0] == 0x0f && (op[1] & 0xf0) == 0x80;
	return insn->opcode.nbytes == 1 &&
	       ((op[0] & 0xf0) == 0x70 || (op[0] & 0xfc) == 0xe0 ||
		op[0] == 0xe8 || op[0] == 0xe9 || op[0] == 0xeb ||
		(op[0] == 0xc7 && insn->modrm.bytes[0] == 0xf8));	/* xbegin */
}

static bool jumps_anywhere(const struct insn *insn)
{
	unsigned int what = X86_MODRM_REG(insn->modrm.bytes[0]);

	return insn->opcode.nbytes == 1 && !insn->vex_prefix.nbytes &&
	       insn->opcode.bytes[0] == 0xff && (what == 4 || what == 5);
}

/* Has it an operand in memory but on the stack? An access that fails tells where. */
static bool may_fault(struct insn *insn)
{
	u8 m = insn->modrm.bytes[0];

	if (!insn->modrm.nbytes || X86_MODRM_MOD(m) == 3 || insn->opcode.bytes[0] == 0x8d)
		return false;
	return X86_MODRM_RM(m) != 4 || X86_SIB_BASE(insn->sib.bytes[0]) != 4 ||
	       X86_SIB_INDEX(insn->sib.bytes[0]) != 4 ||
	       (insn->rex_prefix.nbytes && insn->rex_prefix.bytes[0] & 3);
}

/* Does it do the same wherever it is, and go on behind itself? */
static bool movable(struct insn *insn)
{
	/* add, or, and, sub, xor, cmp; with a constant; test, mov, lea, mov; shifts */
	static const u8 one[] = {
		0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x3b,
		0x80, 0x81, 0x83, 0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xc1, 0xc6,
	};
	/* movzx, movsx, nop */
	static const u8 two[] = { 0xb6, 0xb7, 0xbe, 0xbf, 0x1f };
	u8 op = insn->opcode.bytes[0];

	if (insn->vex_prefix.nbytes || insn_rip_relative(insn) || may_fault(insn))
		return false;
	if (insn->opcode.nbytes == 2)
		return op == 0x0f && memchr(two, insn->opcode.bytes[1], sizeof(two));
	return insn->opcode.nbytes == 1 &&
	       ((op & 0xf8) == 0xb8 || memchr(one, op, sizeof(one)) ||
		(op == 0xc7 && insn->modrm.bytes[0] != 0xf8));
}

static bool traps(const struct insn *insn, u8 which)
{
	return insn->length == TRAP && insn->opcode.nbytes == 2 &&
	       insn->opcode.bytes[0] == 0x0f && insn->opcode.bytes[1] == which;
}

/* An instruction that traps at @at, behind @n others, the last first. */
static void found(struct survey *s, u32 at, bool cpuid, const u32 *before, unsigned int n)
{
	/* All of a call stays, for who starts it again; CPUID's bytes need not. */
	u32 least = cpuid ? JUMP - TRAP : JUMP;
	u32 limit = s->nr ? s->site[s->nr - 1].trap + TRAP : 0;
	struct site site = { .start = TEXT_NO_SITE, .trap = at, .cpuid = cpuid };

	if (!(cpuid ? s->plan->cpuid_entry : s->plan->syscall_entry) || s->nr == MAX_SITES)
		return;
	for (unsigned int i = 0; i < n && before[i] >= limit && !site.sure; i++) {
		u32 next = i ? before[i - 1] : at;

		site.sure = next - before[i] >= JUMP;
		if (site.sure || (site.start == TEXT_NO_SITE && at - before[i] >= least))
			site.start = before[i];
	}
	if (site.start != TEXT_NO_SITE)
		s->site[s->nr++] = site;
}

/* Of a function in which not all is known, only those that need not know it stay. */
static void keep_sure(struct survey *s, unsigned int first)
{
	unsigned int n = first;

	for (unsigned int i = first; i < s->nr; i++)
		if (s->site[i].sure)
			s->site[n++] = s->site[i];
	s->nr = n;
}

/* Branches over four bytes that could be in bytes which were not understood. */
static void suspect(struct survey *s, u32 from, u32 to)
{
	const u8 *t = s->plan->text;

	for (u32 i = from; i + JUMP <= to; i++) {
		if (t[i] == 0xe8 || t[i] == 0xe9)
			target(s, (s64)i + JUMP + (s32)get_unaligned_le32(t + i + 1));
		if (t[i] == 0x0f && (t[i + 1] & 0xf0) == 0x80 && i + JUMP < to)
			target(s, (s64)i + JUMP + 1 + (s32)get_unaligned_le32(t + i + 2));
	}
}

static void function(struct survey *s, u32 from, u32 to)
{
	u32 before[BEFORE];
	unsigned int n = 0, first = s->nr;
	bool anywhere = false;
	u32 at = from;

	while (at < to) {
		struct insn insn;

		if (insn_decode(&insn, s->plan->text + at, min(s->plan->used - at, 15U),
				INSN_MODE_64) || at + insn.length > to) {
			suspect(s, from, to);
			s->nr = first;
			return;
		}
		if (traps(&insn, 0xa2))
			found(s, at, true, before, n);
		else if (traps(&insn, 0x05))
			found(s, at, false, before, n);
		if (branches(&insn))
			target(s, (s64)at + insn.length + insn.immediate.value);
		anywhere |= jumps_anywhere(&insn);
		if (movable(&insn)) {
			memmove(before + 1, before, sizeof(before) - sizeof(*before));
			before[0] = at;
			n = min(n + 1, BEFORE);
		} else {
			n = 0;
		}
		at += insn.length;
	}
	if (anywhere)
		keep_sure(s, first);
}

static bool survey(struct survey *s)
{
	const struct text_plan *p = s->plan;

	suspect(s, 0, p->nr_funcs ? p->funcs[0] : p->used);
	for (u32 i = 0; i < p->nr_funcs; i++) {
		u32 to = i + 1 < p->nr_funcs ? p->funcs[i + 1] : p->used;

		if (p->funcs[i] >= to || to > p->used)
			return false;
		target(s, p->funcs[i]);
		function(s, p->funcs[i], to);
		cond_resched();
	}
	for (unsigned int i = 0; i < s->nr; i++)
		for (u32 b = 1; b < JUMP; b++)
			s->site[i].drop |= test_bit(s->site[i].start + b, s->targets);
	return true;
}

static u8 *put(u8 *to, const void *from, u32 n)
{
	memcpy(to, from, n);
	return to + n;
}

static u8 *put_distance(u8 *at, const u8 *to)
{
	put_unaligned_le32(to - (at + sizeof(u32)), at);
	return at + sizeof(u32);
}

/* The way to an entry, which is out of reach of a jump; return: behind it. */
static u8 *put_entry(u8 *at, bool cpuid, u64 entry)
{
	at = put(at, cpuid ? "\x48\xba" : "\x49\xbb", 2);	/* movabs, rdx or r11 */
	at = put(at, &entry, sizeof(entry));
	return cpuid ? put(at, "\xff\xe2", 2) : put(at, "\x41\xff\xe3", 3);
}

#define ENTRY_MAX	13U

/* All sites of one kind for which there is room; return: how many. */
static int put_sites(struct survey *s, bool cpuid, u8 **to)
{
	u8 *text = s->plan->text, *end = text + s->plan->size, *at = *to, *entry = at;
	int n = 0;

	if (end - at < ENTRY_MAX)
		return 0;
	at = put_entry(at, cpuid, cpuid ? s->plan->cpuid_entry : s->plan->syscall_entry);
	for (unsigned int i = 0; i < s->nr; i++) {
		const struct site *site = &s->site[i];
		u32 moved = site->trap - site->start;
		u8 *thunk = at;

		if (site->drop || site->cpuid != cpuid)
			continue;
		if (end - at < moved + LEA + JUMP)
			break;
		at = put(at, text + site->start, moved);
		at = put(at, cpuid ? "\x48\x8d\x1d" : "\x48\x8d\x0d", 3);	/* lea */
		at = put_distance(at, text + site->trap + TRAP);
		*at++ = 0xe9;
		at = put_distance(at, entry);
		text[site->start] = 0xe9;
		put_distance(text + site->start + 1, thunk);
		n++;
	}
	if (n)
		*to = at;
	else
		memset(entry, 0, at - entry);
	return n;
}

/**
 * text_improve() - change what can be changed
 *
 * Return: how many instructions were, 0 when none or when the text is not one that
 * can be relied upon; then it is as it was. -ENOMEM.
 */
int text_improve(const struct text_plan *plan)
{
	u8 *at = plan->text + plan->used;
	struct survey *s;
	int n = 0;

	if (plan->size - plan->used >= PAGE_SIZE ||
	    memchr_inv(at, 0, plan->size - plan->used))
		return 0;
	s = kvzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->plan = plan;
	s->targets = kvcalloc(BITS_TO_LONGS(plan->used), sizeof(long), GFP_KERNEL);
	if (s->targets && survey(s)) {
		n = put_sites(s, true, &at);
		n += put_sites(s, false, &at);
	}
	if (!s->targets)
		n = -ENOMEM;
	kvfree(s->targets);
	kvfree(s);
	return n;
}

/**
 * text_site_of() - where the jump to a thunk was put
 * @thunk: offset of the thunk's first byte
 *
 * Return: its offset, or TEXT_NO_SITE when no jump leads there.
 */
u32 text_site_of(const struct text_plan *plan, u32 thunk)
{
	for (u32 i = 0; i + JUMP <= plan->used; i++)
		if (plan->text[i] == 0xe9 &&
		    i + JUMP + get_unaligned_le32(plan->text + i + 1) == thunk)
			return i;
	return TEXT_NO_SITE;
}
