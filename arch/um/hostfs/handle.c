// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of the host. All opens of a file in the guest share one descriptor
 * for reading and one for reading and writing.
 *
 * One for reading is kept for a while after its last use, since what was read
 * is often opened again: a header, a program, a library. To open such a file
 * takes one host call instead of three: is that still the name's file (open.c)?
 * It is not kept when the file has lost its last name, and closed when its
 * ctime has changed (who may open it may have, too), with the inode, after
 * KEPT_FOR without use, when there are too many, and when descriptors run out.
 *
 * handle_lock guards descriptors and counts; host calls are made without it.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/host.h>
#include "hostfs.h"

#define KEPT_FOR	(10 * HZ)
#define KEPT_MAX	16384
#define SPARED		512	/* descriptors for all else, at least */

static DEFINE_SPINLOCK(handle_lock);
static LIST_HEAD(kept);		/* not used for longest first */
static unsigned int nr_kept;
static unsigned int max_kept = 16;

static void close_old(struct work_struct *work);
static DECLARE_DELAYED_WORK(old_work, close_old);

/**
 * hostfs_handle_init() - how many may be kept
 * @limit: descriptors that this process may have
 */
void hostfs_handle_init(u64 limit)
{
	if (limit > SPARED)
		max_kept = clamp_t(u64, (limit - SPARED) / 2, 16, KEPT_MAX);
}

/* Under the lock: it is no longer the inode's. */
static void detach(struct hostfs_handle *h)
{
	if (h->of->reader == h)
		h->of->reader = NULL;
	if (h->of->writer == h)
		h->of->writer = NULL;
	if (!list_empty(&h->idle)) {
		list_del_init(&h->idle);
		nr_kept--;
	}
}

static void close_handle(struct hostfs_handle *h)
{
	host_close(h->fd);
	kfree(h);
}

/**
 * hostfs_handles_close() - close up to @n that nobody uses
 * @before: only those that were not used since then (jiffies)
 *
 * Return: how many were closed.
 */
unsigned int hostfs_handles_close(unsigned int n, unsigned long before)
{
	unsigned int done = 0;

	while (done < n) {
		struct hostfs_handle *h;

		spin_lock(&handle_lock);
		h = list_first_entry_or_null(&kept, struct hostfs_handle, idle);
		if (h && time_after(h->used_at, before))
			h = NULL;
		if (h)
			detach(h);
		spin_unlock(&handle_lock);
		if (!h)
			break;
		close_handle(h);
		done++;
	}
	return done;
}

static void close_old(struct work_struct *work)
{
	while (hostfs_handles_close(64, jiffies - KEPT_FOR) == 64)
		cond_resched();
	if (READ_ONCE(nr_kept))
		schedule_delayed_work(&old_work, KEPT_FOR / 4);
}

/* Under the lock: one user more; of NULL, none. */
static struct hostfs_handle *use(struct hostfs_handle *h)
{
	if (!h)
		return NULL;
	if (!list_empty(&h->idle)) {
		list_del_init(&h->idle);
		nr_kept--;
	}
	h->users++;
	return h;
}

/**
 * hostfs_handle_any() - an open file, whatever for, one user more; or NULL
 */
struct hostfs_handle *hostfs_handle_any(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_handle *h;

	spin_lock(&handle_lock);
	h = use(hi->writer ?: hi->reader);
	spin_unlock(&handle_lock);
	return h;
}

/**
 * hostfs_handle_kept() - the open file that is there though nobody uses it, or NULL
 *
 * It has a user then, who is to find out whether it is to be used.
 */
struct hostfs_handle *hostfs_handle_kept(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_handle *h;

	spin_lock(&handle_lock);
	h = hi->reader;
	h = use(h && !list_empty(&h->idle) ? h : NULL);
	spin_unlock(&handle_lock);
	return h;
}

/**
 * hostfs_handle_find() - the open file that can do this, one user more; or NULL
 */
struct hostfs_handle *hostfs_handle_find(struct inode *inode, bool write)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_handle *h;

	spin_lock(&handle_lock);
	if (write)
		h = hi->writer;
	else
		h = hi->reader ?: hi->writer && hi->writer->readable ? hi->writer : NULL;
	h = use(h);
	spin_unlock(&handle_lock);
	return h;
}

/**
 * hostfs_handle_add() - a descriptor becomes an open file, with one user
 *
 * The caller holds @opening, or the inode is new. @fd is closed on failure.
 */
struct hostfs_handle *hostfs_handle_add(struct inode *inode, int fd, bool readable,
					bool writable)
{
	struct hostfs_handle *h = kmalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	struct hostfs_inode *hi = hostfs_i(inode);

	if (!h) {
		host_close(fd);
		return ERR_PTR(-ENOMEM);
	}
	*h = (struct hostfs_handle) {
		.of = hi, .fd = fd, .users = 1, .readable = readable, .writable = writable,
	};
	INIT_LIST_HEAD(&h->idle);
	spin_lock(&handle_lock);
	if (writable)
		hi->writer = h;
	else
		hi->reader = h;
	spin_unlock(&handle_lock);
	return h;
}

/* Under the lock, when nobody uses it: is it worth keeping. */
static bool worth_keeping(struct inode *inode, const struct hostfs_handle *h)
{
	return !h->writable && !h->outdated && hostfs_i(inode)->reader == h && inode->i_nlink &&
	       hostfs_sb(inode->i_sb)->cache != HOSTFS_CACHE_NONE;
}

/**
 * hostfs_handle_put() - one user less of an open file of the host; the last may close it
 */
void hostfs_handle_put(struct inode *inode, struct hostfs_handle *h)
{
	bool last, full = false, first = false;

	spin_lock(&handle_lock);
	last = !--h->users;
	if (last && worth_keeping(inode, h)) {
		last = false;
		h->used_at = jiffies;
		list_add_tail(&h->idle, &kept);
		first = !nr_kept++;
		full = nr_kept > max_kept;
	} else if (last) {
		detach(h);
	}
	spin_unlock(&handle_lock);
	if (last)
		close_handle(h);
	if (full)
		hostfs_handles_close(max_kept / 16 + 1, jiffies);
	if (first)
		schedule_delayed_work(&old_work, KEPT_FOR);
}

/**
 * hostfs_handle_outdated() - the next open asks the host whether it may
 */
void hostfs_handle_outdated(struct inode *inode)
{
	struct hostfs_handle *h;

	spin_lock(&handle_lock);
	h = hostfs_i(inode)->reader;
	if (h && h->users) {
		h->outdated = true;
		h = NULL;
	} else if (h) {
		detach(h);
	}
	spin_unlock(&handle_lock);
	if (h)
		close_handle(h);
}
