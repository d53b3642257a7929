// SPDX-License-Identifier: GPL-2.0
/*
 * The command line. The port reads what concerns itself before Linux starts;
 * the whole line then goes to Linux, whose own parser must be told by
 * __setup() that those words are known.
 *
 * What follows "--" is for init. With the embedded initramfs it is a command:
 * our init gets it in the environment as UML_ARGV, percent-encoded and joined
 * by ':', since the kernel's parser of quotes cannot pass every argument.
 */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sizes.h>
#include <generated/utsrelease.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/page.h>
#include <asm/physmem.h>
#include <asm/sections.h>
#include <asm/setup.h>

struct boot_options boot_options __ro_after_init = {
	.mem = SZ_256M,
	.sysemu = true,
	.proc_mm = true,
	.faultinfo = true,
	.ldt = true,
	.notify = "",
};

UM_HELP(mem,
"mem=SIZE\n"
"    Guest memory, with suffix K, M or G; 256M by default. The host gives it\n"
"    page by page as it is used.\n\n");
UM_HELP(initrd,
"initrd=FILE\n"
"    Unpack this cpio archive as the initial root file system, instead of the\n"
"    one inside the executable.\n\n");
UM_HELP(root,
"root=DEVICE\n"
"    Root file system, for instance /dev/ubda with ubd0=FILE.\n\n");
UM_HELP(init,
"init=PATH, rw, ro\n"
"    What runs first in the root file system, and how that is mounted.\n\n");
UM_HELP(mode,
"mode=skas0, skas0=seccomp, skas0=ptrace\n"
"    How guest programs run: every address space in a host process of its own,\n"
"    whose system calls are caught by a seccomp filter or, slower, by ptrace.\n"
"    Without skas0= it is seccomp where the host allows it, else ptrace.\n\n");
UM_HELP(skas3,
"noprocmm, noptracefaultinfo, noptraceldt\n"
"    Do not look for parts of the skas3 host patch. They are not used yet.\n\n");
UM_HELP(nosysemu,
"nosysemu\n"
"    Do not use PTRACE_SYSEMU. skas0=ptrace cannot run without it and says so.\n\n");
UM_HELP(speed,
"spin, nospin, nonear, nolinger, nobatch, nopatch\n"
"    skas0=seccomp: always let a runner and the kernel look for each other on two\n"
"    CPUs, or never, instead of when the host has a CPU to spare; do so also where\n"
"    a program shares so much data with the kernel that one CPU is quicker; have a\n"
"    program that wakes another give it the CPU with that same call; let\n"
"    runners that are woken interrupt each other; never patch hot system calls of\n"
"    programs to jump.\n\n");
UM_HELP(faults,
"hostfaults=cheap|dear\n"
"    For measurements: what the host's page faults cost, instead of measuring it at\n"
"    boot. Where they are cheap the host brings in pages of files as they are\n"
"    touched, and no page tables are kept.\n\n");
UM_HELP(parts,
"nopool, nokeeptables, nohabits, notext, noaround, nojoin, noidlewatch,\n"
"nopagereport, vdso=0\n"
"    For measurements: end the host process of a program that is gone, instead of\n"
"    keeping it for the next; keep no page tables in it; bring in nothing early\n"
"    that a program touched after its last fork, or will write to; run all\n"
"    programs from their files' own text; map only the page that was touched, and\n"
"    each page by a call of its own; have another thread wake an idle kernel for\n"
"    what comes from devices; keep the host's memory that the guest has freed;\n"
"    give programs no vDSO, so that reading the clock is a system call.\n\n");
UM_HELP(umid,
"umid=NAME\n"
"    A name for this guest: the directory $HOME/.uml/NAME holds its pid while\n"
"    it runs, and the socket of its management console for uml_mconsole. Two\n"
"    guests cannot have one name.\n\n");
UM_HELP(mconsole,
"mconsole=notify:PATH\n"
"    With umid=: send a datagram to this unix socket when the management console\n"
"    is there, when the guest panics, and for what it writes to /proc/mconsole.\n\n");
UM_HELP(info,
"--help, --version, --showconfig\n"
"    Print this text, the kernel version, or the configuration, and exit.\n\n");
UM_HELP(dashes,
"-- COMMAND [ARG...]\n"
"    With the initramfs inside the executable: run this command instead of a\n"
"    shell; its exit status becomes that of this program. Otherwise: arguments\n"
"    for init.\n\n");

static void __init print_help(void)
{
	static const char head[] =
		"User-mode Linux " UTS_RELEASE ": Linux as an unprivileged process.\n"
		"usage: linux [OPTION]... [-- COMMAND [ARG...]]\n\n";

	host_write(1, head, sizeof(head) - 1);
	for (const char *p = __um_help_start; p < __um_help_end; p += strlen(p) + 1)
		host_write(1, p, strlen(p));
}

