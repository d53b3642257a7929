// SPDX-License-Identifier: GPL-2.0
/* Offsets for assembly. */
#include <linux/kbuild.h>
#include <linux/sched.h>

int main(void)
{
	DEFINE(TASK_THREAD_SP, offsetof(struct task_struct, thread.sp));
	return 0;
}
