// SPDX-License-Identifier: GPL-2.0
/*
 * A program's text as its file has it, and where its functions begin. That is what the
 * records say by which debuggers and exceptions unwind (section .eh_frame: Linux Standard
 * Base, "Exception Frames"), in programs that are stripped as well.
 *
 * The file is anybody's: nothing in it is believed unchecked.
 */
#include <linux/elf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <asm/text.h>
#include <asm/text_sites.h>

#define MAX_HEADS	128	/* of segments, of sections */
#define MAX_NAMES	65536U	/* of sections, bytes */
#define MAX_FRAMES	(4U << 20)
#define SDATA4_PCREL	0x1b	/* a distance from where it stands, four bytes */

static int read_all(struct file *file, void *to, size_t len, loff_t at)
{
	ssize_t n = kernel_read(file, to, len, &at);

	return n < 0 ? n : n == len ? 0 : -ENOEXEC;
}

static int read_heads(struct file *file, void **heads, u16 n, u16 size, u64 at, size_t right)
{
	int err;

	if (!n || n > MAX_HEADS || size != right || at > INT_MAX)
		return -ENOEXEC;
	*heads = kmalloc_array(n, size, GFP_KERNEL);
	if (!*heads)
		return -ENOMEM;
	err = read_all(file, *heads, n * size, at);
	if (err) {
		kfree(*heads);
		*heads = NULL;
	}
	return err;
}

/* The segment that is mapped from @at on. */
static int find_text(struct file *file, const struct elf64_hdr *e, loff_t at,
		     struct elf64_phdr *text)
{
	struct elf64_phdr *p;
	int err = read_heads(file, (void **)&p, e->e_phnum, e->e_phentsize, e->e_phoff,
			     sizeof(*p));

	if (err)
		return err;
	err = -ENOEXEC;
	for (unsigned int i = 0; err && i < e->e_phnum; i++) {
		*text = p[i];
		if (text->p_type == PT_LOAD && text->p_flags & PF_X &&
		    (text->p_offset & PAGE_MASK) == at && text->p_filesz &&
		    text->p_filesz <= INT_MAX && text->p_filesz == text->p_memsz)
			err = 0;
	}
	kfree(p);
	return err;
}

/* The section of records. */
static int find_frames(struct file *file, const struct elf64_hdr *e, struct elf64_shdr *frames)
{
	static const char name[] = ".eh_frame";
	char is[sizeof(name)];
	struct elf64_shdr *s, names;
	int err = read_heads(file, (void **)&s, e->e_shnum, e->e_shentsize, e->e_shoff,
			     sizeof(*s));

	if (err)
		return err;
	err = -ENOEXEC;
	if (e->e_shstrndx >= e->e_shnum)
		goto out;
	names = s[e->e_shstrndx];
	for (unsigned int i = 0; err && i < e->e_shnum; i++) {
		*frames = s[i];
		if (frames->sh_name >= MAX_NAMES || names.sh_offset > INT_MAX ||
		    frames->sh_offset > INT_MAX || frames->sh_size > MAX_FRAMES ||
		    frames->sh_type == SHT_NOBITS ||
		    read_all(file, is, sizeof(is), names.sh_offset + frames->sh_name))
			continue;
		if (!memcmp(is, name, sizeof(name)))
			err = 0;
	}
out:
	kfree(s);
	return err;
}

static int ascending(const void *a, const void *b)
{
	return *(const u32 *)a < *(const u32 *)b ? -1 : *(const u32 *)a > *(const u32 *)b;
}

/*
 * Does a record's common part, @c up to @end, say that addresses are of the usual kind?
 * Length, 0, version, augmentation; three numbers and the length of what follows, in
 * the cases that are understood a byte each; then what each letter stands for.
 */
static bool usual(const u8 *c, const u8 *end)
{
	const u8 *letter = c + 9, *data;
	size_t n;

	if (end - c < 20 || get_unaligned_le32(c + 4) || c[8] != 1 || *letter++ != 'z')
		return false;
	/* The letters end within eight bytes, and so does the loop below. */
	n = strnlen(letter, 8);
	data = letter + n + 1;
	if (n == 8 || end - data < 4 + 8 || (data[0] | data[1] | data[2] | data[3]) & 0x80)
		return false;
	for (data += 4; data < end; letter++)
		switch (*letter) {
		case 'R':
			return *data == SDATA4_PCREL;
		case 'P':	/* a pointer of four bytes, and its kind */
			if ((*data & 0x07) != 0x03)
				return false;
			data += 5;
			break;
		case 'L':
			data++;
			break;
		case 'S':
			break;
		default:
			return false;
		}
	return false;
}

