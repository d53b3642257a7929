// SPDX-License-Identifier: GPL-2.0
/*
 * Pages in ascending order. A run of pages that is contiguous in physmem is
 * mapped into a space with one host call, and pages that a program asks for one
 * after the other come from one block, ascending, when the page allocator splits
 * it. But it keeps what was freed for its CPU to give out last in, first out: on
 * this port up to 32 MiB of 256, which come back one by one and descending. So
 * that list is kept at its shortest (some 60 pages); the rest goes back to where
 * it becomes blocks again. vm.percpu_pagelist_high_fraction, which says so, can be
 * set to something else at any time, on the command line too.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mount.h>
#include <linux/printk.h>

static int __init order_init(void)
{
	static const char none[] = "1000000000";	/* so small a part of memory */
	struct file_system_type *type = get_fs_type("proc");
	struct vfsmount *proc;
	struct file *file;
	loff_t pos = 0;
	ssize_t err;

	if (!type)
		return 0;
	proc = kern_mount(type);
	put_filesystem(type);
	if (IS_ERR(proc))
		return PTR_ERR(proc);
	file = file_open_root_mnt(proc, "sys/vm/percpu_pagelist_high_fraction", O_WRONLY, 0);
	err = PTR_ERR_OR_ZERO(file);
	if (!err) {
		err = kernel_write(file, none, sizeof(none) - 1, &pos);
		filp_close(file, NULL);
	}
	kern_unmount(proc);
	if (err < 0)
		pr_warn("mm: vm.percpu_pagelist_high_fraction cannot be set: %zd\n", err);
	return 0;
}
late_initcall(order_init);
