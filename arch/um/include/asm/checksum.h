/* SPDX-License-Identifier: GPL-2.0 */
/* lib/checksum.c, but for the sum itself (x86/csum.c). */
#ifndef _ASM_UM_CHECKSUM_H
#define _ASM_UM_CHECKSUM_H

unsigned int do_csum(const unsigned char *buff, int len);
#define do_csum do_csum

#include <asm-generic/checksum.h>

#endif
