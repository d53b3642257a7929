// SPDX-License-Identifier: GPL-2.0
/*
 * hostfs: directories of the host as a file system of the guest.
 *
 *	linux hostfs=/home/me/src ...		mount -t hostfs none /mnt -o /home/me/src
 *	linux hostfs=src:/home/me/src,ro ...	mount -t hostfs src /mnt
 *	linux root=/dev/root rootfstype=hostfs rootflags=/srv/debian rw
 *
 * What can be mounted is given on the command line (gift.c), and directories
 * beneath it. All mounts of one gift share one super block, so that they see one
 * page cache; what is mounted is then the dentry of a directory.
 *
 * How a file is named to the host is told in ref.c, which file of the host an
 * inode is in inode.c. The host checks permissions, as for the user who runs the
 * kernel; what that user is refused, the guest's root is refused. For others in
 * the guest its own kernel checks the host's permission bits first (attr.c).
 *
 * Names and attributes count as known for a second (cache=auto), and longer
 * where the host reports changes (watch.c); not at all (none), or until the
 * guest itself changes them (always). Data is in the page
 * cache, read straight into it, and goes when size or times of the file tell
 * that somebody else wrote. write(2) writes to the host at once, through the
 * page cache; only pages that are written through mmap(2) wait for writeback.
 * So most of the host's errors are write(2)'s own. Files of the host are never
 * mapped: one that becomes shorter costs a guest program a SIGBUS and us
 * nothing (page.c).
 *
 * Host calls are made by the vCPU itself: a call that the host answers from its
 * caches is ten times quicker than handing it to another thread.
 */
#include <linux/backing-dev.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/writeback.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include <asm/statfs.h>
#include "hostfs.h"

#define HOSTFS_MAGIC	0x00c0ffee
#define AUTO_TTL	HZ
#define READAHEAD	SZ_1M

static struct kmem_cache *inode_cache;

/* What mount(2) asks for. */
struct hostfs_want {
	char *path;
	enum hostfs_cache cache;
	const struct hostfs_gift *gift;
	const char *rest;
};

static const char * const cache_names[] = { "none", "auto", "always" };

static struct inode *hostfs_alloc_inode(struct super_block *sb)
{
	struct hostfs_inode *hi = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!hi)
		return NULL;
	hi->path_fd = -1;
	hi->path_users = 0;
	hi->pinned = false;
	hi->reader = NULL;
	hi->writer = NULL;
	hi->own_ctime = false;
	hi->known = false;
	hi->closed = false;
	hi->no_xattr = false;
	hi->known_at = 0;
	hi->watch = 0;
	hi->news_at = 0;
	hi->watch_used = false;
	hi->no_watch = false;
	hi->good_until = jiffies - 1;
	hi->mode_until = jiffies - 1;
	return &hi->vfs;
}

static void hostfs_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	kmem_cache_free(inode_cache, hostfs_i(inode));
}

static void hostfs_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	hostfs_handle_outdated(inode);
	hostfs_watch_forget(inode);
	hostfs_path_forget(inode);
}

static int hostfs_statfs(struct dentry *dentry, struct kstatfs *st)
{
	struct inode *inode = d_inode(dentry);
	struct statfs host;
	struct hostfs_ref ref;
	int err;

	err = hostfs_ref_exact(inode, dentry, &ref);
	if (err)
		return err;
	err = host_statfs_fd(ref.fd, &host);
	hostfs_put_ref(&ref);
	if (err)
		return err;
	st->f_type = HOSTFS_MAGIC;
	st->f_bsize = host.f_bsize;
	st->f_blocks = host.f_blocks;
	st->f_bfree = host.f_bfree;
	st->f_bavail = host.f_bavail;
	st->f_files = host.f_files;
	st->f_ffree = host.f_ffree;
	st->f_namelen = host.f_namelen;
	st->f_frsize = host.f_frsize;
	return 0;
}

static int hostfs_show_options(struct seq_file *m, struct dentry *root)
{
	struct hostfs_sb *sbi = hostfs_sb(root->d_sb);

	seq_show_option(m, "path", sbi->gift->path);
	if (sbi->cache != HOSTFS_CACHE_AUTO)
		seq_show_option(m, "cache", cache_names[sbi->cache]);
	return 0;
}