static void __init add(const char *s, unsigned int n)
{
	unsigned int len = strlen(boot_command_line);

	if (len + n + 1 >= COMMAND_LINE_SIZE)
		boot_die("the command line is longer than %d bytes\n", COMMAND_LINE_SIZE - 1);
	memcpy(boot_command_line + len, s, n);
	boot_command_line[len + n] = 0;
}

/* One word for the kernel's parser, which knows double quotes only. */
static void __init add_word(const char *word)
{
	const char *eq = strchr(word, '=');
	unsigned int name = eq ? eq + 1 - word : 0;

	if (*boot_command_line)
		add(" ", 1);
	if (!strpbrk(word, " \t\n")) {
		add(word, strlen(word));
		return;
	}
	if (strchr(word, '"'))
		boot_die("an option cannot hold both spaces and double quotes: %s\n", word);
	add(word, name);
	add("\"", 1);
	add(word + name, strlen(word + name));
	add("\"", 1);
}

static void __init add_command(char **argv)
{
	static const char hex[] = "0123456789ABCDEF";

	add(" UML_ARGV=", 10);
	for (; *argv; argv++) {
		if (!**argv)
			add("%", 1);
		for (const char *p = *argv; *p; p++) {
			unsigned char c = *p;
			char code[3] = { '%', hex[c >> 4], hex[c & 15] };

			if (isascii(c) && (isalnum(c) || strchr("_./=,+@-", c)))
				add(p, 1);
			else
				add(code, 3);
		}
		if (argv[1])
			add(":", 1);
	}
}

static void __init parse_mem(const char *s)
{
	char *end;
	u64 size = memparse(s, &end);

	if (!*s || *end)
		boot_die("mem=%s is not a size: give a number with K, M or G, as in mem=512M\n", s);
	if (size < SZ_32M)
		boot_die("mem=%s is too small: the kernel needs at least 32M\n", s);
	if (size > PHYSMEM_MAX)
		boot_die("mem=%s is too large: the layout of memory ends at 1T\n", s);
	boot_options.mem = size & PAGE_MASK;
}

static void __init parse_mode(const char *s)
{
	if (!strcmp(s, "skas0"))
		return;
	if (!strcmp(s, "tt"))
		boot_die("mode=tt: this version has no tt mode; use mode=skas0\n");
	if (!strcmp(s, "skas3"))
		boot_die("mode=skas3: the host has no skas3 patch and this version no skas3 mode; use mode=skas0\n");
	boot_die("mode=%s is no mode; use mode=skas0\n", s);
}

static void __init parse_transport(const char *s)
{
	if (strcmp(s, "seccomp") && strcmp(s, "ptrace"))
		boot_die("skas0=%s is no transport; use skas0=seccomp or skas0=ptrace\n", s);
	boot_options.transport = s;
}

static void __init parse_faults(const char *s)
{
	if (strcmp(s, "cheap") && strcmp(s, "dear"))
		boot_die("hostfaults=%s: use hostfaults=cheap or hostfaults=dear\n", s);
	boot_options.cheap_faults = *s == 'c';
	boot_options.dear_faults = *s == 'd';
}

static void __init parse_mconsole(const char *s)
{
	if (strncmp(s, "notify:", 7) || !s[7])
		boot_die("mconsole=%s: give mconsole=notify:PATH, the path of a unix socket\n", s);
	if (strlen(s + 7) > 107)
		boot_die("mconsole=%s: the path of a socket has up to 107 characters\n", s);
	boot_options.notify = s + 7;
}

/* A word that is nothing without a value: Linux would hand it to init. */
static void __init check_value(const char *w)
{
	static const char *const plain[] __initconst = {
		"mem", "initrd", "mode", "skas0", "hostfaults", "umid", "mconsole", "hostfs",
		"con", "ssl",
	};
	static const char *const numbered[] __initconst = {
		"ubd", "con", "ssl", "vec", "eth", "chan",
	};
	bool found = false;

	for (int i = 0; i < ARRAY_SIZE(plain); i++)
		found |= !strcmp(w, plain[i]);
	for (int i = 0; i < ARRAY_SIZE(numbered); i++) {
		size_t n = strlen(numbered[i]), digits = strspn(w + min(n, strlen(w)), "0123456789");

		found |= !strncmp(w, numbered[i], n) && digits && !w[n + digits];
	}
	if (found)
		boot_die("%s: wants a value, as in %s=...: see --help\n", w, w);
}

