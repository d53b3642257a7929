/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_VERMAGIC_H
#define _ASM_UM_VERMAGIC_H

#define MODULE_ARCH_VERMAGIC "um-x86_64 "

#endif
