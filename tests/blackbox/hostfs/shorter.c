// SPDX-License-Identifier: GPL-2.0
/*
 * shorter.c - map the file "f", wait for a line on standard input (until when
 * somebody makes the file shorter), and touch what is no longer there.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;

static void on_bus(int signo)
{
	siglongjmp(back, signo);
}

int main(void)
{
	int fd = open("f", O_RDONLY);
	volatile char *p = mmap(NULL, 100000, PROT_READ, MAP_SHARED, fd, 0);
	char c;

	if (fd < 0 || p == MAP_FAILED)
		return 1;
	signal(SIGBUS, on_bus);
	if (write(1, "ready\n", 6) != 6 || read(0, &c, 1) != 1)
		return 2;
	/* Nothing of it was read; what is there now is one page. */
	if (sigsetjmp(back, 1)) {
		puts("SIGBUS");
		return 0;
	}
	c = p[0];
	c = p[90000];
	puts("no signal");
	return 0;
}
