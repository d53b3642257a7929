// SPDX-License-Identifier: GPL-2.0
/*
 * Changes in directories: files made, linked, renamed, removed.
 *
 * The host decides who owns a new file: the user who runs the kernel. Where
 * that is root, the file is given to the guest's user who made it, as a local
 * file system would.
 *
 * A file that loses its name while the guest uses it is reached by a descriptor
 * that is opened before (hostfs_pin()). The host frees its space when the last
 * descriptor is closed, which is when the guest's last user is gone.
 */
#include <linux/cred.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

/* The directory's descriptor, when something may be changed in it. */
static int borrow_dir(struct inode *dir)
{
	return hostfs_i(dir)->closed ? -EPERM : hostfs_borrow(dir);
}

static unsigned int euid, egid;	/* of the kernel process */

/**
 * hostfs_create_init() - who makes the files, to the host
 */
void __init hostfs_create_init(void)
{
	euid = host_euid();
	egid = host_egid();
}

/* Give a new file to who made it, if the host lets us; that takes set-ID bits off a file. */
static void give_to_maker(struct inode *dir, int fd, const char *name, umode_t mode)
{
	unsigned int uid = from_kuid(&init_user_ns, current_fsuid());
	unsigned int gid = from_kgid(&init_user_ns, current_fsgid());

	if (euid || (!uid && gid == egid))
		return;
	if (dir->i_mode & S_ISGID)
		gid = ~0U;
	if (!host_chown_in(fd, name, uid, gid) && !*name && is_sxid(mode))
		host_chmod_fd(fd, mode & S_IALLUGO);
}

/* @dentry stands for the file that was just made in @dir, or is there anyway. */
static int made(struct inode *dir, int fd, struct dentry *dentry)
{
	struct inode *inode;
	struct statx stx;
	int err;

	hostfs_stale(dir);
	err = host_stat_in(fd, dentry->d_name.name, &stx);
	if (err) {
		d_drop(dentry);
		return err == -ENOENT ? -ESTALE : err;
	}
	inode = hostfs_iget(dir->i_sb, dir, fd, dentry->d_name.name, &stx);
	if (IS_ERR(inode)) {
		d_drop(dentry);
		return PTR_ERR(inode);
	}
	/* A directory has one name. Another one here is older than ours. */
	if (S_ISDIR(inode->i_mode) && !hlist_empty(&inode->i_dentry)) {
		d_drop(dentry);
		iput(inode);
		return 0;
	}
	hostfs_known_name(dentry, 0);
	d_instantiate(dentry, inode);
	return 0;
}

static int create_file(int dir, const char *name, umode_t mode)
{
	return hostfs_open_in(dir, name, HOST_CREAT | HOST_EXCL | HOST_RDWR, mode & S_IALLUGO);
}

static int make_node(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev)
{
	const char *name = dentry->d_name.name;
	int fd = borrow_dir(dir), err;

	if (fd < 0)
		return fd;
	if (S_ISDIR(mode))
		err = host_mkdir_in(fd, name, mode & S_IALLUGO);
	else
		err = host_mknod_in(fd, name, mode, new_encode_dev(dev));
	if (!err) {
		give_to_maker(dir, fd, name, mode);
		err = made(dir, fd, dentry);
	} else if (err == -EEXIST) {
		d_drop(dentry);		/* we know it as not there */
	}
	hostfs_return(dir);
	return err;
}

static int hostfs_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			 umode_t mode, bool excl)
{
	int fd = borrow_dir(dir), made_fd, err;

	if (fd < 0)
		return fd;
	made_fd = create_file(fd, dentry->d_name.name, mode);
	if (made_fd >= 0) {
		give_to_maker(dir, made_fd, "", mode);
		host_close(made_fd);
		err = made(dir, fd, dentry);
	} else {
		err = made_fd;
		if (err == -EEXIST)
			d_drop(dentry);		/* we know it as not there */
	}
	hostfs_return(dir);
	return err;
}

static int hostfs_mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			umode_t mode, dev_t dev)
{
	return make_node(dir, dentry, mode, dev);
}

static int hostfs_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			umode_t mode)
{
	return make_node(dir, dentry, S_IFDIR | (mode & S_IALLUGO), 0);
}

