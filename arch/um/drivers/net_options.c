// SPDX-License-Identifier: GPL-2.0
/*
 * What the command line says of a network device:
 *
 *	vecN:transport=NAME,KEY=VALUE,...	(or vecN=...)
 *	ethN=tuntap,TAP,MAC,ADDRESS		the way before vec; for taps
 *
 * The ADDRESS was the host's, for a helper with root's rights that is no more:
 * whoever makes the tap gives it one.
 */
#include <linux/etherdevice.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "net.h"

static const struct net_transport *const transports[] = { &net_tap, &net_stream, &net_fd };

static int parse_number(const char *key, const char *value, unsigned int max, unsigned int *n, char *why)
{
	if (!kstrtouint(value, 10, n) && *n <= max)
		return 0;
	snprintf(why, NET_WHY, "%s=%.40s is no number from 0 to %u", key, value, max);
	return -EINVAL;
}

static int parse_mac(const char *value, u8 *mac, char *why)
{
	if (strlen(value) == 3 * ETH_ALEN - 1 && mac_pton(value, mac) && is_valid_ether_addr(mac))
		return 0;
	snprintf(why, NET_WHY, "mac=%.40s is no address of a device, such as 02:00:00:00:00:01",
		 value);
	return -EINVAL;
}

/* Known to users; here it is always as it should be. */
static bool is_tuning(const char *key)
{
	static const char *const keys[] = { "depth", "gro", "vec", "headroom" };

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static int parse_pair(struct net_options *o, const char *key, const char *value, char *why)
{
	unsigned int n = 0;
	int err;

	if (!strcmp(key, "transport")) {
		o->transport = value;
	} else if (!strcmp(key, "ifname")) {
		o->ifname = value;
	} else if (!strcmp(key, "path")) {
		o->path = value;
	} else if (!strcmp(key, "mac")) {
		return parse_mac(value, o->mac, why);
	} else if (!strcmp(key, "fd")) {
		err = parse_number(key, value, INT_MAX, &n, why);
		o->fd = n;
		return err;
	} else if (!strcmp(key, "vnet_hdr")) {
		err = parse_number(key, value, 1, &n, why);
		o->vnet_hdr = n;
		return err;
	} else if (!strcmp(key, "mtu")) {
		err = parse_number(key, value, ETH_MAX_MTU - ETH_HLEN, &o->mtu, why);
		if (!err && o->mtu < ETH_MIN_MTU) {
			snprintf(why, NET_WHY, "mtu=%s is less than %d", value, ETH_MIN_MTU);
			return -EINVAL;
		}
		return err;
	} else if (!is_tuning(key)) {
		snprintf(why, NET_WHY,
			 "unknown word '%.40s'; there are transport, ifname, path, fd, vnet_hdr, mac, mtu",
			 key);
		return -EINVAL;
	}
	return 0;
}

static const struct net_options nothing = { .fd = -1, .vnet_hdr = -1 };

/**
 * net_parse() - read what stands behind vecN: or vecN=
 * @o: filled in; refers to parts of @value
 * @value: is cut into pieces
 * @why: gets what is wrong, NET_WHY bytes
 *
 * Return: 0 or -EINVAL.
 */
int net_parse(struct net_options *o, char *value, char *why)
{
	char *pair;

	*o = nothing;
	while ((pair = strsep(&value, ","))) {
		char *eq = strchr(pair, '=');
		int err;

		if (!eq || !eq[1]) {
			snprintf(why, NET_WHY, "'%.40s' is no KEY=VALUE", pair);
			return -EINVAL;
		}
		*eq++ = 0;
		err = parse_pair(o, pair, eq, why);
		if (err)
			return err;
	}
	return 0;
}

/**
 * net_parse_eth() - the same for what stands behind ethN=
 */
int net_parse_eth(struct net_options *o, char *value, char *why)
{
	char *name = strsep(&value, ",");
	char *tap = strsep(&value, ",");
	char *mac = strsep(&value, ",");

	*o = nothing;
	if (strcmp(name, "tuntap")) {
		snprintf(why, NET_WHY, "only tuntap is there of the old transports; see vec0: in --help");
		return -EINVAL;
	}
	if (!tap || !*tap) {
		snprintf(why, NET_WHY, "tuntap wants the name of a tap that is there: eth0=tuntap,tap0");
		return -EINVAL;
	}
	o->transport = "tap";
	o->ifname = tap;
	return mac && *mac ? parse_mac(mac, o->mac, why) : 0;
}

/**
 * net_open() - open the way to the host that was asked for
 * @port: filled in
 * @why: gets what is wrong, NET_WHY bytes
 *
 * At boot, or for a request of the management console. Return: 0 or -errno.
 */
int net_open(const struct net_options *o, struct net_port *port, char *why)
{
	memset(port, 0, sizeof(*port));
	if (!o->transport) {
		snprintf(why, NET_WHY, "wants transport=tap, transport=stream or transport=fd");
		return -EINVAL;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(transports); i++)
		if (!strcmp(o->transport, transports[i]->name)) {
			port->transport = transports[i];
			return transports[i]->open(o, port, why);
		}
	snprintf(why, NET_WHY, "unknown transport %.40s; there are tap, stream and fd", o->transport);
	return -EINVAL;
}
