// SPDX-License-Identifier: GPL-2.0
/*
 * diskio DEVICE - exact requests for a block device, around the page cache.
 *
 * Commands from stdin, a line each; sectors of 512 bytes:
 *	w FIRST COUNT SEED	write; sector S holds 64 times SEED << 32 | S
 *	r FIRST COUNT		read; prints the CRC-32 of the bytes
 *	z FIRST COUNT		make them zero
 *	d FIRST COUNT		discard them
 *	f			flush
 * One that fails is printed with its error, and the status is 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SECTOR	512
#define MOST	4096

static uint32_t crc32(const unsigned char *p, size_t len)
{
	uint32_t crc = ~0U;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static int one(int fd, char op, uint64_t first, uint64_t count, uint64_t seed, uint64_t *buf)
{
	uint64_t range[2] = { first * SECTOR, count * SECTOR };

	switch (op) {
	case 'w':
		for (uint64_t i = 0; i < count * 64; i++)
			buf[i] = seed << 32 | (first + i / 64);
		return pwrite(fd, buf, range[1], range[0]) == (ssize_t)range[1];
	case 'r':
		if (pread(fd, buf, range[1], range[0]) != (ssize_t)range[1])
			return 0;
		printf("%08x\n", crc32((unsigned char *)buf, range[1]));
		return 1;
	case 'z':
		return !ioctl(fd, BLKZEROOUT, range);
	case 'd':
		return !ioctl(fd, BLKDISCARD, range);
	case 'f':
		return !fsync(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd = open(argv[argc - 1], O_RDWR | O_DIRECT), status = 0;
	char line[100];
	void *buf;

	if (fd < 0 || posix_memalign(&buf, 4096, MOST * SECTOR)) {
		perror(argv[argc - 1]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long first = 0, count = 0, seed = 0;
		char op = 0;

		if (sscanf(line, "%c %lu %lu %lu", &op, &first, &count, &seed) < 1 || count > MOST)
			return 2;
		errno = 0;
		if (!one(fd, op, first, count, seed, buf)) {
			printf("failed: %s (%s)\n", strtok(line, "\n"), strerror(errno));
			status = 1;
		}
	}
	return status;
}
