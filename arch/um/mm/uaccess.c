// SPDX-License-Identifier: GPL-2.0
/*
 * Access to guest memory. The guest's page tables are walked, pages that are
 * missing are faulted in, and the copy goes through the direct map.
 *
 * Between the walk and the end of the copy of a page nothing can take the page
 * away while there is one vCPU and the kernel is not preempted.
 */
#include <linux/export.h>
#include <linux/mutex.h>
#include <asm/copy.h>
#include <asm/futex.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/space.h>
#include <asm/trap.h>
#include <asm/vcpu.h>

/* Where the page tables allow an access, its bits set, in the direct map; or NULL. */
static void *walk(struct mm_struct *mm, unsigned long addr, bool write)
{
	unsigned long size;
	pte_t *ptep = user_entry(mm, addr, &size);
	pte_t pte;

	if (!ptep)
		return NULL;
	pte = ptep_get(ptep);
	if (!pte_user(pte) || (write && !pte_write(pte)) ||
	    (pte_val(pte) & PAGE_MASK) >= physmem_size)
		return NULL;
	WRITE_ONCE(*ptep, __pte(pte_val(pte) | _PAGE_ACCESSED | (write ? _PAGE_DIRTY : 0)));
	return __va(pte_val(pte) & PAGE_MASK) + (addr & (size - 1));
}

/* Where a user address lies in the direct map, or NULL. */
static void *user_page(unsigned long addr, bool write)
{
	struct mm_struct *mm = current->mm;

	if (unlikely(!mm || addr >= TASK_SIZE))
		return NULL;
	for (;;) {
		void *p = walk(mm, addr, write);

		if (likely(p))
			return p;
		if (faulthandler_disabled())
			return NULL;
		if (fault_in_user(mm, addr, write ? ACCESS_WRITE : ACCESS_READ, NULL))
			return NULL;
	}
}

/* Worth more than memcpy(); then counted, for engine/near.c. */
static bool is_long(unsigned long n)
{
	if (n < 512)
		return false;
	this_vcpu()->copied += n;
	return true;
}

static unsigned long chunk(unsigned long addr, unsigned long n)
{
	return min(n, PAGE_SIZE - (addr & ~PAGE_MASK));
}

/**
 * raw_copy_from_user() - copy guest memory
 *
 * Return: bytes that were not copied.
 */
unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	unsigned long addr = (unsigned long)from;

	while (n) {
		unsigned long len = chunk(addr, n);
		void *p = user_page(addr, false);

		if (!p)
			break;
		if (is_long(len))
			copy_to_cold(to, p, len);
		else
			memcpy(to, p, len);
		to += len;
		addr += len;
		n -= len;
	}
	return n;
}
EXPORT_SYMBOL(raw_copy_from_user);

/**
 * raw_copy_to_user() - write guest memory
 *
 * Return: bytes that were not copied.
 */
unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	unsigned long addr = (unsigned long)to;

	while (n) {
		unsigned long len = chunk(addr, n);
		void *p = user_page(addr, true);

		if (!p)
			break;
		if (is_long(len))
			copy_to_warm(p, from, len);
		else
			memcpy(p, from, len);
		from += len;
		addr += len;
		n -= len;
	}
	return n;
}
EXPORT_SYMBOL(raw_copy_to_user);

unsigned long __clear_user(void __user *to, unsigned long n)
{
	unsigned long addr = (unsigned long)to;

	while (n) {
		unsigned long len = chunk(addr, n);
		void *p = user_page(addr, true);

		if (!p)
			break;
		memset(p, 0, len);
		addr += len;
		n -= len;
	}
	return n;
}
EXPORT_SYMBOL(__clear_user);

/**
 * strncpy_from_user() - copy a string
 *
 * Return: its length, @count when it is longer, or -EFAULT.
 */
long strncpy_from_user(char *dst, const char __user *src, long count)
{
	unsigned long addr = (unsigned long)src;
	long done = 0;

	while (done < count) {
		unsigned long len = chunk(addr, count - done);
		const char *p = user_page(addr, false), *end;

		if (!p)
			return -EFAULT;
		end = memchr(p, 0, len);
		if (end) {
			memcpy(dst + done, p, end - p + 1);
			return done + (end - p);
		}
		memcpy(dst + done, p, len);
		done += len;
		addr += len;
	}
	return count;
}
EXPORT_SYMBOL(strncpy_from_user);

/**
 * strnlen_user() - size of a string with its terminating 0
 *
 * Return: that, more than @n when it is longer, or 0 for a bad address.
 */
long strnlen_user(const char __user *str, long n)
{
	unsigned long addr = (unsigned long)str;
	long done = 0;

	while (done < n) {
		unsigned long len = chunk(addr, n - done);
		const char *p = user_page(addr, false), *end;

		if (!p)
			return 0;
		end = memchr(p, 0, len);
		if (end)
			return done + (end - p) + 1;
		done += len;
		addr += len;
	}
	return n + 1;
}
EXPORT_SYMBOL(strnlen_user);

/*
 * Futex words. Callers have disabled page faults: a page that is missing or
 * read-only is -EFAULT, and they fault it in and try again.
 */
int arch_futex_atomic_op_inuser(int op, u32 oparg, int *oval, u32 __user *uaddr)
{
	u32 *p, old, new;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	p = user_page((unsigned long)uaddr, true);
	if (!p)
		return -EFAULT;
	old = READ_ONCE(*p);
	do {
		switch (op) {
		case FUTEX_OP_SET:
			new = oparg;
			break;
		case FUTEX_OP_ADD:
			new = old + oparg;
			break;
		case FUTEX_OP_OR:
			new = old | oparg;
			break;
		case FUTEX_OP_ANDN:
			new = old & ~oparg;
			break;
		case FUTEX_OP_XOR:
			new = old ^ oparg;
			break;
		default:
			return -ENOSYS;
		}
	} while (!__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	*oval = old;
	return 0;
}

int futex_atomic_cmpxchg_inatomic(u32 *uval, u32 __user *uaddr, u32 oldval, u32 newval)
{
	u32 *p;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	p = user_page((unsigned long)uaddr, true);
	if (!p)
		return -EFAULT;
	__atomic_compare_exchange_n(p, &oldval, newval, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	*uval = oldval;
	return 0;
}
