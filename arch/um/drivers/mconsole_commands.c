// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of the management console. Each answers its request, with one
 * call of mconsole_say() or with parts by door_reply(); an answer that failed
 * shows as ERR at the other end, and a good one as OK.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kmsg_dump.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysrq.h>
#include <linux/utsname.h>
#include <asm/boot.h>
#include "hotplug.h"
#include "mconsole.h"

static void help(u32 id, char *arg);

static void version(u32 id, char *arg)
{
	char text[400];
	struct new_utsname *u = init_utsname();

	snprintf(text, sizeof(text), "%s %s %s %s %s", u->sysname, u->nodename, u->release,
		 u->version, u->machine);
	mconsole_say(id, false, text);
}

static void halt(u32 id, char *arg)
{
	mconsole_say(id, false, "");
	machine_halt();
}

static void restart(u32 id, char *arg)
{
	mconsole_say(id, false, "");
	machine_restart(NULL);
}

static void cad(u32 id, char *arg)
{
	mconsole_say(id, false, "");
	ctrl_alt_del();
}

static void stop(u32 id, char *arg)
{
	mconsole_stop(id);
}

static void go(u32 id, char *arg)
{
	mconsole_say(id, true, "not stopped");
}

static void log(u32 id, char *arg)
{
	pr_warn("%s\n", arg);
	mconsole_say(id, false, "");
}

static void config(u32 id, char *arg)
{
	char text[DOOR_DATA];
	const char *why;
	int err;

	if (strpbrk(arg, "=:"))
		err = hotplug_config(arg, &why);
	else
		err = hotplug_show(arg, text, sizeof(text), &why);
	if (err)
		mconsole_say(id, true, why ?: host_error(err));
	else
		mconsole_say(id, false, strpbrk(arg, "=:") ? "" : text);
}

static void remove(u32 id, char *arg)
{
	const char *why;
	int err = hotplug_remove(arg, &why);

	mconsole_say(id, err, err ? why ?: host_error(err) : "");
}

/* Run a function that prints to the kernel's log, and answer with what it did. */
static void answer_with_log(u32 id, void (*fn)(void *), void *arg)
{
	struct kmsg_dump_iter iter;
	char line[512];
	u64 start;
	size_t len;

	kmsg_dump_rewind(&iter);
	start = iter.next_seq;
	fn(arg);
	kmsg_dump_rewind(&iter);
	iter.cur_seq = max(start, iter.cur_seq);
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line), &len))
		if (door_reply(id, line, len, false, true))
			return;
	mconsole_say(id, false, "");
}

static void press(void *key)
{
	__handle_sysrq(*(char *)key, false);
}

/* Keys after which nobody is left who could answer. */
static void sysrq(u32 id, char *arg)
{
	if (!*arg || arg[1]) {
		mconsole_say(id, true, "give one key; h lists them");
	} else if (strchr("bc", *arg)) {
		mconsole_say(id, false, "");
		press(arg);
	} else {
		answer_with_log(id, press, arg);
	}
}

static void print_stack(void *task)
{
	sched_show_task(task);
}

static void stack(u32 id, char *arg)
{
	struct task_struct *task;
	unsigned int nr;

	if (kstrtouint(arg, 10, &nr)) {
		mconsole_say(id, true, "give the number of a process of the guest");
		return;
	}
	task = find_get_task_by_vpid(nr);
	if (!task) {
		mconsole_say(id, true, "there is no such process");
		return;
	}
	answer_with_log(id, print_stack, task);
	put_task_struct(task);
}

#define PROC_MAX	(1 << 20)	/* bytes of a file */

static struct vfsmount *proc_mount;

/* Some files have no end; who asked for one may be gone. */
static void send_file(u32 id, struct file *file, char *buf)
{
	static const char cut[] = "\n(this is the first MiB; the rest is left out)\n";
	loff_t pos = 0;
	ssize_t n;

	while ((n = kernel_read(file, buf, PAGE_SIZE, &pos)) > 0) {
		if (door_reply(id, buf, n, false, true))
			return;
		if (pos >= PROC_MAX) {
			mconsole_say(id, false, cut);
			return;
		}
	}
	/* What was sent stands; an error then only ends it. */
	mconsole_say(id, n < 0 && !pos, n < 0 && !pos ? "only programs can read this file" : "");
}

