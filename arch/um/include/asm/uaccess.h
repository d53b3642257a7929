/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to guest memory. The kernel process does not have the guest's
 * mappings: mm/uaccess.c walks the guest's page tables and copies through the
 * direct map, a run of pages at a time.
 */
#ifndef _ASM_UM_UACCESS_H
#define _ASM_UM_UACCESS_H

#include <linux/string.h>
#include <asm/processor.h>
#include <asm/extable.h>

unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long n);
unsigned long __clear_user(void __user *to, unsigned long n);
long strncpy_from_user(char *dst, const char __user *src, long count);
long strnlen_user(const char __user *str, long n);
#define __clear_user __clear_user

#include <asm-generic/uaccess.h>

/* A kernel address that may not be there; the fault is repaired by kernel/trap.c. */
unsigned long copy_nofault(void *to, const void *from, unsigned long n);

#define HAVE_GET_KERNEL_NOFAULT
#define __get_kernel_nofault(dst, src, type, err_label)			\
do {									\
	if (copy_nofault(dst, src, sizeof(type)))			\
		goto err_label;						\
} while (0)

#define __put_kernel_nofault(dst, src, type, err_label)			\
do {									\
	if (copy_nofault(dst, src, sizeof(type)))			\
		goto err_label;						\
} while (0)

#endif
