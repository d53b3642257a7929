/* SPDX-License-Identifier: GPL-2.0 */
/* The tree's own memmove, found through the include path of arch/x86/include. */
#include <../lib/memmove_64.S>
