// SPDX-License-Identifier: GPL-2.0
/*
 * setup_arch(): memory for memblock, the command line, the initrd, and how
 * much of the boot log is shown.
 */
#include <linux/console.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <generated/utsrelease.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/sections.h>
#include <asm/setup.h>

static char command_line[COMMAND_LINE_SIZE] __initdata;

/* Read a whole file into memory that memblock keeps. */
static void __init load_initrd(const char *path)
{
	u64 size, done = 0;
	bool block;
	void *mem;
	int fd, err;

	fd = host_open(path, HOST_RDONLY | HOST_NONBLOCK);
	if (fd < 0)
		boot_die("initrd=%s: cannot open: %s\n", path, host_error(fd));
	err = host_file_size(fd, &size, &block);
	if (err)
		boot_die("initrd=%s: not a file: %s\n", path, host_error(err));
	if (!size)
		boot_die("initrd=%s: the file is empty\n", path);
	if (size > physmem_size / 2)
		boot_die("initrd=%s: %llu bytes do not fit: give more memory with mem=\n",
			 path, size);
	mem = memblock_alloc(size, PAGE_SIZE);
	if (!mem)
		boot_die("initrd=%s: %llu bytes do not fit: give more memory with mem=\n",
			 path, size);
	physmem_populate(__pa(mem), PAGE_ALIGN(size));
	while (done < size) {
		long n = host_pread(fd, mem + done, size - done, done);

		if (n <= 0)
			boot_die("initrd=%s: cannot read: %s\n", path,
				 n ? host_error(n) : "the file became shorter");
		done += n;
	}
	host_close(fd);
	initrd_start = (unsigned long)mem;
	initrd_end = initrd_start + size;
}

static void __init choose_initrd(void)
{
	if (!IS_ENABLED(CONFIG_BLK_DEV_INITRD))
		return;
	if (boot_options.initrd) {
		load_initrd(boot_options.initrd);
	} else if (!boot_options.root && have_embedded_initramfs()) {
		initrd_start = (unsigned long)__initramfs_cpio_start;
		initrd_end = (unsigned long)__initramfs_cpio_end;
		/* The text part of the image has no physmem to give back. */
		initrd_below_start_ok = 1;
	}
}

/*
 * From its end: what is freed last is given out first, so that the files read
 * next lie in ascending pages and a space maps many of them with one call. The
 * embedded archive lies in the executable's file and is not freed.
 */
void __init free_initrd_mem(unsigned long start, unsigned long end)
{
	unsigned long pages = 0;

	if (start < PAGE_OFFSET)
		return;
	start = PAGE_ALIGN(start);
	for (end &= PAGE_MASK; end > start; end -= PAGE_SIZE)
		pages += free_reserved_area((void *)(end - PAGE_SIZE), (void *)end,
					    POISON_FREE_INITMEM, NULL);
	pr_info("Freeing initrd memory: %luK\n", pages << (PAGE_SHIFT - 10));
}

void __init setup_arch(char **cmdline_p)
{
	strscpy(command_line, boot_command_line, COMMAND_LINE_SIZE);
	*cmdline_p = command_line;
	setup_initial_init_mm(_stext, _etext, _edata, _end);
	if (!boot_options.verbose)
		console_loglevel = CONSOLE_LOGLEVEL_QUIET;

	memblock_set_bottom_up(true);
	memblock_add(0, physmem_size);
	memblock_reserve(0, PAGE_ALIGN(__pa(_end)));
	parse_early_param();
	choose_initrd();
	max_low_pfn = PFN_DOWN(physmem_size);
	max_pfn = max_low_pfn;
	min_low_pfn = 0;
	paging_init();
}

static int show_cpu(struct seq_file *m, void *v)
{
	seq_puts(m, "processor\t: 0\nvendor_id\t: User Mode Linux\nmodel name\t: UML\n");
	seq_printf(m, "mode\t\t: %s\ntransport\t: %s\n", "skas", engine->transport);
	seq_printf(m, "bogomips\t: %lu.%02lu\n\n", loops_per_jiffy / (500000 / HZ),
		   (loops_per_jiffy / (5000 / HZ)) % 100);
	return 0;
}

static void *cpu_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? NULL : &vcpu0;
}

static void *cpu_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return NULL;
}

static void cpu_stop(struct seq_file *m, void *v)
{
}

const struct seq_operations cpuinfo_op = {
	.start = cpu_start,
	.next = cpu_next,
	.stop = cpu_stop,
	.show = show_cpu,
};
