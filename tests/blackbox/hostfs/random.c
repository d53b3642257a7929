// SPDX-License-Identifier: GPL-2.0
/*
 * random.c - random operations on a file, compared with a copy in memory.
 *
 *	random SEED COUNT
 *
 * Data goes in by write, by two mappings and by truncation, and must come out
 * the same by read, by the mappings, and after the file was opened anew. At the
 * end "file" is left with what "model" holds, to be compared by who started us.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX	(600 * 1024)

static char model[MAX], buf[MAX];
static long size;
static int fd = -1;
static char *map;
static unsigned long long state;
static int step;

static long rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void die(const char *what, long a, long b)
{
	printf("step %d: %s %ld %ld\n", step, what, a, b);
	exit(1);
}

static void reopen(int flags)
{
	if (map)
		munmap(map, MAX);
	if (fd >= 0 && close(fd))
		die("close", 0, 0);
	fd = open("file", O_RDWR | flags, 0600);
	if (fd < 0)
		die("open", 0, 0);
	map = mmap(NULL, MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap", 0, 0);
}

static void same(const char *what, const char *got, long at, long len)
{
	for (long i = 0; i < len; i++)
		if (got[i] != model[at + i])
			die(what, at + i, got[i] << 8 | (unsigned char)model[at + i]);
}

static void fill(char *p, long len)
{
	for (long i = 0; i < len; i++)
		p[i] = rnd(256);
}

static void grow(long to)
{
	if (to > size)
		size = to;
}

static void one(void)
{
	long at = rnd(MAX), len = rnd(4) ? rnd(5000) : rnd(MAX), end;
	struct stat st;

	if (len > MAX - at)
		len = MAX - at;
	if (len < 0)		/* never; the compiler wants to know */
		return;
	end = at + len;
	switch (rnd(12)) {
	case 0 ... 2:
		fill(buf, len);
		if (pwrite(fd, buf, len, at) != len)
			die("pwrite", at, len);
		memcpy(model + at, buf, len);
		if (len)
			grow(end);
		break;
	case 3 ... 4:
		end = end < size ? end : size;
		if (at < end) {
			fill(map + at, end - at);
			memcpy(model + at, map + at, end - at);
		}
		break;
	case 5 ... 6: {
		long n = pread(fd, buf, len, at), want = size - at < len ? size - at : len;

		if (n != (want > 0 ? want : 0))
			die("pread", n, want);
		same("read", buf, at, n);
		break;
	}
	case 7:
		end = end < size ? end : size;
		if (at < end)
			same("mapping", map + at, at, end - at);
		break;
	case 8:
		if (ftruncate(fd, at))
			die("ftruncate", at, 0);
		if (at < size)
			memset(model + at, 0, size - at);
		size = at;
		break;
	case 9:
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len + 1))
			die("punch", at, len);
		end = end + 1 < MAX ? end + 1 : MAX;
		memset(model + at, 0, end - at);
		break;
	case 10:
		if (rnd(2) ? fsync(fd) : msync(map, MAX, MS_SYNC))
			die("sync", 0, 0);
		break;
	case 11:
		if (rnd(4) == 0)
			reopen(0);
		if (fstat(fd, &st) || st.st_size != size)
			die("size", st.st_size, size);
	}
}

int main(int argc, char **argv)
{
	int count, out;

	if (argc != 3)
		return 2;
	state = strtoull(argv[1], NULL, 0) * 2654435761u + 1;
	count = atoi(argv[2]);
	reopen(O_CREAT | O_TRUNC);
	for (step = 0; step < count; step++)
		one();
	if (pread(fd, buf, MAX, 0) != size)
		die("last read", size, 0);
	same("last", buf, 0, size);
	out = open("model", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (write(out, model, size) != size || close(out))
		die("model", 0, 0);
	printf("random: ok\n");
	return 0;
}
