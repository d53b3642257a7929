/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hostfs: a directory of the host as a file system of the guest. What its files
 * share. super.c tells how it works.
 */
#ifndef _UM_HOSTFS_H
#define _UM_HOSTFS_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/stat.h>
#include <uapi/linux/stat.h>

/**
 * struct hostfs_gift - a directory that the command line gives to the guest
 * @name:	a name for it, or NULL
 * @given:	as it was given
 * @path:	the whole path as the host knows it
 * @fd:		the directory, O_PATH
 * @ro:		only to read
 */
struct hostfs_gift {
	const char *name;
	const char *given;
	const char *path;
	int fd;
	bool ro;
};

enum hostfs_cache { HOSTFS_CACHE_NONE, HOSTFS_CACHE_AUTO, HOSTFS_CACHE_ALWAYS };

/**
 * struct hostfs_sb - a mounted gift
 * @gift:	what is mounted
 * @cache:	how long attributes and names count as known
 * @ttl:	that, in jiffies
 * @dev:	the host's device number of the gift's directory
 */
struct hostfs_sb {
	const struct hostfs_gift *gift;
	enum hostfs_cache cache;
	unsigned long ttl;
	u64 dev;
};

/**
 * struct hostfs_handle - an open file of the host, shared by all opens
 * @of:		the file
 * @fd:		descriptor
 * @users:	opens and calls that use it; under handle_lock, like the next three
 * @outdated:	it is not to be kept
 * @idle:	in the list of those that are kept
 * @used_at:	when it came there (jiffies)
 * @readable, @writable: what it was opened for
 */
struct hostfs_handle {
	struct hostfs_inode *of;
	int fd;
	unsigned int users;
	bool outdated;
	struct list_head idle;
	unsigned long used_at;
	bool readable;
	bool writable;
};

/**
 * struct hostfs_inode - a file of the host
 * @vfs:	the inode
 * @dev, @ino:	which file it is, to the host
 * @mnt:	which mount of the host it is in; directories only
 * @btime:	when it was made, or 0; tells a number that is used again
 * @attributes, @attributes_mask: as statx(2) has them
 * @good_until:	attributes count as known until then (jiffies)
 * @mode_until:	owner and mode do, which our writing does not change
 * @size, @mtime, @ctime: of the file when its pages were last known to be right
 * @own_ctime:	we changed something else of it, which shows in ctime only
 * @known:	those three are set
 * @closed:	a directory whose inside is not shown
 * @no_xattr:	there are no extended attributes
 * @known_at:	the count of reports before its attributes were asked for, or 0
 * @watch:	the host's number of the watch on this directory, or 0
 * @news_at:	the count of reports at the last from this directory
 * @watch_used:	it has been of use; @no_watch: there can be none
 * @watch_list:	in the list of those that are watched
 * @path_fd:	an O_PATH descriptor, or -1; under hostfs_lock, like the next three
 * @path_users:	calls that use it
 * @pinned:	it is not closed while the inode lives
 * @path_lru:	in the list of those that may be closed
 * @reader, @writer: open files, or NULL; under handle_lock
 * @opening:	held while one is opened
 */
struct hostfs_inode {
	struct inode vfs;
	u64 dev, ino, mnt;
	struct timespec64 btime;
	u64 attributes, attributes_mask;
	unsigned long good_until, mode_until;
	u64 size;
	struct timespec64 mtime, ctime;
	bool own_ctime, known, closed, no_xattr;
	unsigned long known_at;
	int watch;
	unsigned long news_at;
	bool watch_used, no_watch;
	struct list_head watch_list;
	bool pinned;
	int path_fd;
	unsigned int path_users;
	struct list_head path_lru;
	struct hostfs_handle *reader, *writer;
	struct mutex opening;
};

/**
 * struct hostfs_ref - what a host call needs to be told about a file
 * @fd, @name:	a directory and a name in it, or the file and ""
 *
 * The rest is for hostfs_put_ref().
 */
struct hostfs_ref {
	int fd;
	const char *name;
	struct hostfs_handle *handle;
	struct inode *borrowed;
	struct dentry *parent;
	struct dentry *dentry;
	struct name_snapshot snapshot;
};

static inline struct hostfs_inode *hostfs_i(const struct inode *inode)
{
	return container_of(inode, struct hostfs_inode, vfs);
}

static inline struct hostfs_sb *hostfs_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* gift.c */
const struct hostfs_gift *hostfs_gift_find(const char *path, const char **rest);
const struct hostfs_gift *hostfs_gift_only(void);

/* kernels.c */
bool hostfs_is_kernels(int fd);
void hostfs_mind_closed(struct inode *inode, struct inode *parent, int dir, const char *name);

/* inode.c */
void hostfs_inode_init_once(void *p);
struct inode *hostfs_iget(struct super_block *sb, struct inode *parent, int dir, const char *name,
			  const struct statx *stx);
