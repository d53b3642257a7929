// SPDX-License-Identifier: GPL-2.0
/*
 * ubench.c - micro benchmark: the loop over the rows, and the printing.
 *
 * The same program runs on the host (bench/run starts it) and in a
 * guest, where it is /init of an initrd (guest.c).  Its settings come in the
 * environment, because a kernel hands `NAME=value` of its command line to init
 * there:
 *
 *	UBENCH_ROWS	names, joined by commas; all when unset
 *	UBENCH_REPS	repetitions of a row, 5 when unset
 *	UBENCH_SUFFIX	what the names of rows end in where they are printed
 *	UBENCH_DIR	a directory on a tmpfs, /tmp when unset
 *	UBENCH_BUILD	"host" or a block device: where the build row finds gcc
 *
 * Each line of output that counts starts with '@', as the console of a guest
 * carries the words of its kernel as well:
 *
 *	@begin
 *	@row NAME UNIT MEDIAN MIN MAX REPETITIONS
 *	@skip NAME REASON
 *	@end SECONDS
 *
 * The time between @begin and @end is also taken by bench/run with the clock
 * of the host, so a guest whose clock runs wrong is found out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ubench.h"

#define MAX_REPS	101
#define MIN_NS		20e6	/* a repetition lasts at least this long */
#define ROW_NS		4e9	/* repetitions end when a row took this long */

const char *work_dir = "/tmp";
const char *build_root;

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void die(const char *what)
{
	printf("@die %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

char *work_path(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", work_dir, name);
	return buf;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int wanted(const char *name)
{
	const char *list = getenv("UBENCH_ROWS");
	size_t len = strlen(name);

	while (list && *list) {
		if (!strncmp(list, name, len) &&
		    (list[len] == ',' || list[len] == '\0'))
			return 1;
		list = strchr(list, ',');
		list = list ? list + 1 : "";
	}
	return !getenv("UBENCH_ROWS");
}

/* The n for which a repetition lasts MIN_NS; it also warms everything up. */
static long calibrate(const struct row *row)
{
	long n = row->first_n;
	double ns = row->run(n);

	while (ns < MIN_NS && (!row->last_n || n < row->last_n)) {
		double factor = ns > 0 ? 1.3 * MIN_NS / ns : 10;

		n = (long)(n * (factor > 10 ? 10 : factor)) + 1;
		if (row->last_n && n > row->last_n)
			n = row->last_n;
		ns = row->run(n);
	}
	return n;
}

static void run_row(const struct row *row, int reps)
{
	double value[MAX_REPS], start = now();
	const char *suffix = getenv("UBENCH_SUFFIX");
	long n = calibrate(row);
	int i;

	for (i = 0; i < reps && (i < 2 || now() - start < ROW_NS); i++) {
		double ns = row->run(n);

		if (row->bytes)
			value[i] = row->bytes * (double)n / ns * 1e3;
		else
			value[i] = ns / n / row->ns_per_unit;
	}
	qsort(value, i, sizeof(value[0]), compare);
	printf("@row %s%s %s %.6g %.6g %.6g %d\n", row->name, suffix ? suffix : "", row->unit,
	       i % 2 ? value[i / 2] : (value[i / 2 - 1] + value[i / 2]) / 2,
	       value[0], value[i - 1], i);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct row *const tables[] = {
		memory_rows, process_rows, ipc_rows, file_rows, build_rows,
	};
	int reps = getenv("UBENCH_REPS") ? atoi(getenv("UBENCH_REPS")) : 5;
	double start;
	size_t t;

	/* The program that the exec rows start. */
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (argc > 1) {
		fprintf(stderr, "usage: ubench (settings: UBENCH_ROWS, UBENCH_REPS, UBENCH_SUFFIX, UBENCH_DIR, UBENCH_BUILD)\n");
		return 2;
	}
	/* As init we prepare the guest; a child comes back here to measure. */
	if (getpid() == 1 && guest_main())
		return 1;

	if (reps < 1 || reps > MAX_REPS)
		reps = 5;
	if (getenv("UBENCH_DIR"))
		work_dir = getenv("UBENCH_DIR");
	if (getenv("UBENCH_BUILD") && !strcmp(getenv("UBENCH_BUILD"), "host"))
		build_root = "";

	printf("\n@begin\n");
	fflush(stdout);
	start = now();
	for (t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		const struct row *row;

		for (row = tables[t]; row->name; row++) {
			if (!wanted(row->name))
				continue;
			if (tables[t] == build_rows && !build_root)
				printf("@skip %s no root image with gcc\n", row->name);
			else
				run_row(row, reps);
		}
	}
	printf("@end %.6f\n", (now() - start) / NSEC_PER_SEC);
	fflush(stdout);
	return 0;
}
