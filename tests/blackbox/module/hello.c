// SPDX-License-Identifier: GPL-2.0
/*
 * A module for the tests, built outside of the kernel tree: it takes
 * parameters, reaches the kernel's functions, data and per-CPU area, has data
 * of its own of every kind, and shows in /proc/hello what it computed.
 */
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

static int number = 5;
module_param(number, int, 0644);
static char *word = "nobody";
module_param(word, charp, 0444);
static bool fail;
module_param(fail, bool, 0444);

static DEFINE_PER_CPU(int, calls);
static const int table[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
static char large[3 * PAGE_SIZE];
static int (*sum)(int n);

static noinline int sum_of_table(int n)
{
	int i, total = 0;

	for (i = 0; i < n && i < ARRAY_SIZE(table); i++)
		total += table[i];
	return total;
}

static int hello_show(struct seq_file *m, void *v)
{
	seq_printf(m, "hello %s sum %d calls %d by %s\n", word, sum(number),
		   this_cpu_inc_return(calls), current->comm);
	return 0;
}

static int __init hello_init(void)
{
	unsigned int i;
	char *copy;

	if (fail)
		return -EINVAL;
	for (i = 0; i < sizeof(large); i++)
		if (large[i])
			return -EIO;
	memset(large, 1, sizeof(large));
	copy = kmemdup(large, sizeof(large), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	i = memcmp(copy, large, sizeof(large));
	kfree(copy);
	if (i || time_before(jiffies + 1, jiffies))
		return -EIO;
	sum = sum_of_table;
	if (!proc_create_single("hello", 0, NULL, hello_show))
		return -ENOMEM;
	pr_info("hello: loaded for %s\n", word);
	return 0;
}

static void __exit hello_exit(void)
{
	remove_proc_entry("hello", NULL);
	pr_info("hello: unloaded\n");
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_DESCRIPTION("A module of the tests");
MODULE_LICENSE("GPL");
