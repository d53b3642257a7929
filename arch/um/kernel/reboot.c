// SPDX-License-Identifier: GPL-2.0
/*
 * The ways out. Power-off and halt end the kernel process with status 0, and so
 * does a reboot, after which its parent may start it again (boot/restart.c);
 * reboot(2) with the argument "exit=N" ends it with status N; a panic puts the
 * last kernel messages on stderr and ends it with status 134. Each restores
 * the terminal; the host processes of the spaces die with their tracer.
 */
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kmsg_dump.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/pm.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/trap.h>

void (*pm_power_off)(void);

/**
 * um_exit() - end the kernel process
 * @status: its exit status, 0 to 255
 */
void __noreturn um_exit(int status)
{
	console_restore();
	umid_remove();
	host_exit(status);
}

void machine_restart(char *cmd)
{
	u8 status = power_status();

	if (cmd && !strncmp(cmd, "exit=", 5)) {
		if (kstrtou8(cmd + 5, 10, &status))
			pr_warn("reboot argument \"%s\": not a status from 0 to 255\n", cmd);
	} else if (restart_wanted() && !status) {
		local_irq_disable();
		do_kernel_restart(cmd);
		restart_ask();
	}
	um_exit(status);
}

void machine_halt(void)
{
	um_exit(power_status());
}

void machine_power_off(void)
{
	um_exit(power_status());
}

static void dump_log(void)
{
	static char buf[4096];
	struct kmsg_dump_iter iter;
	size_t len;

	kmsg_dump_rewind(&iter);
	if (!kmsg_dump_get_buffer(&iter, false, buf, sizeof(buf), &len))
		return;
	host_write_all(2, buf, len);
}

static int on_panic(struct notifier_block *nb, unsigned long event, void *msg)
{
	static const char head[] = "linux: the guest kernel panicked; its last messages:\n";

	console_restore();
	host_write_all(2, head, sizeof(head) - 1);
	dump_log();
	um_exit(EXIT_PANIC);
}

static struct notifier_block panic_block = {
	.notifier_call = on_panic,
	.priority = INT_MIN,
};

/* "reboot: Power down" is an emergency to printk; it is none on a console. */
static int on_reboot(struct notifier_block *nb, unsigned long event, void *cmd)
{
	if (!boot_options.verbose)
		console_loglevel = CONSOLE_LOGLEVEL_SILENT;
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {
	.notifier_call = on_reboot,
};

static int __init reboot_setup(void)
{
	register_reboot_notifier(&reboot_block);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	return 0;
}
early_initcall(reboot_setup);
