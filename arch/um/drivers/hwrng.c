// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/hwrng: random numbers of the host. The core of such devices has a thread
 * that seeds the guest's generator from here once a minute, so that what the
 * generator has given away by then does not tell what it will give.
 */
#include <linux/hw_random.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <asm/host.h>

#define WHOLE	256	/* bytes: a getrandom(2) as long as this is not interrupted */

/**
 * read_host() - random bytes of the host
 * @rng: the device
 * @data: where they go
 * @max: how many are wanted
 * @wait: may it sleep? The host's generator is ready, since the seed at boot waited for it
 *
 * Return: how many there are, or what the host answered.
 */
static int read_host(struct hwrng *rng, void *data, size_t max, bool wait)
{
	return host_getrandom(data, min(max, WHOLE));
}

static struct hwrng rng = {
	.name = "uml",
	.read = read_host,
	.quality = 1024,	/* of 1024: all that is in a byte */
};

static int __init hwrng_start(void)
{
	return hwrng_register(&rng);
}
device_initcall(hwrng_start);
