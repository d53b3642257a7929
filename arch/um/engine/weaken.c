// SPDX-License-Identifier: GPL-2.0
/*
 * weaken=NAME[,NAME]: go without these defences. See asm/weaken.h.
 */
#include <linux/cache.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/setup.h>
#include <asm/weaken.h>

static const char * const names[] __initconst = {
	[WEAK_NOEXIT] = "noexit",
	[WEAK_NOKEY] = "nokey",
	[WEAK_NOARGS] = "noargs",
	[WEAK_NOPLACE] = "noplace",
	[WEAK_NOCLOSE] = "noclose",
	[WEAK_NOSETTLE] = "nosettle",
	[WEAK_NOLOOK] = "nolook",
	[WEAK_NOWATCH] = "nowatch",
	[WEAK_NORESET] = "noreset",
	[WEAK_RWORDERS] = "rworders",
	[WEAK_NOPROOF] = "noproof",
	[WEAK_NOFLAGS] = "noflags",
	[WEAK_NOXSTATE] = "noxstate",
	[WEAK_NOBADIP] = "nobadip",
	[WEAK_EXAREA] = "exarea",
	[WEAK_NOGAPCHECK] = "nogapcheck",
	[WEAK_NOUNPATCH] = "nounpatch",
};

u32 weaknesses __ro_after_init;

/**
 * weaken_init() - read the option, before the seed is made
 */
void __init weaken_init(void)
{
	const char *p = strstr(boot_command_line, "weaken=");

	for (p = p ? p + strlen("weaken=") : ""; *p && *p != ' '; p += *p == ',') {
		size_t len = strcspn(p, ", ");
		int i;

		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (strlen(names[i]) == len && !memcmp(names[i], p, len))
				break;
		if (i == ARRAY_SIZE(names))
			boot_die("weaken=%s: there is no such defence\n", p);
		weaknesses |= BIT(i);
		p += len;
	}
	if (weaknesses)
		boot_say("WARNING: weakened on purpose, for tests only\n");
}

static int __init known_option(char *value)
{
	return 1;
}
__setup("weaken=", known_option);
