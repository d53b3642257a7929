// SPDX-License-Identifier: GPL-2.0
/*
 * A module for the tests that never returns from being loaded, with interrupts
 * disabled: nothing else of this guest runs again.
 */
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/processor.h>

static int __init hang_init(void)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
	return 0;
}

module_init(hang_init);
MODULE_DESCRIPTION("A module of the tests that hangs");
MODULE_LICENSE("GPL");
