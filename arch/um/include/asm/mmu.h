/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_MMU_H
#define _ASM_UM_MMU_H

struct habit;
struct text;
struct space;

/**
 * struct mm_context - the port's part of an mm
 * @space:	the host process that caches this mm's page tables, or NULL
 * @empty:	nothing of this mm was ever ordered into its space
 * @forked:	fork has just noted each page that it write-protected
 * @unsettled:	fork has noted pages to be taken away that still may be there
 * @habit:	what this program and its children touch after a fork, or NULL
 * @taught:	that of its parent, or NULL
 * @learning:	@habit or @taught, whichever its faults go to now
 * @to_learn:	so many faults more
 * @copies:	so many pages of its files' data are copied before they are written
 * @text:	what spaces get for the text of the file that its program began with, or
 *		NULL; see text.c
 * @text_start:	where that is mapped
 * @text_left:	no longer, but for its last page
 * @vdso:	where exec has mapped the vDSO, for the auxiliary vector
 */
typedef struct mm_context {
	struct space *space;
	bool empty;
	bool forked;
	bool unsettled;
	unsigned int to_learn, copies;
	struct habit *habit, *taught, *learning;
	struct text *text;
	unsigned long text_start;
	bool text_left;
	unsigned long vdso;
} mm_context_t;

#endif
