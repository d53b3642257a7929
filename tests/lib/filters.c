// SPDX-License-Identifier: GPL-2.0
/*
 * filters.c - makes the guest's kernel map memory for itself, and unmap it.
 *
 *	filters COUNT
 *
 * Gives each of COUNT sockets a filter, a BPF program that the kernel maps by
 * itself, and says "up"; when a line comes it closes them, and says "freed" when
 * no more are mapped than before. Linux must unmap a BPF program when it is
 * freed: nothing is put off then.
 */
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Areas that are mapped, and those that still wait to be unmapped. */
static int areas(void)
{
	FILE *f = fopen("/proc/vmallocinfo", "r");
	int lines = 0, c;

	if (!f)
		exit(99);
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines;
}

int main(int argc, char **argv)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &code };
	int count = argc > 1 ? atoi(argv[1]) : 0, before = areas();
	int fds[count + 1];

	for (int i = 0; i < count; i++) {
		fds[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog))) {
			perror("SO_ATTACH_FILTER");
			return 1;
		}
	}
	puts("up");
	fflush(stdout);
	getchar();
	for (int i = 0; i < count; i++)
		close(fds[i]);
	while (areas() > before + 4)
		usleep(20000);
	puts("freed");
	fflush(stdout);
	getchar();
	return 0;
}
