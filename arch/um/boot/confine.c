// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel process can still do on the host when guest programs run: the
 * host calls of its filter (host/confine.c), and of what these can name, what
 * Landlock leaves (host/landlock.c).
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <asm/boot.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/hostfs.h>

static int files_error __initdata, signals_error __initdata;

/**
 * boot_confine_begin() - before spaces and threads are made
 */
void __init boot_confine_begin(void)
{
	signals_error = host_landlock_signals();
	files_error = host_landlock_begin();
	if (!*umid_dir())
		return;
	host_landlock_allow_removal(umid_dir(), false);
	host_landlock_allow_removal(umid_home(), true);
}

/* All drivers have what they need from the host. */
static int __init confine(void)
{
	bool files = hostfs_confine();
	int err;

	if (!files_error)
		files_error = host_landlock_thread();
	if (files_error)
		pr_notice("this host has no Landlock (%s): who takes over this kernel can %s all that you can\n",
			  host_error(files_error), files ? "open and remove" : "remove");
	if (signals_error)
		pr_notice("this host's Landlock does not keep signals in (Linux 6.12 does): who takes over this kernel can kill all that you can\n");
	err = host_confine(engine->by_ptrace, files);
	if (err)
		pr_notice("the host refuses a filter for the kernel process: %s\n",
			  host_error(err));
	return 0;
}
late_initcall_sync(confine);
