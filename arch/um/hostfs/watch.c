// SPDX-License-Identifier: GPL-2.0
/*
 * Directories in which the host reports every change (inotify). What is known
 * there of names and attributes counts as known for longer than the second that
 * cache=auto gives: as long as nothing was reported, looked at when needed. So a
 * tree in which nothing happens is walked without a host call for each name.
 *
 * The order of things is kept by a count that grows with each report. Who asks
 * the host notes the count *before* (known_at; a name's is in its d_fsdata), and
 * a directory has the count at its last report (news_at): what is older than
 * that does not count. Reports that came before what was asked and are read
 * after it only cost another question.
 *
 * What is not reported is not trusted: files with more names than one, since a
 * report goes to the directory of the name that was used; file systems that
 * change without the host's kernel (network, FUSE); and what was changed less
 * than QUIET ago, since somebody who writes by a shared mapping goes on doing so,
 * which shows in mtime but is reported only at close. For the rest of such cases
 * (his first store after a while, times of access) all is asked again after
 * EPOCH or two. Mounts are reported by another way and end all trust.
 *
 * A directory is watched when a name in it is asked for the second time. The
 * user's limit of watches is for others, too: we take a quarter, and when that
 * is used up the watch goes to where it is needed, from one that is not.
 */
#include <linux/cleanup.h>
#include <linux/dcache.h>
#include <linux/inotify.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/xarray.h>
#include <uapi/linux/magic.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include <asm/statfs.h>
#include "hostfs.h"

#define WATCHES_MAX	16384
#define LOOK		(HZ / 10)	/* reports are looked at so often, at most */
#define EPOCH		(30 * HZ)
#define QUIET		60		/* seconds */
#define READS		16		/* at a time; what is left is not waited for */
#define REST		(10 * HZ)	/* after the host had no more watches */

static DEFINE_SPINLOCK(watch_lock);
static DEFINE_XARRAY(watched);		/* the directory of a watch */
static LIST_HEAD(watches);		/* not used for longest first, about */
static unsigned int nr_watches, max_watches;
static unsigned long rest_until;

static unsigned long count = 1;
static unsigned long oldest = 1;	/* what was known before does not count */
static unsigned long epoch = 1, epoch_began;	/* the count when it began, and when */
static unsigned long looked_at;		/* all that was reported until then is known */
static unsigned long tried_at;		/* to look */
static u64 buffer[512];			/* of reports; under watch_lock */

/* Guards the working directory: see host/cwd.h. */
DEFINE_MUTEX(hostfs_cwd_lock);

/**
 * hostfs_watch_init() - can directories be watched; before this process is confined
 */
void __init hostfs_watch_init(void)
{
	long limit = host_watch_init();

	if (limit < 0)
		pr_notice("hostfs: this host does not report changes (%s): names are asked for each second\n",
			  host_error(limit));
	else
		max_watches = min(limit / 4, WATCHES_MAX);
	epoch_began = jiffies;
	looked_at = jiffies - LOOK - 1;
	tried_at = looked_at;
}

/**
 * hostfs_watch_count() - to be noted before the host is asked for what may be trusted
 */
unsigned long hostfs_watch_count(void)
{
	return READ_ONCE(count);
}

/* Under the lock: the watch is no longer the directory's. */
static void forget(struct hostfs_inode *dir)
{
	xa_erase(&watched, dir->watch);
	list_del_init(&dir->watch_list);
	dir->watch = 0;
	nr_watches--;
}

static void take_report(const struct inotify_event *e)
{
	struct hostfs_inode *dir;

	if (e->mask & IN_Q_OVERFLOW) {
		oldest = ++count;
		return;
	}
	dir = xa_load(&watched, e->wd);
	if (!dir)
		return;
	WRITE_ONCE(dir->news_at, ++count);
	if (e->mask & IN_IGNORED)	/* the directory is gone, and so is its watch */
		forget(dir);
}

/* Under the lock. False when there are more reports than we read. */
static bool read_reports(void)
{
	for (int i = 0; i < READS; i++) {
		long n = host_watch_read(buffer, sizeof(buffer));
		const struct inotify_event *e;

		if (n == -EAGAIN)
			return true;
		if (n <= 0)
			return false;
		for (long at = 0; at + sizeof(*e) <= n; at += sizeof(*e) + e->len) {
			e = (void *)buffer + at;
			take_report(e);
		}
	}
	return false;
}

static void next_epoch(unsigned long now)
{
	if (time_before(now, epoch_began + EPOCH))
		return;
	oldest = time_before(now, epoch_began + 2 * EPOCH) ? max(oldest, epoch) : count + 1;
	epoch = ++count;
	epoch_began = now;
}

/* Is all known that was reported until a moment ago? Does not sleep. */
static bool look(void)
{
	unsigned long now = jiffies;
	bool mounts = false;
	int some;

	if (time_before_eq(now, READ_ONCE(looked_at) + LOOK))
		return true;
	guard(spinlock)(&watch_lock);
	if (tried_at == now)
		return false;
	tried_at = now;
	next_epoch(now);
	some = host_watch_poll(&mounts);
	if (mounts)
		oldest = ++count;
	if (some < 0 || (some && !read_reports()))
		return false;
	WRITE_ONCE(looked_at, now);
	return true;
}

