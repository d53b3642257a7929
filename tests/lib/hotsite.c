// SPDX-License-Identifier: GPL-2.0
/*
 * hotsite.c - system calls from one place, by a program that is itself where a
 * kernel would have the table of patched calls, or whose heap grows over it
 *
 * Says "patched" or "not patched" of the place before and behind the heap's growth.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE 0x050f0000UL

long hot(void);
extern unsigned char hot_site[];
__asm__(".pushsection .text\n"
	".balign 16\n"
	".globl hot, hot_site\n"
	"hot:\n"
	"hot_site:\n"
	"	mov $110, %eax\n"
	"	syscall\n"
	"	ret\n"
	".popsection\n");

/* Text and data that lie at the table's place, if the program is linked so. */
static const unsigned char filler[1 << 20] = { 1, 2, 3 };

static unsigned int sum(void)
{
	unsigned int s = 0;

	for (size_t i = 0; i < sizeof(filler); i++)
		s = s * 31 + filler[i];
	return s;
}

static void calls(void)
{
	long parent = getppid();
	unsigned char c;

	for (int i = 0; i < 1000; i++)
		if (hot() != parent || read(-1, &c, 1) != -1) {
			printf("a wrong result\n");
			exit(1);
		}
	printf("%s\n", hot_site[0] == 0xff ? "patched" : "not patched");
}

int main(int argc, char **argv)
{
	unsigned int before = sum();
	char *start = sbrk(0), *end;

	calls();
	if ((uintptr_t)start < TABLE) {
		size_t grow = TABLE - (uintptr_t)start + (1 << 20);

		if (sbrk(grow) == (void *)-1) {
			printf("the heap does not grow\n");
			return 1;
		}
		end = sbrk(0);
		for (char *p = start; p < end; p += 4096)
			*p = (uintptr_t)p >> 12;
		calls();
		for (char *p = start; p < end; p += 4096)
			if (*p != (char)((uintptr_t)p >> 12)) {
				printf("the heap has changed at %p\n", p);
				return 1;
			}
		printf("crossed\n");
	}
	if (sum() != before) {
		printf("the program has changed\n");
		return 1;
	}
	printf("good\n");
	return 0;
}
