// SPDX-License-Identifier: GPL-2.0
/*
 * first.c - the smallest /init: it says that user code runs, and powers off.
 *
 * bench/run takes the time from the exec of a kernel to this word on its
 * standard output.  No C library: nothing runs before _start.
 */
#include <linux/reboot.h>
#include <sys/syscall.h>

static long call(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b), "d" (c)
		     : "rcx", "r11", "memory");
	return ret;
}

void _start(void)
{
	static const char word[] = "@first\n";

	call(SYS_write, 1, (long)word, sizeof(word) - 1);
	call(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
	     LINUX_REBOOT_CMD_POWER_OFF);
	for (;;)
		call(SYS_pause, 0, 0, 0);
}
