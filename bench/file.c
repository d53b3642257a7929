// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - rows: files on a tmpfs.
 *
 * read_cached reads a file of 16 MiB from its start to its end, over and over,
 * in blocks of 128 KiB; write_tmpfs fills a file that was emptied, so pages
 * are allocated; create_unlink makes and removes an empty file.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ubench.h"

#define BLOCK		(128L << 10)
#define FILE_BYTES	(16L << 20)

static char block[BLOCK];

/* An open file of that size, already without a name. */
int make_file(const char *name, long size)
{
	char path[4096];
	int fd = open(work_path(path, sizeof(path), name),
		      O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die(path);
	unlink(path);
	memset(block, 'x', sizeof(block));
	for (; size > 0; size -= BLOCK)
		if (write(fd, block, BLOCK) != BLOCK)
			die(path);
	return fd;
}

static double run_read(long n)
{
	static int fd = -1;
	double start;
	long i;

	if (fd < 0)
		fd = make_file("read", FILE_BYTES);
	start = now();
	for (i = 0; i < n; i++)
		if (pread(fd, block, BLOCK, i * BLOCK % FILE_BYTES) != BLOCK)
			die("pread");
	return now() - start;
}

static double run_write(long n)
{
	int fd = make_file("write", 0);
	double start;
	long i;

	start = now();
	for (i = 0; i < n; i++) {
		long at = i * BLOCK % FILE_BYTES;

		if (!at && ftruncate(fd, 0))
			die("ftruncate");
		if (pwrite(fd, block, BLOCK, at) != BLOCK)
			die("pwrite");
	}
	start = now() - start;
	close(fd);
	return start;
}

static double run_create(long n)
{
	char path[4096];
	double start;

	work_path(path, sizeof(path), "create");
	start = now();
	while (n--) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd < 0 || close(fd) || unlink(path))
			die(path);
	}
	return now() - start;
}

const struct row file_rows[] = {
	{ "read_cached", "MB/s", 0, BLOCK, 64, 0, run_read },
	{ "write_tmpfs", "MB/s", 0, BLOCK, 128, 0, run_write },
	{ "create_unlink", "us", 1e3, 0, 50, 0, run_create },
	{ }
};
