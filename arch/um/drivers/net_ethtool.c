// SPDX-License-Identifier: GPL-2.0
/*
 * What ethtool(8) shows of a network device: its driver, link and counters.
 * Features (-k, -K) need nothing here.
 */
#include <linux/ethtool.h>
#include <linux/string.h>
#include <generated/utsrelease.h>
#include "net.h"

/* In the order of struct net_counters. */
static const char names[][ETH_GSTRING_LEN] = {
	"rx_reads", "rx_length", "rx_header", "rx_nomem",
	"tx_writes", "tx_full", "tx_nomem", "tx_refused",
};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct vec *v = netdev_priv(dev);

	strscpy(info->driver, "uml-vec", sizeof(info->driver));
	strscpy(info->version, UTS_RELEASE, sizeof(info->version));
	strscpy(info->bus_info, v->port.name, sizeof(info->bus_info));
}

/* A cable that is there for those who weigh links by it, as a tap's is. */
static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *cmd)
{
	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	cmd->base.speed = SPEED_10000;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static int get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(names) : -EOPNOTSUPP;
}

static void get_strings(struct net_device *dev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, names, sizeof(names));
}

static void get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct vec *v = netdev_priv(dev);

	BUILD_BUG_ON(sizeof(v->count) != ARRAY_SIZE(names) * sizeof(*data));
	memcpy(data, &v->count, sizeof(v->count));
}

const struct ethtool_ops net_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_stats,
};