bool hostfs_same(const struct inode *inode, const struct statx *stx);
void hostfs_apply(struct inode *inode, const struct statx *stx);
void hostfs_own_mtime(struct inode *inode, const struct statx *stx);
void hostfs_wrote(struct inode *inode, struct hostfs_handle *h, bool as_known);
bool hostfs_as_known(struct inode *inode, struct hostfs_handle *h);
int hostfs_refresh(struct inode *inode, struct dentry *dentry);
u64 hostfs_ino(struct super_block *sb, u64 dev, u64 ino);

/* What is known of a file's attributes is too old now. */
static inline void hostfs_stale(struct inode *inode)
{
	WRITE_ONCE(hostfs_i(inode)->known_at, 0);
	WRITE_ONCE(hostfs_i(inode)->good_until, jiffies - 1);
}

static inline bool hostfs_fresh(const struct inode *inode)
{
	return time_before_eq(jiffies, READ_ONCE(hostfs_i(inode)->good_until)) &&
	       hostfs_sb(inode->i_sb)->cache != HOSTFS_CACHE_NONE;
}

static inline bool hostfs_mode_fresh(const struct inode *inode)
{
	return time_before_eq(jiffies, READ_ONCE(hostfs_i(inode)->mode_until));
}

/* Owner and mode shall be as new as names are. 0 or -errno. */
static inline int hostfs_mind_mode(struct inode *inode)
{
	return hostfs_mode_fresh(inode) ? 0 : hostfs_refresh(inode, NULL);
}

/* We changed what moves its ctime only; that is no news, other things are. */
static inline void hostfs_changed_ctime(struct inode *inode)
{
	hostfs_i(inode)->own_ctime = true;
	hostfs_stale(inode);
}

/* ref.c */
void hostfs_ref_init(void);
void hostfs_path_keep(struct inode *inode, int fd);
void hostfs_path_forget(struct inode *inode);
int hostfs_check(struct inode *inode, int fd, struct statx *stx);
int hostfs_borrow(struct inode *inode);
void hostfs_return(struct inode *inode);
int hostfs_pin(struct inode *inode, struct dentry *dentry);
int hostfs_open_in(int dir, const char *name, int flags, unsigned int mode);
int hostfs_ref(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref);
int hostfs_ref_name(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref);
int hostfs_ref_exact(struct inode *inode, struct dentry *dentry, struct hostfs_ref *ref);
void hostfs_put_ref(struct hostfs_ref *ref);

/* handle.c */
void hostfs_handle_init(u64 limit);
unsigned int hostfs_handles_close(unsigned int n, unsigned long before);
struct hostfs_handle *hostfs_handle_any(struct inode *inode);
struct hostfs_handle *hostfs_handle_kept(struct inode *inode);
struct hostfs_handle *hostfs_handle_find(struct inode *inode, bool write);
struct hostfs_handle *hostfs_handle_add(struct inode *inode, int fd, bool readable,
					bool writable);
void hostfs_handle_put(struct inode *inode, struct hostfs_handle *h);
void hostfs_handle_outdated(struct inode *inode);

/* name.c */
extern const struct dentry_operations hostfs_dentry_ops;
struct dentry *hostfs_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);
const char *hostfs_get_link(struct dentry *dentry, struct inode *inode,
			    struct delayed_call *done);
void hostfs_known_name(struct dentry *dentry, unsigned long at);

/* watch.c */
extern struct mutex hostfs_cwd_lock;
void hostfs_watch_init(void);
unsigned long hostfs_watch_count(void);
bool hostfs_watch_trust(struct dentry *dentry, struct inode *dir, struct inode *inode);
void hostfs_watch_known(struct inode *inode, unsigned long at);
void hostfs_watch(struct inode *inode, int fd);
void hostfs_watch_forget(struct inode *inode);

/* create.c */
extern const struct inode_operations hostfs_dir_iops;
void hostfs_create_init(void);

/* attr.c */
int hostfs_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);
int hostfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		   u32 mask, unsigned int flags);
int hostfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr);
extern const struct inode_operations hostfs_file_iops, hostfs_link_iops, hostfs_special_iops;

/* dir.c, open.c, file.c, page.c */
extern const struct file_operations hostfs_dir_fops;
int hostfs_open(struct inode *inode, struct file *file);
int hostfs_release(struct inode *inode, struct file *file);
int hostfs_fsync(struct file *file, loff_t start, loff_t end, int datasync);
struct hostfs_handle *hostfs_open_handle(struct inode *inode, struct dentry *dentry, bool write);
extern const struct file_operations hostfs_file_fops;
extern const struct address_space_operations hostfs_aops;
void hostfs_zero_tail(struct inode *inode, loff_t size);
long hostfs_pread(struct hostfs_handle *h, void *buf, u64 len, u64 pos);
long hostfs_pwrite(struct hostfs_handle *h, const void *buf, u64 len, u64 pos);

/* xattr.c */
extern const struct xattr_handler * const hostfs_xattr_handlers[];
ssize_t hostfs_listxattr(struct dentry *dentry, char *list, size_t size);

#endif