static void __init parse_word(const char *w)
{
	struct boot_options *o = &boot_options;

	if (!strcmp(w, "--help") || !strcmp(w, "-h")) {
		print_help();
		host_exit(0);
	}
	if (!strcmp(w, "--version")) {
		host_write(1, UTS_RELEASE "\n", strlen(UTS_RELEASE "\n"));
		host_exit(0);
	}
	if (!strcmp(w, "--showconfig")) {
		host_write(1, boot_config, boot_config_end - boot_config);
		host_exit(0);
	}
	if (!strncmp(w, "--", 2))
		boot_die("unknown option %s: see --help\n", w);
	check_value(w);
	if (!strncmp(w, "mem=", 4))
		parse_mem(w + 4);
	else if (!strncmp(w, "mode=", 5))
		parse_mode(w + 5);
	else if (!strncmp(w, "skas0=", 6))
		parse_transport(w + 6);
	else if (!strncmp(w, "initrd=", 7))
		o->initrd = w + 7;
	else if (!strncmp(w, "root=", 5))
		o->root = true;
	else if (!strncmp(w, "init=", 5) || !strncmp(w, "rdinit=", 7))
		o->init = true;
	else if (!strcmp(w, "quiet"))
		o->quiet = true;
	else if (!strncmp(w, "console=", 8) || !strncmp(w, "loglevel=", 9) ||
		 !strcmp(w, "debug") || !strcmp(w, "ignore_loglevel"))
		o->verbose = true;
	else if (!strcmp(w, "nospin"))
		o->no_spin = true;
	else if (!strcmp(w, "nonear"))
		o->no_near = true;
	else if (!strcmp(w, "nobatch"))
		o->no_batch = true;
	else if (!strcmp(w, "spin"))
		o->spin = true;
	else if (!strcmp(w, "nopatch"))
		o->no_patch = true;
	else if (!strncmp(w, "hostfaults=", 11))
		parse_faults(w + 11);
	else if (!strcmp(w, "nosysemu"))
		o->sysemu = false;
	else if (!strcmp(w, "noprocmm"))
		o->proc_mm = false;
	else if (!strcmp(w, "noptracefaultinfo"))
		o->faultinfo = false;
	else if (!strcmp(w, "noptraceldt"))
		o->ldt = false;
	else if (!strncmp(w, "umid=", 5))
		o->umid = w + 5;
	else if (!strncmp(w, "rootfstype=", 11))
		o->rootfstype = w + 11;
	else if (!strncmp(w, "rootflags=", 10))
		o->rootflags = w + 10;
	else if (!strcmp(w, "rw") || !strcmp(w, "ro"))
		o->rw = w[1] == 'w';
	else if (!strncmp(w, "mconsole=", 9))
		parse_mconsole(w + 9);
}

/**
 * boot_parse() - read the command line and compose the one that Linux sees
 */
void __init boot_parse(int argc, char **argv)
{
	char **rest = NULL;

	for (int i = 1; i < argc && !rest; i++) {
		if (!strcmp(argv[i], "--")) {
			rest = argv + i + 1;
			break;
		}
		parse_word(argv[i]);
		add_word(argv[i]);
	}
	if (*boot_options.notify && !boot_options.umid)
		boot_die("mconsole=notify:%s: there is a management console only with umid=NAME\n",
			 boot_options.notify);
	if (!rest || !*rest)
		return;
	if (!boot_options.root && !boot_options.initrd && !boot_options.init &&
	    have_embedded_initramfs()) {
		add_command(rest);
		return;
	}
	add(" --", 3);
	for (; *rest; rest++)
		add_word(*rest);
}

/* Linux's parser meets the same words; they are ours and not for init. */
static int __init known_option(char *value)
{
	return 1;
}
__setup_param("mem=", known_mem, known_option, 0);
__setup_param("initrd=", known_initrd, known_option, 0);
__setup_param("mode=", known_mode, known_option, 0);
__setup_param("skas0=", known_skas0, known_option, 0);
__setup_param("spin", known_spin, known_option, 0);
__setup_param("nospin", known_nospin, known_option, 0);
__setup_param("nonear", known_nonear, known_option, 0);
__setup_param("nobatch", known_nobatch, known_option, 0);
__setup_param("nopatch", known_nopatch, known_option, 0);
__setup_param("hostfaults=", known_hostfaults, known_option, 0);
__setup_param("restart", known_restart, known_option, 0);
__setup_param("nosysemu", known_nosysemu, known_option, 0);
__setup_param("noprocmm", known_noprocmm, known_option, 0);
__setup_param("noptracefaultinfo", known_noptracefaultinfo, known_option, 0);
__setup_param("noptraceldt", known_noptraceldt, known_option, 0);
__setup_param("umid=", known_umid, known_option, 0);
__setup_param("mconsole=", known_mconsole, known_option, 0);
