/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's version, which ld.so compares with what a library needs. */
#include <linux/elfnote.h>
#include <linux/version.h>

ELFNOTE(Linux, 0, .long LINUX_VERSION_CODE)