static const struct super_operations hostfs_sops = {
	.alloc_inode = hostfs_alloc_inode,
	.free_inode = hostfs_free_inode,
	.evict_inode = hostfs_evict_inode,
	.statfs = hostfs_statfs,
	.show_options = hostfs_show_options,
};

static int fill(struct super_block *sb, struct hostfs_sb *sbi)
{
	struct inode *inode;
	struct statx stx;
	int err, fd;

	sb->s_op = &hostfs_sops;
	sb->s_xattr = hostfs_xattr_handlers;
	sb->s_magic = HOSTFS_MAGIC;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_time_gran = 1;
	sb->s_time_min = S64_MIN;
	sb->s_time_max = S64_MAX;
	/*
	 * The host itself takes capabilities off at a write, and set-user-ID bits
	 * unless we run as root there; so files that have these are looked at each
	 * time (hostfs_apply()).
	 */
	sb->s_flags |= SB_NOSEC;
	if (sbi->cache != HOSTFS_CACHE_ALWAYS)
		sb->s_d_op = &hostfs_dentry_ops;
	err = super_setup_bdi(sb);
	if (err)
		return err;
	sb->s_bdi->ra_pages = READAHEAD / PAGE_SIZE;
	sb->s_bdi->io_pages = READAHEAD / PAGE_SIZE;

	fd = host_open_in(sbi->gift->fd, ".", HOST_PATH | HOST_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	err = host_stat_in(fd, "", &stx);
	if (err) {
		host_close(fd);
		return err;
	}
	sbi->dev = (u64)stx.stx_dev_major << 32 | stx.stx_dev_minor;
	inode = hostfs_iget(sb, NULL, fd, "", &stx);
	if (IS_ERR(inode)) {
		host_close(fd);
		return PTR_ERR(inode);
	}
	hostfs_path_keep(inode, fd);
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

static int same_super(struct super_block *sb, struct fs_context *fc)
{
	struct hostfs_want *want = fc->fs_private;
	struct hostfs_sb *sbi = sb->s_fs_info;

	return sbi->gift == want->gift && sbi->cache == want->cache &&
	       !((sb->s_flags ^ fc->sb_flags) & SB_RDONLY);
}

/* The directory beneath the root that is asked for; no links on the way. */
static struct dentry *walk(struct super_block *sb, const char *rest)
{
	struct dentry *at = dget(sb->s_root);

	while (*rest) {
		size_t len = strcspn(rest, "/");
		struct dentry *next;

		if (len == 2 && !memcmp(rest, "..", 2)) {
			dput(at);
			return ERR_PTR(-EINVAL);
		}
		if (len && !(len == 1 && *rest == '.')) {
			next = lookup_positive_unlocked(rest, at, len);
			dput(at);
			if (IS_ERR(next))
				return next;
			at = next;
			if (!d_is_dir(at)) {
				int err = d_is_symlink(at) ? -ELOOP : -ENOTDIR;

				dput(at);
				return ERR_PTR(err);
			}
		}
		rest += len + strspn(rest + len, "/");
	}
	return at;
}

/* Which gift: by option, else by the source, else the only one. */
static int find_gift(struct fs_context *fc, struct hostfs_want *want)
{
	const char *path = want->path;

	if (!path && fc->source && (*fc->source == '/' ||
				    hostfs_gift_find(fc->source, &want->rest)))
		path = fc->source;
	want->rest = "";
	want->gift = path ? hostfs_gift_find(path, &want->rest) : hostfs_gift_only();
	if (want->gift && want->gift->ro && !(fc->sb_flags & SB_RDONLY)) {
		pr_notice("hostfs: %s is given to be read only: mount it with ro, or start with hostfs=%s\n",
			  want->gift->given, want->gift->given);
		return -EROFS;
	}
	if (want->gift)
		return 0;
	if (path && *path == '/')
		pr_notice("hostfs: the host's %s is not given to this guest: start it with hostfs=%s\n",
			  path, path);
	else if (path)
		pr_notice("hostfs: no directory is given as %s: start with hostfs=%s:DIR\n", path,
			  path);
	else
		pr_notice("hostfs: which directory? mount with -o DIR, one given by hostfs=DIR\n");
	return path ? -ENOENT : -EINVAL;
}

static int hostfs_get_tree(struct fs_context *fc)
{
	static const unsigned long ttls[] = { 0, AUTO_TTL, MAX_JIFFY_OFFSET };
	struct hostfs_want *want = fc->fs_private;
	struct hostfs_sb *sbi;
	struct super_block *sb;
	struct dentry *dentry;
	int err;

	err = find_gift(fc, want);
	if (err)
		return err;
	sbi = kzalloc(sizeof(*sbi), GFP_KERNEL);
	if (!sbi)
		return -ENOMEM;
	sbi->gift = want->gift;
	sbi->cache = want->cache;
	sbi->ttl = ttls[want->cache];
	fc->s_fs_info = sbi;
	sb = sget_fc(fc, same_super, set_anon_super_fc);
	if (IS_ERR(sb)) {
		kfree(sbi);
		fc->s_fs_info = NULL;
		return PTR_ERR(sb);
	}
	if (!sb->s_root) {
		err = fill(sb, sbi);
		if (err)
			goto fail;
		sb->s_flags |= SB_ACTIVE;
	} else {
		kfree(fc->s_fs_info);	/* an old one's, with its own */
		fc->s_fs_info = NULL;
	}
	dentry = walk(sb, want->rest);
	if (IS_ERR(dentry)) {
		err = PTR_ERR(dentry);
		pr_notice("hostfs: %s in %s cannot be mounted: error %d\n", want->rest,
			  want->gift->given, -err);
		goto fail;
	}
	fc->root = dentry;
	return 0;
fail:
	deactivate_locked_super(sb);
	return err;
}

static int hostfs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct hostfs_want *want = fc->fs_private;
	int i;

	if (!strcmp(param->key, "source"))
		return vfs_parse_fs_param_source(fc, param);
	if (!strcmp(param->key, "cache")) {
		i = param->string ? match_string(cache_names, ARRAY_SIZE(cache_names),
						 param->string) : -1;
		if (i < 0)
			return invalf(fc, "hostfs: cache is none, auto or always");
		want->cache = i;
		return 0;
	}
	if (want->path)
		return invalf(fc, "hostfs: unknown option %s", param->key);
	if (param->type == fs_value_is_string && param->string && *param->string) {
		if (!strcmp(param->key, "path"))
			want->path = kstrdup(param->string, GFP_KERNEL);
		else if (*param->key == '/')	/* a path with '=' in it */
			want->path = kasprintf(GFP_KERNEL, "%s=%s", param->key, param->string);
		else
			return invalf(fc, "hostfs: unknown option %s", param->key);
	} else {
		want->path = kstrdup(param->key, GFP_KERNEL);
	}
	return want->path ? 0 : -ENOMEM;
}

static int hostfs_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;

	sync_filesystem(sb);
	if (hostfs_sb(sb)->gift->ro && !(fc->sb_flags & SB_RDONLY))
		return -EROFS;
	return 0;
}

