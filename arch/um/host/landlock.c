// SPDX-License-Identifier: GPL-2.0
/*
 * Landlock (Documentation/userspace-api/landlock.rst): what the host itself keeps
 * the kernel process from, whatever code runs in it, where a filter of system
 * calls cannot: that sees neither names nor whose a process is.
 *
 * Signals reach what the kernel process has started, and nobody else (from Linux
 * 6.12 on). That is one domain for all of its threads and spaces, entered before
 * there is any; the doorman is outside.
 *
 * Files are opened and removed where the rules allow it: in directories that were
 * given to the guest, and what the guest itself has made for its name. Rules are
 * collected while the guest boots; a thread that takes them up keeps them for
 * ever. Each thread must do so itself: those that do only I/O when they start, the
 * vCPU when the guest has booted. What a descriptor was opened for before remains
 * possible.
 */
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/init.h>
#include <uapi/linux/landlock.h>
#include <uapi/linux/prctl.h>
#include <asm/host.h>
#include "syscall.h"

#define ACCESS_READ	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_ABI_1	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* What a guest may never do through the host: run its programs, drive its devices. */
#define ACCESS_NEVER	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_IOCTL_DEV)

#define ABI_SCOPES	6

static int ruleset __ro_after_init = -1;
static u64 handled __ro_after_init;

static long host_abi(void)
{
	return host_call(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int restrict_self(int fd)
{
	long err = host_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	return err ?: host_call(__NR_landlock_restrict_self, fd, 0);
}

/**
 * host_landlock_signals() - from now on signals only for what this process starts
 *
 * Before spaces and threads are made: those that are there already would be out of
 * reach.
 *
 * Return: 0 or -errno: -EOPNOTSUPP, or -ENOSYS, on a host that cannot do that.
 */
int __init host_landlock_signals(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_REFER,
		.scoped = LANDLOCK_SCOPE_SIGNAL,
	};
	struct landlock_path_beneath_attr anywhere = {
		.allowed_access = LANDLOCK_ACCESS_FS_REFER,
	};
	long abi = host_abi(), fd;
	int err;

	if (abi < ABI_SCOPES)
		return abi < 0 ? abi : -EOPNOTSUPP;
	fd = host_call(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return fd;
	/*
	 * Renaming from one directory to another is refused by a domain that does
	 * not allow it, even where it handles no files.
	 */
	anywhere.parent_fd = host_call(__NR_openat, AT_FDCWD, "/",
				       O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	err = anywhere.parent_fd;
	if (err >= 0) {
		err = host_call(__NR_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
				&anywhere, 0);
		host_call(__NR_close, anywhere.parent_fd);
	}
	if (!err)
		err = restrict_self(fd);
	host_call(__NR_close, fd);
	return err;
}

/**
 * host_landlock_begin() - collect rules; without one no file may be opened
 *
 * Before the first thread is started.
 *
 * Return: 0 or -errno: -ENOSYS or -EOPNOTSUPP on a host without Landlock.
 */
int __init host_landlock_begin(void)
{
	struct landlock_ruleset_attr attr = { };
	long abi = host_abi(), fd;

	if (abi < 0)
		return abi;
	handled = ACCESS_ABI_1;
	if (abi >= 2)
		handled |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		handled |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		handled |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	attr.handled_access_fs = handled;
	/* The first member is all that a host with the first version knows. */
	fd = host_call(__NR_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (fd >= 0)
		ruleset = fd;
	return fd < 0 ? fd : 0;
}

/* 0, and nothing is done, where there are no rules. */
static int __init add_rule(int fd, u64 access)
{
	struct landlock_path_beneath_attr rule = {
		.parent_fd = fd,
		.allowed_access = access & handled,
	};

	if (ruleset < 0)
		return 0;
	return host_call(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/**
 * host_landlock_allow() - a directory that stays usable, with all beneath it
 * @fd: the directory
 * @write: for all, not only to read
 *
 * Return: 0 or -errno.
 */
int __init host_landlock_allow(int fd, bool write)
{
	return add_rule(fd, write ? ~ACCESS_NEVER : ACCESS_READ);
}

/**
 * host_landlock_allow_removal() - what is ours in this directory goes at the end
 * @directories: directories in it, that are empty; else files
 *
 * Return: 0 or -errno.
 */
int __init host_landlock_allow_removal(const char *dir, bool directories)
{
	int fd = host_call(__NR_openat, AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return fd;
	err = add_rule(fd, directories ? LANDLOCK_ACCESS_FS_REMOVE_DIR :
					 LANDLOCK_ACCESS_FS_REMOVE_FILE);
	host_call(__NR_close, fd);
	return err;
}

/**
 * host_landlock_thread() - the calling thread keeps to the rules from now on
 *
 * Return: 0, also when there are no rules, or -errno.
 */
int host_landlock_thread(void)
{
	return ruleset < 0 ? 0 : restrict_self(ruleset);
}
