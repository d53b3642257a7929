/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_WATCH_H
#define _ASM_UM_WATCH_H

#include <linux/types.h>

int watch_add(int fd, unsigned int irq, bool output);
void watch_rearm(int id);
void watch_rearm_both(int id);
void watch_remove(int id);
bool watch_ready(int id);

#endif
