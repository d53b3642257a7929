// SPDX-License-Identifier: GPL-2.0
/*
 * A small ethtool for the guest, linked statically, by ioctl(2).
 *
 *	ethtool info DEV		driver and bus
 *	ethtool link DEV		1 or 0
 *	ethtool stats DEV		NAME VALUE, a line each
 *	ethtool get DEV			offloads, NAME 1 or NAME 0, a line each
 *	ethtool set DEV NAME 0|1	switch one
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int get, set;
} offloads[] = {
	{ "rx", ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM },
	{ "tx", ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM },
	{ "sg", ETHTOOL_GSG, ETHTOOL_SSG },
	{ "tso", ETHTOOL_GTSO, ETHTOOL_STSO },
	{ "gso", ETHTOOL_GGSO, ETHTOOL_SGSO },
	{ "gro", ETHTOOL_GGRO, ETHTOOL_SGRO },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define OFFLOADS	ARRAY_SIZE(offloads)

static int sock;
static struct ifreq ifr;

static void call(void *data)
{
	ifr.ifr_data = data;
	if (ioctl(sock, SIOCETHTOOL, &ifr)) {
		fprintf(stderr, "ethtool: %s: %s\n", ifr.ifr_name, strerror(errno));
		exit(1);
	}
}

static void info(void)
{
	struct ethtool_drvinfo d = { .cmd = ETHTOOL_GDRVINFO };

	call(&d);
	printf("%s, %s\n", d.driver, d.bus_info);
}

static void link_state(void)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GLINK };

	call(&v);
	printf("%u\n", v.data);
}

static void stats(void)
{
	struct ethtool_drvinfo d = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_gstrings *s;
	struct ethtool_stats *v;

	call(&d);
	s = calloc(1, sizeof(*s) + d.n_stats * ETH_GSTRING_LEN);
	v = calloc(1, sizeof(*v) + d.n_stats * sizeof(uint64_t));
	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = ETH_SS_STATS;
	s->len = d.n_stats;
	call(s);
	v->cmd = ETHTOOL_GSTATS;
	v->n_stats = d.n_stats;
	call(v);
	for (unsigned int i = 0; i < d.n_stats; i++)
		printf("%.32s %llu\n", (char *)s->data + i * ETH_GSTRING_LEN,
		       (unsigned long long)v->data[i]);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (argc > 2)
		snprintf(ifr.ifr_name, IFNAMSIZ, "%s", argv[2]);
	if (!strcmp(what, "info")) {
		info();
	} else if (!strcmp(what, "link")) {
		link_state();
	} else if (!strcmp(what, "stats")) {
		stats();
	} else if (!strcmp(what, "get")) {
		for (unsigned int i = 0; i < OFFLOADS; i++) {
			struct ethtool_value v = { .cmd = offloads[i].get };

			call(&v);
			printf("%s %u\n", offloads[i].name, v.data);
		}
	} else if (!strcmp(what, "set") && argc == 5) {
		for (unsigned int i = 0; i < OFFLOADS; i++) {
			struct ethtool_value v = { offloads[i].set, atoi(argv[4]) };

			if (!strcmp(argv[3], offloads[i].name))
				call(&v);
		}
	} else {
		fprintf(stderr, "usage: ethtool info|link|stats|get DEV, set DEV NAME 0|1\n");
		return 1;
	}
	return 0;
}
