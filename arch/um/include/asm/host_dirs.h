/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Directories of the host, for hostfs: calls that take a directory's descriptor
 * and one name in it. None of them follows a symbolic link, and a name is never
 * a path, so none leads out of the directory. All return -errno on failure and
 * repeat what a signal interrupted. "" as a name means the descriptor itself.
 */
#ifndef _ASM_UM_HOST_DIRS_H
#define _ASM_UM_HOST_DIRS_H

#include <linux/types.h>
#include <linux/time_types.h>

struct statx;

/* Flags of open(2), the host's values. */
#define HOST_WRONLY	1
#define HOST_CREAT	0100
#define HOST_EXCL	0200
#define HOST_DIRECTORY	0200000
#define HOST_PATH	010000000
#define HOST_TMPFILE	(020000000 | HOST_DIRECTORY)

#define HOST_UTIME_NOW	((1L << 30) - 1L)
#define HOST_UTIME_OMIT	((1L << 30) - 2L)

/* dirs.c: descriptors, names */
int host_gift_open(const char *path);
int host_gift_path(int fd, char *buf, unsigned int size);
int host_open_in(int dir, const char *name, int flags, unsigned int mode);
int host_stat_in(int dir, const char *name, struct statx *stx);
int host_access_in(int dir, const char *name, int mask);
int host_mkdir_in(int dir, const char *name, unsigned int mode);
int host_mknod_in(int dir, const char *name, unsigned int mode, unsigned int dev);
int host_symlink_in(int dir, const char *name, const char *target);
int host_readlink_in(int dir, const char *name, char *buf, unsigned int size);
int host_unlink_in(int dir, const char *name, bool directory);
int host_link_in(int dir, const char *name, int new_dir, const char *new_name);
int host_link_fd(int fd, int new_dir, const char *new_name);
int host_rename_in(int dir, const char *name, int new_dir, const char *new_name,
		   unsigned int flags);
int host_chmod_fd(int fd, unsigned int mode);
int host_chown_in(int dir, const char *name, unsigned int uid, unsigned int gid);
int host_utimes_in(int dir, const char *name, const struct __kernel_timespec ts[2]);
long host_getdents(int fd, void *buf, unsigned int size);
int host_statfs_fd(int fd, void *buf);
int host_umask_none(void);
unsigned int host_euid(void);
unsigned int host_egid(void);
u64 host_nofile_limit(void);

/* dirs_file.c: open files, extended attributes */
void host_remember_cwd(void);
int host_fsync(int fd, bool datasync);
int host_fallocate(int fd, int mode, u64 offset, u64 len);
long host_lseek(int fd, s64 offset, int whence);
long host_getxattr_in(int dir, const char *name, const char *attr, void *buf, u64 size);
long host_listxattr_in(int dir, const char *name, char *buf, u64 size);
int host_setxattr_in(int dir, const char *name, const char *attr, const void *buf, u64 size,
		     int flags);
int host_removexattr_in(int dir, const char *name, const char *attr);

/*
 * dirs_watch.c: what of directories is reported (inotify(7)): writing, attributes,
 * names made, moved and removed. Only of directories, and each once.
 */
#define HOST_WATCH_MASK	0x110003ce
long host_watch_init(void);
int host_watch_fd(void);
int host_watch_add(int dir);
void host_watch_remove(int watch);
int host_watch_poll(bool *mounts);
long host_watch_read(void *buf, unsigned int size);

#endif
