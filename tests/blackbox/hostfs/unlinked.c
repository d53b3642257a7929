// SPDX-License-Identifier: GPL-2.0
/*
 * unlinked.c - make COUNT files in the working directory, remove each while it
 * is open, and then, with all of them still open, look at FILE.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct stat st;
	int i;

	if (argc != 3)
		return 2;
	for (i = 0; i < atoi(argv[1]); i++) {
		/* By a path only, as one who takes a place and no more. */
		int fd = creat("file", 0600);

		close(fd);
		fd = open("file", O_PATH);
		if (fd < 0 || unlink("file"))
			break;
	}
	printf("%d files\n", i);
	fflush(stdout);
	if (stat(argv[2], &st))
		perror(argv[2]);
	else
		printf("%s: %lld bytes\n", argv[2], (long long)st.st_size);
	return 0;
}
