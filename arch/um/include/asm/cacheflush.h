/* SPDX-License-Identifier: GPL-2.0 */
/* Caches are the host's. vmalloc mappings: arch_sync_kernel_mappings(). */
#ifndef _ASM_UM_CACHEFLUSH_H
#define _ASM_UM_CACHEFLUSH_H

#include <asm-generic/cacheflush.h>

#endif
