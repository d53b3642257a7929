// SPDX-License-Identifier: GPL-2.0
/* grown.c - make the first letter of a file a G, through a shared mapping of all of it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	struct stat st;
	char *m;

	if (fd < 0 || fstat(fd, &st))
		return 1;
	m = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return 2;
	*m = 'G';
	return msync(m, st.st_size, MS_SYNC) ? 3 : 0;
}
