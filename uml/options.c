// SPDX-License-Identifier: GPL-2.0
/*
 * The options of `uml run`. What is wrong with one is said in a line, before
 * anything is started.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "options.h"

static const char help[] =
"usage: uml run [OPTION...] [--] [COMMAND [ARG...]]\n"
"Run COMMAND, or a shell, in a fresh Linux guest.\n\n"
"  --root DIR|IMAGE|CPIO  its root file system; default: a view of this one,\n"
"                         whose changes end with the guest (none: a busybox)\n"
"  --rw                   changes are written to the root\n"
"  --volume HOST[:GUEST][:ro|rw|overlay]\n"
"                         a directory of the host in the guest; default: ro\n"
"  --user USER[:GROUP]    who COMMAND runs as; default: you\n"
"  --cwd DIR              in which directory; default: this one\n"
"  --env NAME[=VALUE]     set a variable, or pass yours\n"
"  --cpus N               processors\n"
"  --memory SIZE          memory, with K, M or G; default: 1G, given as it is used\n"
"  --network none|user|tap=IF|fd=N\n"
"                         user: through passt, as you; default: none\n"
"  --publish HOST:GUEST   a TCP port of the host leads to one of the guest\n"
"  --disk FILE[,ro][,cow=FILE]\n"
"                         a disk: /dev/ubda, or behind the root's\n"
"  --kernel FILE          the kernel: default: linux beside uml\n"
"  --initrd FILE          boot this initramfs and its /init instead of a COMMAND,\n"
"                         on the console\n"
"  --append OPTION        one more word for the kernel's command line\n"
"  --timeout TIME         end it after so many seconds, or with m, h or d: status 124\n"
"  --name NAME            how uml ps and uml exec know it\n"
"  --dry-run              print the kernel's command line, run nothing\n"
"  --gdb                  run the kernel under gdb, on the console\n"
"  -q, --quiet            no notes; -v, --verbose: the kernel's messages\n\n"
"Its status is COMMAND's; 124 after --timeout, 125 when uml or the guest fails,\n"
"126 and 127 when COMMAND cannot be run or is not there. See uml(1).\n";

enum {
	OPT_ROOT = 256, OPT_RW, OPT_VOLUME, OPT_USER, OPT_CWD, OPT_ENV, OPT_CPUS, OPT_MEMORY,
	OPT_NETWORK, OPT_PUBLISH, OPT_DISK, OPT_KERNEL, OPT_INITRD, OPT_APPEND, OPT_TIMEOUT,
	OPT_NAME, OPT_DRY_RUN, OPT_GDB,
};

static const struct option options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "rw", no_argument, NULL, OPT_RW },
	{ "volume", required_argument, NULL, OPT_VOLUME },
	{ "user", required_argument, NULL, OPT_USER },
	{ "cwd", required_argument, NULL, OPT_CWD },
	{ "env", required_argument, NULL, OPT_ENV },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "network", required_argument, NULL, OPT_NETWORK },
	{ "publish", required_argument, NULL, OPT_PUBLISH },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "gdb", no_argument, NULL, OPT_GDB },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/*
 * A name goes to the kernel as a part of an option. The kernel puts one with blanks
 * between double quotes, and there is no way to say such a quote itself.
 */
static void check_name(const char *option, const char *name)
{
	if (strchr(name, '"'))
		die("%s %s: a name with a double quote cannot be said to the kernel",
		    option, name);
}

static char *absolute(const char *option, const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		die("%s %s: %s", option, path, strerror(errno));
	return real;
}

