// SPDX-License-Identifier: GPL-2.0
/*
 * The network devices that the command line names, vec0 to vec15 and eth0 to
 * eth15, and those that come and go while the guest runs.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "hotplug.h"
#include "net.h"

#define UNITS	16
#define TEXT	128

UM_HELP(vec,
"vec0:transport=tap,ifname=TAP .. vec15:...\n"
"vec0:transport=stream,path=SOCKET, or fd=N\n"
"vec0:transport=fd,fd=N,vnet_hdr=0|1\n"
"    Network device vec0: on a tap of the host (ip tuntap add TAP mode tap user\n"
"    $USER), a stream socket of passt or QEMU, or an open descriptor of a tap,\n"
"    a packet or a datagram socket. More: mac=ADDRESS, mtu=BYTES.\n\n");
UM_HELP(eth,
"eth0=tuntap,TAP[,MAC] .. eth15=\n"
"    Network device eth0 on a tap of the host.\n\n");
UM_HELP(ip,
"ip=dhcp, ip=ADDRESS::GATEWAY:NETMASK::DEVICE:off\n"
"    Configure the network before the first program runs.\n\n");

static struct unit {
	struct net_port port;
	struct net_options options;
	struct vec *vec;
	bool given;
	char text[TEXT];	/* as it was configured */
} vecs[UNITS], eths[UNITS];

static bool booted;
static DEFINE_XARRAY(spoilt);	/* descriptors of streams that ended within a frame */

/**
 * net_may_open() - can files and sockets of the host still be had without the doorman
 */
bool net_may_open(void)
{
	return !booted;
}

/* The unit whose descriptor this is, or NULL. */
static struct unit *user_of(int fd)
{
	for (int i = 0; fd >= 0 && i < UNITS; i++) {
		if (vecs[i].given && vecs[i].port.fd == fd)
			return &vecs[i];
		if (eths[i].given && eths[i].port.fd == fd)
			return &eths[i];
	}
	return NULL;
}

/* Read the text of an option and open what it names. */
static int unit_open(struct unit *u, bool eth, char *value, char *why)
{
	int err;

	strscpy(u->text, value, TEXT);
	if (eth)
		err = net_parse_eth(&u->options, value, why);
	else
		err = net_parse(&u->options, value, why);
	if (err)
		return err;
	if (user_of(u->options.fd)) {
		snprintf(why, NET_WHY, "descriptor %d is another device's already", u->options.fd);
		return -EBUSY;
	}
	if (u->options.fd >= 0 && xa_load(&spoilt, u->options.fd)) {
		snprintf(why, NET_WHY, "descriptor %d cannot be used again: its last device ended within a frame, or lost its peer",
			 u->options.fd);
		return -EINVAL;
	}
	err = net_open(&u->options, &u->port, why);
	if (!err)
		u->given = true;
	return err;
}

static int __init option(struct unit *units, const char *kind, char *str)
{
	size_t digits = strspn(str, "0123456789");
	char *value = str + digits, why[NET_WHY], name[8];
	unsigned int n;

	if (!digits || (*value != ':' && *value != '='))
		return 0;
	*value++ = 0;
	if (kstrtouint(str, 10, &n) || n >= UNITS)
		boot_die("%s%s: network devices are %s0 to %s%d\n", kind, str, kind, kind, UNITS - 1);
	snprintf(name, sizeof(name), "%s%u", kind, n);
	if (units[n].given)
		boot_die("%s: this network device is given twice\n", name);
	if (unit_open(&units[n], units == eths, value, why))
		boot_die("%s: %s\n", name, why);
	return 1;
}

static int __init vec_option(char *str)
{
	return option(vecs, "vec", str);
}
__setup("vec", vec_option);

static int __init eth_option(char *str)
{
	return option(eths, "eth", str);
}
__setup("eth", eth_option);

/* What we have opened is closed; what we were given stays, to be used again. */
static void unit_close(struct unit *u)
{
	if (u->options.fd < 0)
		host_close(u->port.fd);
	u->given = false;
}

static int unit_add(struct unit *u, const char *kind, unsigned int n)
{
	char name[IFNAMSIZ];
	struct vec *v;

	snprintf(name, sizeof(name), "%s%u", kind, n);
	v = net_add(name, &u->port, &u->options);
	if (IS_ERR(v)) {
		pr_err("%s: cannot be added: error %ld\n", name, PTR_ERR(v));
		return PTR_ERR(v);
	}
	u->vec = v;
	return 0;
}

/* Those that come and go have the messages for the user here. */
static char hotplug_why[NET_WHY];

static int config(struct unit *units, unsigned int nr, char *value, const char **why)
{
	struct unit *u = &units[nr];
	bool eth = units == eths;
	int err;

	if (nr >= UNITS) {
		*why = eth ? "network devices are eth0 to eth15" : "network devices are vec0 to vec15";
		return -EINVAL;
	}
	if (u->given) {
		*why = "this network device is there; remove it first";
		return -EEXIST;
	}
	*why = hotplug_why;
	snprintf(hotplug_why, NET_WHY, "it cannot be added");
	err = unit_open(u, eth, value, hotplug_why);
	if (err)
		return err;
	err = unit_add(u, eth ? "eth" : "vec", nr);
	if (err)
		unit_close(u);
	return err;
}

static int show(const struct unit *units, unsigned int nr, char *buf, size_t size)
{
	if (nr >= UNITS || !units[nr].given)
		return -ENODEV;
	strscpy(buf, units[nr].text, size);
	return 0;
}

static int remove(struct unit *units, unsigned int nr, const char **why)
{
	struct unit *u = &units[nr];
	bool within_frame;

	if (nr >= UNITS || !u->vec) {
		*why = "there is no such network device";
		return -ENODEV;
	}
	if (!net_remove(u->vec, &within_frame)) {
		*why = "the device is up; take it down first: ip link set DEVICE down";
		return -EBUSY;
	}
	u->vec = NULL;
	if (within_frame && u->options.fd >= 0)
		xa_store(&spoilt, u->options.fd, u, GFP_KERNEL);
	unit_close(u);
	return 0;
}

static int vec_config(unsigned int nr, char *value, const char **why)
{
	return config(vecs, nr, value, why);
}

static int vec_show(unsigned int nr, char *buf, size_t size)
{
	return show(vecs, nr, buf, size);
}

static int vec_remove(unsigned int nr, const char **why)
{
	return remove(vecs, nr, why);
}

static int eth_config(unsigned int nr, char *value, const char **why)
{
	return config(eths, nr, value, why);
}

static int eth_show(unsigned int nr, char *buf, size_t size)
{
	return show(eths, nr, buf, size);
}

static int eth_remove(unsigned int nr, const char **why)
{
	return remove(eths, nr, why);
}

static struct hotplug_class vec_class = {
	.name = "vec",
	.config = vec_config,
	.show = vec_show,
	.remove = vec_remove,
};

static struct hotplug_class eth_class = {
	.name = "eth",
	.config = eth_config,
	.show = eth_show,
	.remove = eth_remove,
};

static int __init net_init(void)
{
	int err = net_init_irq();

	booted = true;
	for (int i = 0; !err && i < UNITS; i++) {
		if (vecs[i].given)
			unit_add(&vecs[i], "vec", i);
		if (eths[i].given)
			unit_add(&eths[i], "eth", i);
	}
	if (!err) {
		hotplug_register(&vec_class);
		hotplug_register(&eth_class);
	}
	return err;
}
device_initcall(net_init);
