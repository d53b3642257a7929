// SPDX-License-Identifier: GPL-2.0
/*
 * The random number generator is seeded from the host's, so that it is ready
 * before the first program starts.
 */
#include <linux/init.h>
#include <linux/random.h>
#include <linux/string.h>
#include <asm/host.h>

static int __init seed_random(void)
{
	u8 seed[64];

	if (host_getrandom(seed, sizeof(seed)) == sizeof(seed))
		add_bootloader_randomness(seed, sizeof(seed));
	memzero_explicit(seed, sizeof(seed));
	return 0;
}
early_initcall(seed_random);
