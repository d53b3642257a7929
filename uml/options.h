/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_OPTIONS_H
#define UML_OPTIONS_H

#include "relay.h"
#include "uml.h"

enum root_kind {
	ROOT_HOST,	/* a directory of the host, "/" too */
	ROOT_IMAGE,	/* a disk image */
	ROOT_ARCHIVE,	/* a cpio archive */
	ROOT_NONE,	/* the initramfs inside the kernel, or that of --initrd */
};

enum network {
	NET_NONE,
	NET_USER,
	NET_TAP,
	NET_FD,
};

struct volume {
	char *host, *guest;
	const char *mode;	/* "rw", "ro", "overlay" */
};

struct disk {
	char *file, *cow;
	bool ro;
};

/**
 * struct options - what `uml run` was asked for
 * @root_cow:	what is written to the image goes to a file of its own
 * @net_stream:	--network fd= is a stream socket: frames go behind their lengths
 * @env:	what --env asks for
 */
struct options {
	const char *kernel, *initrd, *name, *memory;
	const char *root;
	enum root_kind root_kind;
	bool root_cow, rw, dry_run, gdb, quiet, verbose;
	struct volume *volumes;
	size_t nvolumes;
	struct disk *disks;
	size_t ndisks;
	enum network network;
	const char *tap;
	int net_fd;
	bool net_stream;
	struct list publish, append, env;
	unsigned long cpus;
	long long timeout_ms;		/* 0: none */
	struct command command;
};

void options_parse(struct options *o, int argc, char **argv);
void launcher_part(const struct options *o, struct list *words);
void add_env(struct list *env, const char *spec);
void environment(struct command *c, const struct list *more, bool own_view);

#endif
