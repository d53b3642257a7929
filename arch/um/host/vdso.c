// SPDX-License-Identifier: GPL-2.0
/*
 * The host's vDSO (vdso(7)): a small ELF library that the host maps into every
 * process, with code that reads the clock without a system call, and next to it
 * the pages of data that this code reads. The library is found as any program
 * finds it, through AT_SYSINFO_EHDR. How much lies around it the host tells only
 * in /proc/self/maps, under the names [vdso], [vvar] and, on a newer host, more
 * that begin with [vvar. The code refers to its data relative to itself, so all
 * of it may be moved together.
 */
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/string.h>
#include "syscall.h"

/* clock_gettime() of the vDSO where the host put it, or NULL. */
int (*host_vdso_clock)(int clock, struct __kernel_timespec *ts);

/**
 * host_vdso_init() - find __vdso_clock_gettime
 * @ehdr: the ELF header that AT_SYSINFO_EHDR names, or NULL
 */
void host_vdso_init(const void *ehdr)
{
	const struct elf64_hdr *eh = ehdr;
	const struct elf64_phdr *ph;
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *sym = NULL;
	const char *str = NULL;
	const u32 *hash = NULL;
	unsigned long base = 0;
	u32 i;

	if (!eh)
		return;
	ph = ehdr + eh->e_phoff;
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			base = (unsigned long)ehdr + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dyn = ehdr + ph[i].p_offset;
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *p = (void *)(base + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			sym = p;
		else if (dyn->d_tag == DT_STRTAB)
			str = p;
		else if (dyn->d_tag == DT_HASH)
			hash = p;
	}
	if (!sym || !str || !hash)
		return;
	for (i = 0; i < hash[1]; i++)
		if (sym[i].st_shndx && !strcmp(str + sym[i].st_name, "__vdso_clock_gettime"))
			host_vdso_clock = (void *)(base + sym[i].st_value);
}

/* The mappings of the vDSO. */
#define PARTS_MAX	8
struct parts {
	unsigned int nr;
	struct {
		unsigned long start, end;
	} part[PARTS_MAX];
};

static const char *parse_hex(const char *p, unsigned long *val)
{
	for (*val = 0;; p++) {
		if (*p >= '0' && *p <= '9')
			*val = *val << 4 | (*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			*val = *val << 4 | (*p - 'a' + 10);
		else
			return p;
	}
}

/* A line of maps: "START-END rights offset device inode  NAME". */
static bool note_part(struct parts *parts, const char *line)
{
	const char *name = strchr(line, '[');
	unsigned long start, end;

	if (!name || strchr(line, '/') ||
	    (strcmp(name, "[vdso]") && strncmp(name, "[vvar", 5)))
		return true;
	line = parse_hex(line, &start);
	if (*line != '-')
		return false;
	parse_hex(line + 1, &end);
	if (start >= end || parts->nr == PARTS_MAX)
		return false;
	parts->part[parts->nr].start = start;
	parts->part[parts->nr].end = end;
	parts->nr++;
	return true;
}

static bool read_maps(struct parts *parts)
{
	char line[128], buf[512];
	unsigned int len = 0;
	bool good = true;
	long n;
	int fd;

	fd = host_open("/proc/self/maps", HOST_RDONLY);
	if (fd < 0)
		return false;
	while ((n = host_read(fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				/* A longer line is that of a file. */
				if (len < sizeof(line) - 1)
					line[len++] = buf[i];
				continue;
			}
			line[len] = '\0';
			len = 0;
			good = good && note_part(parts, line);
		}
	}
	host_close(fd);
	return good && !n && parts->nr;
}

/**
 * host_vdso_move() - move this process's vDSO
 * @to: where the lowest of its mappings goes; nothing may be there
 * @room: bytes from there that it may take
 *
 * This process cannot call its vDSO any more. It writes to nothing but the
 * stack, so that a child that shares the kernel's data may call it.
 *
 * Return: the new address of clock_gettime(), or 0 when the host has no vDSO,
 * hides where it is or does not let it be moved (mseal(2)).
 */
unsigned long host_vdso_move(unsigned long to, unsigned long room)
{
	unsigned long clock = (unsigned long)host_vdso_clock, low, high, new = 0;
	struct parts parts = { };

	if (!clock || !read_maps(&parts))
		return 0;
	low = parts.part[0].start;	/* the host lists them by address */
	high = parts.part[parts.nr - 1].end;
	if (high - low > room)
		return 0;
	for (unsigned int i = 0; i < parts.nr; i++) {
		unsigned long start = parts.part[i].start, len = parts.part[i].end - start;

		if (host_call(__NR_mremap, start, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
			      to + (start - low)) != to + (start - low))
			return 0;
		if (clock - start < len)
			new = clock - low + to;
	}
	return new;
}
