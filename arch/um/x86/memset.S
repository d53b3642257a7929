/* SPDX-License-Identifier: GPL-2.0 */
/* The tree's own memset, found through the include path of arch/x86/include. */
#include <../lib/memset_64.S>
