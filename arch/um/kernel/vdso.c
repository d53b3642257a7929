// SPDX-License-Identifier: GPL-2.0
/*
 * The vDSO as the kernel sees it: pages of data and the image that x86/vdso
 * makes, which exec maps into each guest program, one behind the other:
 *
 *	[vvar]	the kernel's clock data: offsets and rates, as of the last tick
 *		the same, when the first page is that of a time namespace
 *	[vdso]	an ELF library, named to the program by AT_SYSINFO_EHDR
 *
 * The time that has passed since the last tick the library asks of the host's
 * vDSO (engine/stub_vdso.c).
 */
#include <linux/binfmts.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/time_namespace.h>
#include <vdso/datapage.h>
#include <asm/elf.h>
#include <asm/host.h>
#include <asm/um_vdso.h>
#include <asm/vdso/vsyscall.h>

/* In this order in memory; x86/vdso/vdso.lds.S knows it too. */
enum { DATA_PAGE, TIMENS_PAGE, DATA_PAGES };
#define DATA_SIZE	(DATA_PAGES * PAGE_SIZE)

union vdso_data_store um_vdso_data __page_aligned_data;

static vm_fault_t data_fault(const struct vm_special_mapping *mapping,
			     struct vm_area_struct *vma, struct vm_fault *vmf)
{
	struct page *ns_page = find_timens_vvar_page(vma);
	unsigned long pfn = virt_to_pfn(&um_vdso_data);

	/* In a time namespace its page is the first, and leads to the second. */
	if (vmf->pgoff == DATA_PAGE && ns_page)
		pfn = page_to_pfn(ns_page);
	else if (vmf->pgoff != DATA_PAGE && !(vmf->pgoff == TIMENS_PAGE && ns_page))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vma, vmf->address, pfn);
}

static vm_fault_t image_fault(const struct vm_special_mapping *mapping,
			      struct vm_area_struct *vma, struct vm_fault *vmf)
{
	char *addr = vdso_image_start + (vmf->pgoff << PAGE_SHIFT);

	if (addr >= vdso_image_end)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(addr);
	get_page(vmf->page);
	return 0;
}

static const struct vm_special_mapping data_mapping = { .name = "[vvar]", .fault = data_fault };
static const struct vm_special_mapping image_mapping = { .name = "[vdso]", .fault = image_fault };

static bool vdso_off;

/* As on x86: vdso=0 is none. */
static int __init vdso_setup(char *value)
{
	unsigned int on;

	if (kstrtouint(value, 0, &on))
		pr_warn("vdso=%s: 0 or 1 is known\n", value);
	else
		vdso_off = !on;
	return 1;
}
__setup("vdso=", vdso_setup);

static int map_vdso(struct mm_struct *mm)
{
	unsigned long size = vdso_image_end - vdso_image_start, addr;
	struct vm_area_struct *vma;

	addr = get_unmapped_area(NULL, 0, DATA_SIZE + size, 0, 0);
	if (IS_ERR_VALUE(addr))
		return addr;
	/* VM_IO: not for debuggers and core dumps, since it never holds still. */
	vma = _install_special_mapping(mm, addr, DATA_SIZE, VM_READ | VM_MAYREAD | VM_IO |
				       VM_DONTDUMP | VM_PFNMAP, &data_mapping);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	/* A debugger may write breakpoints, which makes a private copy. */
	vma = _install_special_mapping(mm, addr + DATA_SIZE, size, VM_READ | VM_EXEC |
				       VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, &image_mapping);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	mm->context.vdso = addr + DATA_SIZE;
	return 0;
}

/**
 * arch_setup_additional_pages() - give a program that exec starts its vDSO
 */
int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp)
{
	struct mm_struct *mm = current->mm;
	int err;

	if (vdso_off)
		return 0;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = map_vdso(mm);
	mmap_write_unlock(mm);
	return err;
}

#ifdef CONFIG_TIME_NS
struct vdso_data *arch_get_vdso_data(void *page)
{
	return page;
}

/* The program changes its time namespace: faults bring the new one's pages. */
int vdso_join_timens(struct task_struct *task, struct time_namespace *ns)
{
	struct mm_struct *mm = task->mm;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, 0);

	mmap_read_lock(mm);
	for_each_vma(vmi, vma)
		if (vma_is_special_mapping(vma, &data_mapping))
			zap_vma_pages(vma);
	mmap_read_unlock(mm);
	return 0;
}
#endif

/**
 * vdso_init_clock() - how the vDSO reads the clock source
 *
 * Return: VDSO_CLOCKMODE_HOST, or VDSO_CLOCKMODE_NONE when spaces have no vDSO
 * of the host; the clocks that need one are then read by system call.
 */
enum vdso_clock_mode __init vdso_init_clock(void)
{
	for (unsigned int i = 0; i < CS_BASES; i++)
		um_vdso_data.data[i].arch_data.host_clock = READ_ONCE(stub_vdso_clock);
	return stub_vdso_clock ? VDSO_CLOCKMODE_HOST : VDSO_CLOCKMODE_NONE;
}

/**
 * vdso_host_clock() - clock_gettime(CLOCK_MONOTONIC) from inside the host's vDSO
 * @ts: where its caller, the guest's vDSO, wants the time
 *
 * The host's vDSO cannot read the clock and asks the kernel that it knows,
 * the host's. A program that jumps there gets the host's time as well, which
 * it could have had by calling the vDSO.
 *
 * Return: 0 or -EFAULT.
 */
long vdso_host_clock(struct __kernel_timespec __user *ts)
{
	struct timespec64 now = ns_to_timespec64(host_monotonic_ns());

	return put_timespec64(&now, ts);
}
