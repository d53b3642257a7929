/* SPDX-License-Identifier: GPL-2.0 */
/* From exec to start_kernel(), and the way out. */
#ifndef _ASM_UM_BOOT_H
#define _ASM_UM_BOOT_H

#include <linux/init.h>
#include <linux/types.h>

/* Exit statuses of the executable. */
#define EXIT_BAD_OPTION	1
#define EXIT_PANIC	134
#define EXIT_WATCHDOG	142

/**
 * struct boot_options - what the command line says to the port itself
 * @mem:	bytes of physmem
 * @initrd:	path, or NULL
 * @root:	root= is given
 * @init:	init= or rdinit= is given
 * @quiet:	no report of the host
 * @verbose:	the boot log is asked for
 * @sysemu, @proc_mm, @faultinfo, @ldt: not disabled on the command line
 * @spin:	a CPU is spare, whatever the host says
 * @no_spin, @no_near, @no_batch, @no_patch: techniques that are switched off
 * @dear_faults, @cheap_faults: the host's page faults count as such, unmeasured
 * @transport:	skas0=, or NULL
 * @umid:	name, or NULL
 * @rootfstype, @rootflags: as given, or NULL
 * @rw:		the root file system may be written to
 * @environ:	of the executable
 * @notify:	path of a socket that is told of the guest's state, or ""
 */
struct boot_options {
	u64 mem;
	const char *initrd;
	bool root;
	bool init;
	bool quiet;
	bool verbose;
	bool sysemu;
	bool proc_mm;
	bool faultinfo;
	bool ldt;
	bool spin;
	bool no_spin;
	bool no_near;
	bool no_batch;
	bool no_patch;
	bool dear_faults;
	bool cheap_faults;
	const char *transport;
	const char *umid;
	const char *rootfstype;
	const char *rootflags;
	bool rw;
	const char *notify;
	const char *const *environ;
};

extern struct boot_options boot_options;

/* The configuration as text (boot/config.S), and the help of all options. */
extern const char boot_config[], boot_config_end[];
extern const char __um_help_start[], __um_help_end[];

void boot_parse(int argc, char **argv);
void boot_probe_host(void);
void boot_confine_begin(void);
void boot_start_engine(void);
void __printf(1, 2) boot_say(const char *fmt, ...);
void __printf(1, 2) boot_warn(const char *fmt, ...);
void __noreturn __printf(1, 2) boot_die(const char *fmt, ...);
void __noreturn um_exit(int status);
int power_status(void);
bool power_wanted_off(void);
void umid_init(const char *home);
void umid_remove(void);
int restart_supervise(int argc, char **argv);
void restart_begin(int fd);
bool restart_wanted(void);
void restart_ask(void);
const char *umid_home(void);
const char *umid_dir(void);
const char *host_error(int err);

/* Help text of an option of the port; --help prints all. */
#define UM_HELP(name, text) \
	static const char __um_help_##name[] __used __aligned(1) __section(".um_help") = text

#endif