/**
 * text_list_funcs() - where the functions begin that the records describe
 * @frames: records, of which there are @size bytes
 * @base: their address in the file's own terms
 * @text: that of the text; only what begins below @used from there counts
 * @funcs: gets at most @max, ascending, each once
 *
 * Return: how many, or -ENOEXEC when it is not what is understood.
 */
int text_list_funcs(const u8 *frames, u32 size, u64 base, u64 text, u32 used,
		    u32 *funcs, u32 max)
{
	u32 n = 0, m = 0;

	for (u32 at = 0; size - at >= 16;) {
		u32 len = get_unaligned_le32(frames + at), id = get_unaligned_le32(frames + at + 4);
		u64 func;

		if (!len)
			break;
		if (len < 12 || len > size - at - 4)
			return -ENOEXEC;
		if (id) {
			/* The common part is so far before the field that says so. */
			if (id > at + 4 || !usual(frames + at + 4 - id, frames + size))
				return -ENOEXEC;
			func = base + at + 8 + (s32)get_unaligned_le32(frames + at + 8) - text;
			if (func < used && n == max)
				return -ENOEXEC;
			if (func < used)
				funcs[n++] = func;
		}
		at += 4 + len;
	}
	sort(funcs, n, sizeof(*funcs), ascending, NULL);
	/* One function may have two. */
	for (u32 i = 0; i < n; i++)
		if (!i || funcs[i] != funcs[m - 1])
			funcs[m++] = funcs[i];
	return m;
}

/* The file's own address of the text is @text. */
static int read_funcs(struct file *file, const struct elf64_shdr *frames, u64 text,
		      struct text_plan *plan)
{
	u32 max = frames->sh_size / 16, *funcs = kvmalloc_array(max + 1, sizeof(*funcs), GFP_KERNEL);
	u8 *f = kvmalloc(frames->sh_size, GFP_KERNEL);
	int n = -ENOMEM;

	if (f && funcs)
		n = read_all(file, f, frames->sh_size, frames->sh_offset);
	if (!n)
		n = text_list_funcs(f, frames->sh_size, frames->sh_addr, text, plan->used,
				    funcs, max);
	kvfree(f);
	if (n <= 0) {
		kvfree(funcs);
		return n ?: -ENOEXEC;
	}
	plan->funcs = funcs;
	plan->nr_funcs = n;
	return 0;
}

/**
 * text_read() - read what is mapped of a program's file as its text
 * @at: where it begins in the file, whole pages
 * @size: how much is mapped
 * @plan: gets all but the entries; @text is pages of its own, alloc_pages_exact()
 *
 * Return: 0; -ENOEXEC when it is not a file of the kind that is understood; -errno.
 */
int text_read(struct file *file, loff_t at, u32 size, struct text_plan *plan)
{
	struct elf64_phdr text;
	struct elf64_shdr frames;
	struct elf64_hdr e;
	ssize_t n;
	u32 skip;
	int err;

	*plan = (struct text_plan) {};
	err = read_all(file, &e, sizeof(e), 0);
	if (err)
		return err;
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_machine != EM_X86_64)
		return -ENOEXEC;
	err = find_text(file, &e, at, &text) ?: find_frames(file, &e, &frames);
	if (err)
		return err;
	skip = text.p_offset - at;
	plan->size = size;
	plan->used = skip + text.p_filesz;
	if (PAGE_ALIGN(plan->used) != size)
		return -ENOEXEC;
	err = read_funcs(file, &frames, text.p_vaddr - skip, plan);
	if (err)
		return err;
	plan->text = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
				       __GFP_NORETRY);
	err = -ENOMEM;
	if (!plan->text)
		goto fail;
	/* What follows in its last page too, but the file may end before. */
	n = kernel_read(file, plan->text, size, &at);
	err = n < 0 ? n : n >= plan->used ? 0 : -ENOEXEC;
	if (!err)
		return 0;
fail:
	text_read_end(plan);
	return err;
}

/**
 * text_read_end() - give back what text_read() got
 */
void text_read_end(struct text_plan *plan)
{
	kvfree(plan->funcs);
	if (plan->text)
		free_pages_exact(plan->text, plan->size);
	*plan = (struct text_plan) {};
}
