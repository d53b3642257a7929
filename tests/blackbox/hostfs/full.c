// SPDX-License-Identifier: GPL-2.0
/*
 * full.c - in a directory with less than 2 MiB left: what do write and, for a
 * mapping, msync say?
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE	(2 << 20)

static char data[SIZE];

int main(void)
{
	int fd = open("written", O_RDWR | O_CREAT, 0600), err = 0;
	char *p;

	memset(data, 'x', SIZE);
	for (long at = 0; at < SIZE && !err; ) {
		ssize_t n = write(fd, data + at, SIZE - at);

		err = n < 0 ? errno : 0;
		at += n > 0 ? n : 0;
	}
	printf("write: %s\n", strerror(err));
	close(fd);
	unlink("written");

	fd = open("mapped", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, SIZE))
		return 1;
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 2;
	memset(p, 'y', SIZE);
	err = msync(p, SIZE, MS_SYNC) ? errno : 0;
	printf("msync: %s\n", strerror(err));
	return 0;
}
