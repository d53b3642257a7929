// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: memfds and mappings of the kernel process.
 */
#include <linux/mman.h>
#include <uapi/linux/memfd.h>
#include "syscall.h"

/**
 * host_memfd() - make a memfd whose pages may be executed
 * @name: shown in /proc/PID/maps
 * @size: bytes
 *
 * MFD_EXEC is asked for where the host knows it (Linux 6.3), since
 * vm.memfd_noexec may make the default not executable.
 *
 * Return: descriptor, close-on-exec, or -errno.
 */
int host_memfd(const char *name, u64 size)
{
	long fd, err;

	fd = host_call(__NR_memfd_create, name, MFD_CLOEXEC | MFD_EXEC);
	if (fd == -EINVAL)
		fd = host_call(__NR_memfd_create, name, MFD_CLOEXEC);
	if (fd < 0)
		return fd;
	err = host_call(__NR_ftruncate, fd, size);
	if (err < 0) {
		host_call(__NR_close, fd);
		return err;
	}
	return fd;
}

/**
 * host_map_shared() - map a file over whatever is there
 */
int host_map_shared(void *addr, u64 len, unsigned int prot, int fd, u64 offset)
{
	long ret = host_call(__NR_mmap, addr, len, prot, MAP_SHARED | MAP_FIXED, fd, offset);

	return ret < 0 ? ret : 0;
}

/**
 * host_map_shared_new() - map a file where nothing may be mapped yet
 *
 * Return: 0, -EEXIST when something is there, or another -errno.
 */
int host_map_shared_new(void *addr, u64 len, unsigned int prot, int fd, u64 offset)
{
	long ret = host_call(__NR_mmap, addr, len, prot,
			     MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, offset);

	if (ret < 0)
		return ret;
	if ((void *)ret != addr) {	/* a host before Linux 4.17 */
		host_call(__NR_munmap, ret, len);
		return -EEXIST;
	}
	return 0;
}

/**
 * host_map_private() - zeroed memory of the host, beside the guest's
 *
 * It costs nothing until it is touched.
 *
 * Return: its address, or -errno as a pointer (IS_ERR()).
 */
void *host_map_private(u64 len)
{
	return (void *)host_call(__NR_mmap, NULL, len, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/**
 * host_unmap() - munmap(2)
 */
int host_unmap(void *addr, u64 len)
{
	return host_call(__NR_munmap, addr, len);
}

/**
 * host_populate() - bring pages in for writing, in one call
 *
 * Return: 0, -EINVAL on a host before Linux 5.14, -EFAULT or -ENOMEM when the
 * host has no memory.
 */
int host_populate(void *addr, u64 len)
{
	return host_call(__NR_madvise, addr, len, MADV_POPULATE_WRITE);
}
