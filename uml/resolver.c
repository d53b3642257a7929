// SPDX-License-Identifier: GPL-2.0
/*
 * Name servers for a guest behind passt. Those of the host's resolv.conf are
 * the guest's, too, by DHCP, as long as it can reach them. A resolver on the
 * host's loopback (systemd-resolved, dnsmasq) it cannot: --no-map-gw keeps all
 * of the loopback away from it. Then passt listens at an address for what goes
 * to port 53, hands only that on to the host's first resolver, and the guest is
 * told that address. So names in the guest are those that the host knows.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "machine.h"

/* The word behind "nameserver", or NULL. */
static char *server_of(char *line)
{
	char *word = strtok(line, " \t\n");

	return word && !strcmp(word, "nameserver") ? strtok(NULL, " \t\n") : NULL;
}

static enum resolver read_resolv_conf(void)
{
	enum resolver found = RESOLVER_NONE;
	FILE *f = fopen("/etc/resolv.conf", "re");
	char *line = NULL, *word;
	struct in_addr a;
	size_t size = 0;

	while (f && found != RESOLVER_REACHED && getline(&line, &size, f) > 0) {
		word = server_of(line);
		/* The kernel asks by DHCP, which knows of IPv4 servers only. */
		if (!word || inet_pton(AF_INET, word, &a) != 1 || !a.s_addr)
			continue;
		found = ntohl(a.s_addr) >> 24 == IN_LOOPBACKNET ? RESOLVER_LOOPBACK :
			RESOLVER_REACHED;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/**
 * host_resolver() - how a guest behind passt comes to a name server
 *
 * Found out once, so that the guest and passt are told the same.
 */
enum resolver host_resolver(void)
{
	static enum resolver found;
	static bool known;

	if (!known)
		found = read_resolv_conf();
	known = true;
	return found;
}