static int hostfs_symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			  const char *target)
{
	int fd = borrow_dir(dir), err;

	if (fd < 0)
		return fd;
	err = host_symlink_in(fd, dentry->d_name.name, target);
	if (!err) {
		give_to_maker(dir, fd, dentry->d_name.name, S_IFLNK);
		err = made(dir, fd, dentry);
	}
	hostfs_return(dir);
	return err;
}

static int hostfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(old);
	struct hostfs_ref ref;
	int fd = borrow_dir(dir), err;

	if (fd < 0)
		return fd;
	err = hostfs_ref(inode, old, &ref);
	if (err)
		goto out;
	if (*ref.name)
		err = host_link_in(ref.fd, ref.name, fd, dentry->d_name.name);
	else
		err = host_link_fd(ref.fd, fd, dentry->d_name.name);
	hostfs_put_ref(&ref);
	/* An open file has a name as well; some hosts link only by that. */
	if ((err == -ENOENT || err == -EPERM) && !d_unhashed(old) &&
	    !hostfs_ref_name(inode, old, &ref)) {
		err = host_link_in(ref.fd, ref.name, fd, dentry->d_name.name);
		hostfs_put_ref(&ref);
	}
	if (!err) {
		hostfs_changed_ctime(inode);
		err = made(dir, fd, dentry);
	}
out:
	hostfs_return(dir);
	return err;
}

/* The inode's name is gone, or one of its names. */
static void lost_name(struct inode *inode)
{
	if (S_ISDIR(inode->i_mode))
		clear_nlink(inode);
	else if (inode->i_nlink)
		drop_nlink(inode);
	hostfs_changed_ctime(inode);
}

/*
 * Unlinking, removing a directory, renaming over something: @refs that the
 * caller has itself. With more, the inode will be used without its name.
 */
static void keep_if_used(struct dentry *dentry, unsigned int refs)
{
	if (d_count(dentry) > refs)
		hostfs_pin(d_inode(dentry), dentry);
}

static int take_away(struct inode *dir, struct dentry *dentry, bool directory)
{
	struct inode *inode = d_inode(dentry);
	int fd = borrow_dir(dir), err;

	if (fd < 0)
		return fd;
	/* Names in it that are known to be gone use it as well; vfs_rmdir() drops them too. */
	if (directory && d_count(dentry) > 2)
		shrink_dcache_parent(dentry);
	keep_if_used(dentry, directory ? 2 : 1);	/* vfs_rmdir() has one more */
	err = host_unlink_in(fd, dentry->d_name.name, directory);
	hostfs_return(dir);
	hostfs_stale(dir);
	if (!err)
		lost_name(inode);
	else if (err == -ENOENT)
		d_drop(dentry);
	return err;
}

static int hostfs_unlink(struct inode *dir, struct dentry *dentry)
{
	return take_away(dir, dentry, false);
}

static int hostfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	return take_away(dir, dentry, true);
}

/* Its ctime is ours; what changes it later is not. */
static void moved(struct inode *inode, int dir, const char *name)
{
	struct statx stx;

	hostfs_changed_ctime(inode);
	if (inode->i_mapping->nrpages && !host_stat_in(dir, name, &stx) &&
	    hostfs_same(inode, &stx))
		hostfs_apply(inode, &stx);
}

static int hostfs_rename(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			 struct inode *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	struct inode *target = d_inode(new_dentry);
	int from = borrow_dir(dir), to, err;

	if (from < 0)
		return from;
	to = borrow_dir(new_dir);
	if (to < 0) {
		hostfs_return(dir);
		return to;
	}
	if (target && !(flags & RENAME_EXCHANGE))
		keep_if_used(new_dentry, 2);		/* vfs_rename() has one more */
	err = host_rename_in(from, dentry->d_name.name, to, new_dentry->d_name.name, flags);
	if (!err) {
		moved(d_inode(dentry), to, new_dentry->d_name.name);
		if (flags & RENAME_EXCHANGE)
			moved(target, from, dentry->d_name.name);
	}
	hostfs_return(new_dir);
	hostfs_return(dir);
	if (err == -EEXIST && !target)
		d_drop(new_dentry);
	if (err)
		return err;
	hostfs_stale(dir);
	hostfs_stale(new_dir);
	if (target && !(flags & RENAME_EXCHANGE))
		lost_name(target);
	hostfs_known_name(dentry, 0);
	if (flags & RENAME_EXCHANGE)
		hostfs_known_name(new_dentry, 0);
	return 0;
}