/* Which kind of root a path is, by what it holds. */
static void parse_root(struct options *o, const char *path)
{
	static const unsigned char ext4_magic[2] = { 0x53, 0xef };
	unsigned char head[6] = { }, ext4[2] = { };
	struct stat st;
	int fd;

	if (!strcmp(path, "none")) {
		o->root_kind = ROOT_NONE;
		return;
	}
	o->root = absolute("--root", path);
	fd = open(o->root, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("--root %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		o->root_kind = ROOT_HOST;
		check_name("--root", o->root);
		close(fd);
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		die("--root %s: neither a directory nor an image or archive", path);
	if (pread(fd, head, sizeof(head), 0) < 0 || pread(fd, ext4, 2, 1024 + 56) < 0)
		die("--root %s: %s", path, strerror(errno));
	close(fd);
	if (!memcmp(head, "070701", 6) || !memcmp(head, "\x1f\x8b", 2) ||
	    !memcmp(head, "\xfd" "7zXZ", 6) || !memcmp(head, "BZh", 3))
		o->root_kind = ROOT_ARCHIVE;
	else if (!memcmp(head, "\x28\xb5\x2f\xfd", 4))
		die("--root %s: compressed by zstd; unpack it with unzstd first", path);
	else if (!memcmp(ext4, ext4_magic, 2) || !memcmp(head, "hsqs", 4) || S_ISBLK(st.st_mode))
		o->root_kind = ROOT_IMAGE;
	else
		die("--root %s: no image of ext4 or squashfs, and no cpio archive", path);
	if (o->root_kind == ROOT_IMAGE)
		check_name("--root", o->root);
	if (o->root_kind == ROOT_IMAGE && strchr(o->root, ','))
		die("--root %s: a name with a comma cannot be said to the kernel", path);
	o->root_cow = o->root_kind == ROOT_IMAGE && memcmp(head, "hsqs", 4);
}

static void parse_volume(struct options *o, char *spec)
{
	struct volume v = { .mode = "ro" };
	char *mode = strrchr(spec, ':'), *guest, *further;
	const char *given = xstrdup(spec);
	struct stat st;

	if (mode && (!strcmp(mode, ":ro") || !strcmp(mode, ":rw") || !strcmp(mode, ":overlay"))) {
		*mode = 0;
		v.mode = mode + 1;
	}
	guest = strchr(spec, ':');
	if (guest)
		*guest++ = 0;
	further = guest ? strchr(guest, ':') : NULL;
	if (further)
		die("--volume %s: only ro, rw or overlay, and one of them, can follow the place in the guest, not %s",
		    given, further + 1);
	v.host = absolute("--volume", spec);
	check_name("--volume", v.host);
	if (stat(v.host, &st) < 0 || !S_ISDIR(st.st_mode))
		die("--volume %s: not a directory", spec);
	/* One that cannot be listed is of use; one that cannot be entered fails in the guest. */
	if (access(v.host, X_OK) < 0)
		die("--volume %s: %s; you must be able to enter it, as the guest does that as you", spec,
		    strerror(errno));
	v.guest = xstrdup(guest ? guest : v.host);
	if (v.guest[0] != '/' || !v.guest[1])
		die("--volume %s:%s: the place in the guest is a path from / on", spec, v.guest);
	o->volumes = xrealloc(o->volumes, (o->nvolumes + 1) * sizeof(v));
	o->volumes[o->nvolumes++] = v;
}

/* Such a file's header names its backing file, which the user has to do himself. */
static bool is_cow(const char *path)
{
	static const char magic[2][4] = { "OOOM", "MOOO" };	/* of either byte order */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[4] = { };
	bool cow = fd >= 0 && pread(fd, head, sizeof(head), 0) == sizeof(head) &&
		   (!memcmp(head, magic[0], 4) || !memcmp(head, magic[1], 4));

	if (fd >= 0)
		close(fd);
	return cow;
}

static void parse_disk(struct options *o, char *spec)
{
	struct disk d = { };
	char *word = strchr(spec, ','), *next;

	if (word)
		*word++ = 0;
	for (; word; word = next) {
		next = strchr(word, ',');
		if (next)
			*next++ = 0;
		if (!strcmp(word, "ro"))
			d.ro = true;
		else if (!strncmp(word, "cow=", 4) && word[4])
			d.cow = xstrdup(word + 4);
		else
			die("--disk %s,%s: only ro and cow=FILE can follow the file", spec, word);
	}
	if (d.ro && d.cow)
		die("--disk %s: ro and cow= exclude each other", spec);
	d.file = absolute("--disk", spec);
	check_name("--disk", d.file);
	if (d.cow)
		check_name("--disk ...,cow", d.cow);
	if (access(d.file, d.ro || d.cow ? R_OK : R_OK | W_OK) < 0)
		die("--disk %s: %s%s", spec, strerror(errno),
		    d.ro || d.cow ? "" : "; for reading only, add ,ro");
	if (is_cow(d.file))
		die("--disk %s: this is a COW file; its disk is --disk BACKING,cow=%s", spec, spec);
	if (strchr(d.file, ',') || (d.cow && strchr(d.cow, ',')))
		die("--disk %s: a name with a comma cannot be said to the kernel", spec);
	o->disks = xrealloc(o->disks, (o->ndisks + 1) * sizeof(d));
	o->disks[o->ndisks++] = d;
}

static void parse_network(struct options *o, const char *spec)
{
	socklen_t len = sizeof(int);
	unsigned long fd;
	int type;

	if (!strcmp(spec, "none")) {
		o->network = NET_NONE;
	} else if (!strcmp(spec, "user")) {
		o->network = NET_USER;
	} else if (!strncmp(spec, "tap=", 4) && spec[4]) {
		o->network = NET_TAP;
		o->tap = spec + 4;
		check_name("--network", spec);
	} else if (!strncmp(spec, "fd=", 3) && parse_number(spec + 3, INT_MAX, &fd)) {
		if (fcntl(fd, F_GETFD) < 0)
			die("--network %s: descriptor %lu is not open", spec, fd);
		o->network = NET_FD;
		o->net_fd = fd;
		/* A tap is no socket, and has a frame a write as well. */
		o->net_stream = !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM;
	} else {
		die("--network %s: there are none, user, tap=IF and fd=N", spec);
	}
}

static void parse_publish(struct options *o, const char *spec)
{
	unsigned long host, guest;
	char *colon, *text = xstrdup(spec);

	colon = strchr(text, ':');
	if (colon)
		*colon++ = 0;
	if (!colon || !parse_number(text, 65535, &host) || !parse_number(colon, 65535, &guest) ||
	    !host || !guest)
		die("--publish %s: wants HOST:GUEST, two ports from 1 to 65535", spec);
	list_addf(&o->publish, "%lu:%lu", host, guest);
	free(text);
}

static void parse_memory(struct options *o, const char *spec)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = isdigit((unsigned char)*spec) ? strtoull(spec, &end, 10) : 0;
	if (!n || errno || (*end && (!strchr("KkMmGg", *end) || end[1])))
		die("--memory %s: wants a size with K, M or G, as in 512M", spec);
	if (!*end)
		die("--memory %s: say of what: %sM or %sG", spec, spec, spec);
	o->memory = spec;
}

static void parse_timeout(struct options *o, const char *spec)
{
	char *end;
	double n = isdigit((unsigned char)*spec) || *spec == '.' ? strtod(spec, &end) : -1;
	int unit = 1;

	if (n >= 0 && *end && !end[1])
		unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 :
		       *end == 'd' ? 86400 : 0;
	if (!(n >= 0) || n > 1e9 || !unit || (*end && end[1]))
		die("--timeout %s: wants seconds, or a number with m, h or d", spec);
	o->timeout_ms = n * unit * 1000;
	if (!o->timeout_ms && n > 0)
		o->timeout_ms = 1;
}

static void parse_name(struct options *o, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			die("--name %s: a name is made of letters, digits, _, - and .", name);
	if (!len || len > 64 || *name == '-')
		die("--name %s: a name has 1 to 64 characters and does not begin with -", name);
	o->name = name;
}

static void parse_cpus(struct options *o, const char *spec)
{
	if (!parse_number(spec, 1024, &o->cpus) || !o->cpus)
		die("--cpus %s: wants a number from 1 to 1024", spec);
}

/**
 * launcher_part() - the options of @o that the launcher sees to itself
 * @words: they are added to
 *
 * A kernel that runs without it, from the line of --dry-run say, has none of them.
 */
void launcher_part(const struct options *o, struct list *words)
{
	if (o->network == NET_USER)
		list_add(words, "--network user");
	if (o->root_kind == ROOT_ARCHIVE)
		list_addf(words, "--root %s", o->root);
	if (o->env.n)
		list_add(words, "--env");
	if (o->timeout_ms)
		list_add(words, "--timeout");
	if (o->name)
		list_add(words, "--name");
}

/* --gdb and --initrd have the terminal to themselves: what would be left out is refused. */
static void check_without_launcher(const struct options *o)
{
	struct list words = { };

	launcher_part(o, &words);
	if (o->initrd && o->command.user)
		list_add(&words, "--user");
	if (o->initrd && o->command.cwd_must)
		list_add(&words, "--cwd");
	if (o->initrd && o->nvolumes)
		list_add(&words, "--volume");
	if (!words.n)
		return;
	if (o->initrd)
		die("%s cannot be had with --initrd, which boots without the launcher and its init: leave one of the two out",
		    words.v[0]);
	die("%s cannot be had with --gdb, which runs the kernel without the launcher: leave it out, or attach gdb to a guest that runs (its process is in uml ps)",
	    words.v[0]);
}

static void check_together(const struct options *o)
{
	if (o->publish.n && o->network != NET_USER)
		die("--publish needs --network user");
	if (o->initrd && o->root)
		die("--initrd boots its own root: it excludes --root");
	if (o->rw && (o->root_kind == ROOT_NONE || o->root_kind == ROOT_ARCHIVE))
		die("--rw: an archive is unpacked into memory and cannot be written");
	if (o->initrd || o->gdb)
		check_without_launcher(o);
	if (o->initrd && o->command.argv)
		die("--initrd: its own /init decides what runs, not the command line; --root %s -- %s... runs that in its files",
		    o->initrd, o->command.argv[0]);
}

/* Fill @o from the words of `uml run`; ends with a line when one is wrong. */
void options_parse(struct options *o, int argc, char **argv)
{
	int c;

	memset(o, 0, sizeof(*o));
	command_defaults(&o->command);
	o->memory = "1G";
	o->cpus = 1;
	o->root_kind = ROOT_HOST;
	while ((c = getopt_long(argc, argv, "+qvh", options, NULL)) >= 0) {
		switch (c) {
		case OPT_ROOT:
			parse_root(o, optarg);
			break;
		case OPT_RW:
			o->rw = true;
			break;
		case OPT_VOLUME:
			parse_volume(o, optarg);
			break;
		case OPT_USER:
			if (!*optarg)
				die("--user: the name is empty");
			o->command.user = optarg;
			break;
		case OPT_CWD:
			if (*optarg != '/')
				die("--cwd %s: wants a path from / on", optarg);
			o->command.cwd = optarg;
			o->command.cwd_must = true;
			break;
		case OPT_ENV:
			add_env(&o->env, optarg);
			break;
		case OPT_CPUS:
			parse_cpus(o, optarg);
			break;
		case OPT_MEMORY:
			parse_memory(o, optarg);
			break;
		case OPT_NETWORK:
			parse_network(o, optarg);
			break;
		case OPT_PUBLISH:
			parse_publish(o, optarg);
			break;
		case OPT_DISK:
			parse_disk(o, optarg);
			break;
		case OPT_KERNEL:
			o->kernel = optarg;
			break;
		case OPT_INITRD:
			o->initrd = absolute("--initrd", optarg);
			check_name("--initrd", o->initrd);
			o->root_kind = ROOT_NONE;
			break;
		case OPT_APPEND:
			list_add(&o->append, optarg);
			break;
		case OPT_TIMEOUT:
			parse_timeout(o, optarg);
			break;
		case OPT_NAME:
			parse_name(o, optarg);
			break;
		case OPT_DRY_RUN:
			o->dry_run = true;
			break;
		case OPT_GDB:
			o->gdb = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(fflush(stdout) ? EXIT_OURS : 0);
		default:
			exit(EXIT_OURS);	/* getopt has said it */
		}
	}
	if (argv[optind])
		o->command.argv = argv + optind;
	if (!o->root && o->root_kind == ROOT_HOST)
		o->root = "/";
	if (o->rw)
		o->root_cow = false;
	check_together(o);
	if (!o->command.cwd)
		o->command.cwd = getcwd(NULL, 0);
	environment(&o->command, &o->env, o->root_kind == ROOT_HOST && !strcmp(o->root, "/"));
}
