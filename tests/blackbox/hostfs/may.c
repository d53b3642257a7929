// SPDX-License-Identifier: GPL-2.0
/*
 * may.c - what access(2) says of each file that is named: "rw-" and so on. (A
 * shell's test answers for root without asking.)
 */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s: %c%c%c\n", argv[i], access(argv[i], R_OK) ? '-' : 'r',
		       access(argv[i], W_OK) ? '-' : 'w', access(argv[i], X_OK) ? '-' : 'x');
	return 0;
}
