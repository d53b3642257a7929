/* SPDX-License-Identifier: GPL-2.0 */
/* Patched system calls of guest programs; see x86/sites.c. */
#ifndef _ASM_UM_SITES_H
#define _ASM_UM_SITES_H

struct pt_regs;
struct space;

void sites_note(struct space *space, unsigned long ip);
void sites_remove(struct space *space);
void sites_before(struct space *space, long nr, const struct pt_regs *regs);
void sites_check(struct space *space);
void sites_leave_gap(struct space *space, struct pt_regs *regs);
void sites_fork(struct space *space, struct space *parent);
void sites_put(struct space *space);

#endif
