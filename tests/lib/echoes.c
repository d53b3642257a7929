// SPDX-License-Identifier: GPL-2.0
/*
 * echoes.c - says what it read, again and again; a guest program of t_kick.py.
 *
 * All its reads come from one place, which a kernel that patches system calls
 * has patched by the time the first word is awaited. It ends with 3 when a read
 * is not what it should be.
 */
#include <fcntl.h>
#include <unistd.h>

/* long hot_read(int fd, void *buf, size_t n) */
long hot_read(int fd, void *buf, unsigned long n);

asm(".pushsection .text\n"
    ".balign 16\n"
    ".globl hot_read\n"
    "hot_read:\n"
    "	movl	$0, %eax\n"
    "	syscall\n"
    "	ret\n"
    ".popsection\n");

int main(void)
{
	char buf[68] = "got ";
	int fd = open("/dev/zero", O_RDONLY);

	for (int i = 0; i < 200; i++)
		if (hot_read(fd, buf + 4, 1) != 1)
			return 3;
	if (write(1, "up\n", 3) != 3)
		return 3;
	for (;;) {
		long n = hot_read(0, buf + 4, 64);

		if (n < 2 || buf[4 + n - 1] != '\n' || write(1, buf, 4 + n) != 4 + n)
			return 3;
	}
}
