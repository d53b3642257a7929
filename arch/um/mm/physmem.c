// SPDX-License-Identifier: GPL-2.0
/*
 * Physmem: guest-physical memory, one memfd, mapped whole at PAGE_OFFSET.
 *
 * Its first bytes are the writable part of the kernel image: at start the
 * image's data is copied there and mapped, shared, over the private pages that
 * exec made, so that data is memory like any other and can be mapped wherever
 * the rest can.
 *
 * The host allocates a page when it is first touched. Touching one by one is
 * dear (a host fault each), so memory is populated a chunk at a time, when the
 * page allocator hands out the first page of one.
 */
#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/sections.h>

int physmem_fd __ro_after_init = -1;
unsigned long physmem_size __ro_after_init;
EXPORT_SYMBOL(physmem_size);

#define CHUNK_SHIFT	PHYSMEM_CHUNK_SHIFT
#define CHUNK_SIZE	(1UL << CHUNK_SHIFT)

static unsigned long *populated __ro_after_init;

/**
 * physmem_claim_image() - turn the image's writable part into physmem
 *
 * Nothing but the stack may have been written before.
 *
 * Return: 0 or -errno of the host.
 */
int __init physmem_claim_image(void)
{
	unsigned long start = (unsigned long)_sdata;
	unsigned long len = (unsigned long)_edata - start;
	unsigned long whole = PAGE_ALIGN((unsigned long)_end) - start;
	unsigned long done = 0;
	int fd, err;

	fd = host_memfd("uml-physmem", __pa(start) + whole);
	if (fd < 0)
		return fd;
	while (done < len) {
		long n = host_pwrite(fd, (void *)(start + done), len - done, __pa(start) + done);

		if (n <= 0)
			return n ?: -EIO;
		done += n;
	}
	err = host_map_shared((void *)start, whole, HOST_PROT_READ | HOST_PROT_WRITE, fd,
			      __pa(start));
	if (!err)
		physmem_fd = fd;
	return err;
}

/**
 * physmem_populate() - bring a range in, in one host call
 *
 * What the host cannot give now it may give at the first touch, so an error
 * is left to that.
 */
void physmem_populate(unsigned long phys, unsigned long len)
{
	host_populate(__va(phys), len);
}

/**
 * physmem_release() - give the host back what it holds for whole free chunks
 *
 * An error leaves the memory where it is, which harms nobody.
 */
void physmem_release(unsigned long phys, unsigned long len)
{
	if (host_discard(physmem_fd, phys, len, false))
		return;
	for (unsigned long at = phys; at < phys + len; at += CHUNK_SIZE)
		clear_bit(at >> CHUNK_SHIFT, populated);
}

/* A number of kB of /proc/meminfo, in bytes; 0 when it is not there. */
static u64 __init meminfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? memparse(skip_spaces(at + strlen(name)), NULL) * SZ_1K : 0;
}

/* What the host can give now, or U64_MAX when it does not say. */
static u64 __init host_available(void)
{
	static char text[2048] __initdata;
	int fd = host_open("/proc/meminfo", HOST_RDONLY);
	long n;

	if (fd < 0)
		return U64_MAX;
	n = host_read(fd, text, sizeof(text) - 1);
	host_close(fd);
	if (n <= 0 || !strstr(text, "MemAvailable:"))
		return U64_MAX;
	return meminfo(text, "MemAvailable:") + meminfo(text, "SwapFree:");
}

/*
 * The page structs, and the first allocations. All of that is written to during
 * boot: what the host has not would be taken from its other programs, or end in
 * its OOM killer, long before the guest could say anything.
 */
static void __init populate_first(unsigned long image, u64 size)
{
	u64 len = min_t(u64, size - image, size / (PAGE_SIZE / sizeof(struct page)) + SZ_4M);
	u64 have = host_available();

	if (len > have)
		boot_die("mem=%lluM cannot be had: describing its pages takes %lluM at once, and the host has %lluM available; give a smaller mem=\n",
			 size >> 20, len >> 20, have >> 20);
	physmem_populate(image, len);
}

/**
 * physmem_init() - all of guest memory
 * @size: bytes
 *
 * Ends with a message when the host refuses, or has not what boot will need.
 */
void __init physmem_init(u64 size)
{
	unsigned long image = PAGE_ALIGN(__pa(_end));
	int err;

	if (size < image + SZ_16M)
		boot_die("mem=%lluM is too small: the kernel needs at least %luM\n",
			 size >> 20, (image + SZ_16M + SZ_1M - 1) >> 20);
	err = host_setsize(physmem_fd, size);
	if (!err)
		err = host_map_shared_new((void *)PAGE_OFFSET, size,
					  HOST_PROT_READ | HOST_PROT_WRITE, physmem_fd, 0);
	if (err)
		boot_die("mem=%lluM cannot be had: %s (limits: RLIMIT_AS, RLIMIT_FSIZE, vm.overcommit_memory)\n",
			 size >> 20, host_error(err));
	physmem_size = size;
	populate_first(image, size);
	if (boot_options.cheap_faults)
		host_faults_dear = false;
	else if (!boot_options.dear_faults)
		host_measure_faults(physmem_fd, image);
}

/**
 * physmem_track() - start populating by chunks; memblock is still there
 */
void __init physmem_track(void)
{
	unsigned long chunks = DIV_ROUND_UP(physmem_size, CHUNK_SIZE);

	populated = memblock_alloc(BITS_TO_LONGS(chunks) * sizeof(long), SMP_CACHE_BYTES);
	if (!populated)
		panic("no memory for %lu chunk bits", chunks);
}

/**
 * arch_alloc_page() - the page allocator hands out a run of pages
 */
void arch_alloc_page(struct page *page, int order)
{
	unsigned long phys = page_to_phys(page);
	unsigned long first = phys >> CHUNK_SHIFT;
	unsigned long last = (phys + (PAGE_SIZE << order) - 1) >> CHUNK_SHIFT;

	for (unsigned long i = first; i <= last; i++) {
		unsigned long start = i << CHUNK_SHIFT;

		if (likely(test_bit(i, populated)))
			continue;
		set_bit(i, populated);
		physmem_populate(start, min(CHUNK_SIZE, physmem_size - start));
	}
}
EXPORT_SYMBOL(arch_alloc_page);
