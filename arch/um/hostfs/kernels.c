// SPDX-License-Identifier: GPL-2.0
/*
 * File systems of the host that are no files but its kernel's interfaces: proc,
 * sysfs and their like. A gift may have them beneath it ("/" has). They are not
 * shown: their directories are empty, and nothing of them is opened. Through
 * /proc/PID/mem a guest would reach into its user's processes, its own kernel's
 * first; and files that have no size, block when read or act when written are
 * not what a file system's cache is for.
 */
#include <asm/host.h>
#include <asm/host_dirs.h>
#include <asm/statfs.h>
#include <uapi/linux/magic.h>
#include "hostfs.h"

#define CONFIGFS_MAGIC	0x62656570
#define RPCPIPE_MAGIC	0x67596969
#define BPFFS_MAGIC	0xcafe4a11
#define FUSECTL_MAGIC	0x65735543

static bool is_kernels(long type)
{
	static const u32 types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC,
		SELINUX_MAGIC, SMACK_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		EFIVARFS_MAGIC, PSTOREFS_MAGIC, BINFMTFS_MAGIC, DEVPTS_SUPER_MAGIC,
		CONFIGFS_MAGIC, RPCPIPE_MAGIC, BPFFS_MAGIC, FUSECTL_MAGIC, NSFS_MAGIC,
	};

	for (int i = 0; i < ARRAY_SIZE(types); i++)
		if ((u32)type == types[i])
			return true;
	return false;
}

/**
 * hostfs_is_kernels() - is this directory or file an interface of the kernel
 */
bool hostfs_is_kernels(int fd)
{
	struct statfs st;

	return !host_statfs_fd(fd, &st) && is_kernels(st.f_type);
}

/**
 * hostfs_mind_closed() - find out whether a file may be shown
 * @parent: the directory that it is in
 * @dir, @name: the same for the host
 *
 * Only where a file system begins another can be found. What was found of a
 * device is not kept: the host gives its number to another file system when this
 * one is gone.
 */
void hostfs_mind_closed(struct inode *inode, struct inode *parent, int dir, const char *name)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	bool closed = false;
	int fd;

	if (hi->dev != hostfs_i(parent)->dev) {
		fd = hostfs_open_in(dir, name, HOST_PATH, 0);
		closed = fd < 0 || hostfs_is_kernels(fd);
		if (fd >= 0)
			host_close(fd);
	}
	WRITE_ONCE(hi->closed, closed);
}