/*
 * Open a file of /proc, which must not make us wait. Links of it lead elsewhere
 * (PID/root), where a file may have no end, and a device does things when it is
 * opened: so they are not followed out of it.
 */
static struct file *open_proc(const char *name)
{
	struct path path;
	struct file *file;
	int err = vfs_path_lookup(proc_mount->mnt_root, proc_mount, name,
				  LOOKUP_FOLLOW | LOOKUP_NO_XDEV, &path);

	if (err)
		return ERR_PTR(err);
	if (d_is_dir(path.dentry))
		file = ERR_PTR(-EISDIR);
	else if (!d_is_reg(path.dentry))
		file = ERR_PTR(-EXDEV);
	else
		file = dentry_open(&path, O_RDONLY | O_NONBLOCK, current_cred());
	path_put(&path);
	return file;
}

static void proc(u32 id, char *arg)
{
	struct file *file;
	char *buf;

	if (!proc_mount) {
		mconsole_say(id, true, "the guest has no /proc");
		return;
	}
	file = open_proc(arg);
	if (IS_ERR(file)) {
		mconsole_say(id, true, PTR_ERR(file) == -EXDEV ? "this is no file of /proc" :
			     host_error(PTR_ERR(file)));
		return;
	}
	buf = (char *)__get_free_page(GFP_KERNEL);
	if (buf)
		send_file(id, file, buf);
	else
		mconsole_say(id, true, "the guest has no memory left");
	free_page((unsigned long)buf);
	fput(file);
}

static const struct mconsole_command commands[] = {
	{ "version", " - the kernel's version", version, .stopped = true },
	{ "help", " - this list", help, .stopped = true },
	{ "halt", " - end the guest now; nothing is written back", halt, .stopped = true },
	{ "reboot", " - the same, and start it again if it has the option restart", restart, .stopped = true },
	{ "config", " DEVICE=VALUE - add a device, as on the command line; "
	  "DEVICE alone: show it", config, .slow = true },
	{ "remove", " DEVICE - take a device away", remove, .slow = true },
	{ "sysrq", " KEY - what that SysRq key does; h lists them", sysrq },
	{ "cad", " - Ctrl-Alt-Del: init reboots the guest", cad },
	{ "stop", " - let the guest stand still", stop },
	{ "go", " - let it go on", go },
	{ "log", " TEXT - write this into the kernel's log", log, .stopped = true },
	{ "proc", " FILE - what is in /proc/FILE", proc, .slow = true },
	{ "stack", " PID - the stack of a process of the guest", stack, .slow = true },
};

static void help(u32 id, char *arg)
{
	for (int i = 0; i < ARRAY_SIZE(commands); i++) {
		char line[160];
		int n = snprintf(line, sizeof(line), "\n    %s%s", commands[i].name,
				 commands[i].help);

		door_reply(id, line, n, false, i + 1 < ARRAY_SIZE(commands));
	}
}

/**
 * mconsole_find() - the command that a request begins with, or NULL
 * @text: of the request; is changed
 * @arg: gets what follows the command
 */
const struct mconsole_command *mconsole_find(char *text, char **arg)
{
	char *word = strim(text), *end = word + strcspn(word, " \t\n");

	*arg = skip_spaces(end);
	*end = 0;
	for (int i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, word))
			return &commands[i];
	return NULL;
}

static int __init mount_proc(void)
{
	struct file_system_type *type = door_socket() >= 0 ? get_fs_type("proc") : NULL;
	struct vfsmount *mnt = type ? kern_mount(type) : NULL;

	if (!IS_ERR(mnt))
		proc_mount = mnt;
	return 0;
}
late_initcall(mount_proc);
