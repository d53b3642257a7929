// SPDX-License-Identifier: GPL-2.0
/*
 * uml stats NAME: what a guest costs the host, from /proc of its process group,
 * and how it is inside, from its agent.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "stats.h"

/**
 * struct cost - of a group of processes
 * @ticks:	processor time, in clock ticks
 * @pages:	resident pages of the kernel process
 */
struct cost {
	unsigned int processes;
	unsigned long long ticks, pages;
};

/* Add up one process if it is of the group @kernel. */
static void add_process(struct cost *c, pid_t pid, pid_t kernel)
{
	unsigned long user, system;
	char path[64], buf[1024], *p;
	long rss;
	int group;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strrchr(buf, ')');
	if (!p || sscanf(p + 2, "%*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu "
			 "%*d %*d %*d %*d %*d %*d %*u %*u %ld", &group, &user, &system, &rss) != 4 ||
	    group != kernel)
		return;
	c->processes++;
	c->ticks += user + system;
	if (pid == kernel)
		c->pages = rss;
}

/* The host's part. */
char *host_stats(pid_t kernel, long long start, bool paused)
{
	struct cost c = { };
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (atoi(e->d_name) > 0)
			add_process(&c, atoi(e->d_name), kernel);
	if (dir)
		closedir(dir);
	return xprintf("state\t%s\nage\t%.1f s\nhost processes\t%u\nhost CPU time\t%.2f s\n"
		       "host memory of the kernel\t%llu MiB\n", paused ? "paused" : "running",
		       (now_ms() - start) / 1000.0, c.processes,
		       (double)c.ticks / sysconf(_SC_CLK_TCK),
		       c.pages * sysconf(_SC_PAGESIZE) >> 20);
}

/* The guest's part: numbers that it says, whatever they are. */
char *guest_stats(const struct uml_stats *s)
{
	return xprintf("guest uptime\t%llu s\nguest load\t%.2f %.2f %.2f\n"
		       "guest memory\t%llu MiB, %llu MiB available\n"
		       "guest processes\t%u\ncommands of uml\t%u\n",
		       (unsigned long long)s->uptime, s->load[0] / 65536.0, s->load[1] / 65536.0,
		       s->load[2] / 65536.0, (unsigned long long)s->total >> 20,
		       (unsigned long long)s->available >> 20, s->processes, s->sessions);
}

int cmd_stats(int argc, char **argv)
{
	char *text;
	int status;

	if (argc != 2)
		die("usage: uml stats NAME");
	status = control_request(argv[1], CTL_STATS, 0, &text);
	for (char *line = strtok(text, "\n"); line && !status; line = strtok(NULL, "\n")) {
		char *tab = strchr(line, '\t');

		if (tab)
			printf("%-28.*s%s\n", (int)(tab - line), line, tab + 1);
	}
	if (status)
		die("%s: %s", argv[1], text);
	return 0;
}
