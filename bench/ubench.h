/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ubench.h - what the files of the micro benchmark share.
 *
 * A row is one thing that is measured.  Its run() does n iterations and
 * returns the nanoseconds that they took, set-up not counted; ubench.c picks
 * n so that one repetition is long enough for the clock, repeats, and prints
 * the median.
 */
#ifndef UBENCH_H
#define UBENCH_H

#include <stddef.h>

#define PAGE		4096L
#define NSEC_PER_SEC	1000000000.0

struct row {
	const char *name;
	const char *unit;	/* "ns", "us", "s": lower is better; "MB/s": higher */
	double ns_per_unit;	/* for times */
	long bytes;		/* an iteration moves so many; 0: a time is printed */
	long first_n;		/* the first guess at n */
	long last_n;		/* never more than this (0: no limit) */
	double (*run)(long n);
};

extern const struct row memory_rows[], process_rows[], ipc_rows[], file_rows[];
extern const struct row build_rows[];

/* Directory for files: a tmpfs, so that every place uses the same code. */
extern const char *work_dir;
/* Root of a Debian tree with make and gcc, "" for our own; NULL: none. */
extern const char *build_root;

double now(void);
void die(const char *what) __attribute__((noreturn));
char *work_path(char *buf, size_t size, const char *name);
int make_file(const char *name, long size);
int guest_main(void);

#endif
