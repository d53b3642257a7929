/* SPDX-License-Identifier: GPL-2.0 */
/* What the rest of the port asks hostfs: see arch/um/hostfs/gift.c. */
#ifndef _ASM_UM_HOSTFS_H
#define _ASM_UM_HOSTFS_H

#include <linux/types.h>

#ifdef CONFIG_UML_HOSTFS
bool hostfs_confine(void);
#else
static inline bool hostfs_confine(void)
{
	return false;
}
#endif

#endif