static void hostfs_free_fc(struct fs_context *fc)
{
	struct hostfs_want *want = fc->fs_private;

	kfree(fc->s_fs_info);
	if (want)
		kfree(want->path);
	kfree(want);
}

static const struct fs_context_operations hostfs_context_ops = {
	.parse_param = hostfs_parse_param,
	.get_tree = hostfs_get_tree,
	.reconfigure = hostfs_reconfigure,
	.free = hostfs_free_fc,
};

static int hostfs_init_fs_context(struct fs_context *fc)
{
	struct hostfs_want *want = kzalloc(sizeof(*want), GFP_KERNEL);

	if (!want)
		return -ENOMEM;
	want->cache = HOSTFS_CACHE_AUTO;
	fc->fs_private = want;
	fc->ops = &hostfs_context_ops;
	return 0;
}

static void hostfs_kill_sb(struct super_block *sb)
{
	struct hostfs_sb *sbi = sb->s_fs_info;

	kill_anon_super(sb);
	kfree(sbi);
}

static struct file_system_type hostfs_type = {
	.owner = THIS_MODULE,
	.name = "hostfs",
	.init_fs_context = hostfs_init_fs_context,
	.kill_sb = hostfs_kill_sb,
};

static int __init hostfs_init(void)
{
	inode_cache = kmem_cache_create("hostfs_inode", sizeof(struct hostfs_inode), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					hostfs_inode_init_once);
	if (!inode_cache)
		return -ENOMEM;
	hostfs_ref_init();
	hostfs_create_init();
	return register_filesystem(&hostfs_type);
}
fs_initcall(hostfs_init);
