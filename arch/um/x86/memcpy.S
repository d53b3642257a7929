/* SPDX-License-Identifier: GPL-2.0 */
/* The tree's own memcpy, found through the include path of arch/x86/include. */
#include <../lib/memcpy_64.S>