/* Does what was known of this directory at @known still hold? */
static bool holds(struct hostfs_inode *dir, unsigned long known)
{
	return known >= READ_ONCE(dir->news_at) && known >= READ_ONCE(oldest) &&
	       READ_ONCE(dir->watch);
}

/**
 * hostfs_watch_trust() - does a name still stand for what it did, by what is reported
 * @dentry: the name
 * @dir, @inode: its directory, and what it stands for or NULL
 *
 * If so it counts as known, and the file's attributes if they do. Does not sleep.
 */
bool hostfs_watch_trust(struct dentry *dentry, struct inode *dir, struct inode *inode)
{
	struct hostfs_inode *parent = hostfs_i(dir), *hi = inode ? hostfs_i(inode) : NULL;
	unsigned long known = (unsigned long)READ_ONCE(dentry->d_fsdata), until;

	if (!known || !READ_ONCE(parent->watch) || !look() || !holds(parent, known))
		return false;
	until = READ_ONCE(looked_at) + hostfs_sb(dir->i_sb)->ttl;
	dentry->d_time = until;
	WRITE_ONCE(parent->watch_used, true);
	if (!hi)
		return true;
	known = READ_ONCE(hi->known_at);
	if (!known || !holds(parent, known))
		return true;
	if (S_ISDIR(inode->i_mode) ? holds(hi, known) : inode->i_nlink == 1) {
		WRITE_ONCE(hi->good_until, until);
		WRITE_ONCE(hi->mode_until, until);
	}
	return true;
}

/**
 * hostfs_watch_known() - a file's attributes were asked for when the count was that
 */
void hostfs_watch_known(struct inode *inode, unsigned long at)
{
	bool restless = S_ISREG(inode->i_mode) &&
			inode_get_mtime_sec(inode) + QUIET > ktime_get_real_seconds();

	WRITE_ONCE(hostfs_i(inode)->known_at, restless ? 0 : at);
}

/* Does the host's kernel see all changes in this file system? */
static bool reports_all(int fd)
{
	static const u32 types[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC, RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
	};
	struct statfs st;

	if (host_statfs_fd(fd, &st))
		return false;
	for (int i = 0; i < ARRAY_SIZE(types); i++)
		if ((u32)st.f_type == types[i])
			return true;
	return false;
}

/* Take a watch away from a directory that does without. */
static bool make_room(void)
{
	for (int tries = 0; tries < 8; tries++) {
		struct hostfs_inode *dir;
		int watch;

		spin_lock(&watch_lock);
		dir = list_first_entry_or_null(&watches, struct hostfs_inode, watch_list);
		if (dir && READ_ONCE(dir->watch_used)) {
			dir->watch_used = false;
			list_move_tail(&dir->watch_list, &watches);
			spin_unlock(&watch_lock);
			continue;
		}
		watch = dir ? dir->watch : 0;
		if (dir)
			forget(dir);
		spin_unlock(&watch_lock);
		if (dir)
			host_watch_remove(watch);
		return dir;
	}
	return false;
}

/* One at a time. */
static int add(struct hostfs_inode *dir, int fd)
{
	int watch, err;

	if (nr_watches >= max_watches && !make_room())
		return -ENOSPC;
	watch = host_watch_add(fd);
	if (watch < 0)
		return watch;
	err = xa_reserve(&watched, watch, GFP_KERNEL);
	if (err) {
		host_watch_remove(watch);
		return err;
	}
	/* It counts from the next question on. */
	spin_lock(&watch_lock);
	xa_store(&watched, watch, dir, GFP_ATOMIC);
	dir->news_at = ++count;
	dir->watch = watch;
	dir->watch_used = false;
	list_add_tail(&dir->watch_list, &watches);
	nr_watches++;
	spin_unlock(&watch_lock);
	return 0;
}

/**
 * hostfs_watch() - have changes in a directory reported, if it can be
 * @fd: the directory
 */
void hostfs_watch(struct inode *inode, int fd)
{
	struct hostfs_inode *dir = hostfs_i(inode);
	int err;

	if (dir->watch || dir->no_watch || !max_watches ||
	    hostfs_sb(inode->i_sb)->cache != HOSTFS_CACHE_AUTO ||
	    time_before(jiffies, READ_ONCE(rest_until)))
		return;
	if (!reports_all(fd)) {
		dir->no_watch = true;
		return;
	}
	mutex_lock(&hostfs_cwd_lock);
	err = dir->watch ? 0 : add(dir, fd);
	mutex_unlock(&hostfs_cwd_lock);
	if (err == -ENOSPC || err == -ENOMEM)
		WRITE_ONCE(rest_until, jiffies + REST);
	else if (err)
		dir->no_watch = true;
}

/**
 * hostfs_watch_forget() - the inode ends
 */
void hostfs_watch_forget(struct inode *inode)
{
	struct hostfs_inode *dir = hostfs_i(inode);
	int watch;

	spin_lock(&watch_lock);
	watch = dir->watch;
	if (watch)
		forget(dir);
	spin_unlock(&watch_lock);
	if (watch)
		host_watch_remove(watch);
}