/* The guest's file is the host's that was just made, open for all. */
static int finish_made(struct inode *inode, struct dentry *dentry, struct file *file, int fd)
{
	struct hostfs_handle *h = hostfs_handle_add(inode, fd, true, true);
	int err;

	if (IS_ERR(h))
		return PTR_ERR(h);
	file->private_data = h;
	err = finish_open(file, dentry, generic_file_open);
	if (err)
		hostfs_handle_put(inode, h);
	return err;
}

/* Make a file and open it, which its permissions may forbid the next time. */
static int create_open(struct inode *dir, struct dentry *dentry, struct file *file, umode_t mode)
{
	const char *name = dentry->d_name.name;
	struct inode *inode;
	struct statx stx;
	int dirfd = borrow_dir(dir), fd, err;

	if (dirfd < 0)
		return dirfd;
	fd = create_file(dirfd, name, mode);
	if (fd < 0) {
		hostfs_return(dir);
		return fd;
	}
	give_to_maker(dir, fd, "", mode);
	hostfs_stale(dir);
	err = host_stat_in(fd, "", &stx);
	inode = err ? ERR_PTR(err) : hostfs_iget(dir->i_sb, dir, dirfd, name, &stx);
	hostfs_return(dir);
	if (IS_ERR(inode)) {
		host_close(fd);
		return PTR_ERR(inode);
	}
	hostfs_known_name(dentry, 0);
	d_instantiate(dentry, inode);
	file->f_mode |= FMODE_CREATED;
	return finish_made(inode, dentry, file, fd);
}

static int hostfs_atomic_open(struct inode *dir, struct dentry *dentry, struct file *file,
			      unsigned int flags, umode_t mode)
{
	struct dentry *found = NULL;
	int err;

	if (d_in_lookup(dentry)) {
		found = hostfs_lookup(dir, dentry, 0);
		if (IS_ERR(found))
			return PTR_ERR(found);
		if (found)
			dentry = found;
	}
	if (!(flags & O_CREAT) || d_really_is_positive(dentry))
		return finish_no_open(file, found);
	err = create_open(dir, dentry, file, mode);
	if (err == -EEXIST && !(flags & O_EXCL)) {
		/* Somebody on the host was quicker: open that, in another try. */
		d_drop(dentry);
		err = -ESTALE;
	} else if (err == -EEXIST) {
		d_drop(dentry);
	}
	dput(found);
	return err;
}

static int hostfs_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file,
			  umode_t mode)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode;
	struct statx stx;
	int dirfd = borrow_dir(dir), fd, err;

	if (dirfd < 0)
		return dirfd;
	fd = hostfs_open_in(dirfd, ".", HOST_TMPFILE | HOST_RDWR, mode & S_IALLUGO);
	hostfs_return(dir);
	if (fd < 0)
		return fd == -EISDIR ? -EOPNOTSUPP : fd;
	give_to_maker(dir, fd, "", mode);
	err = host_stat_in(fd, "", &stx);
	inode = err ? ERR_PTR(err) : hostfs_iget(dir->i_sb, NULL, fd, "", &stx);
	if (IS_ERR(inode)) {
		host_close(fd);
		return PTR_ERR(inode);
	}
	set_nlink(inode, 1);	/* d_tmpfile() takes it away */
	d_tmpfile(file, inode);
	return finish_made(inode, dentry, file, fd);
}

const struct inode_operations hostfs_dir_iops = {
	.lookup = hostfs_lookup,
	.create = hostfs_create,
	.atomic_open = hostfs_atomic_open,
	.link = hostfs_link,
	.unlink = hostfs_unlink,
	.symlink = hostfs_symlink,
	.mkdir = hostfs_mkdir,
	.rmdir = hostfs_rmdir,
	.mknod = hostfs_mknod,
	.rename = hostfs_rename,
	.tmpfile = hostfs_tmpfile,
	.permission = hostfs_permission,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.listxattr = hostfs_listxattr,
};
