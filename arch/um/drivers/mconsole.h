/* SPDX-License-Identifier: GPL-2.0 */
/* The management console, in the guest's kernel. */
#ifndef _UM_MCONSOLE_H
#define _UM_MCONSOLE_H

#include <asm/doorman.h>

/**
 * struct mconsole_command - what the owner can say
 * @name: one word
 * @help: its line in the list of commands: what follows it, and what it does
 * @run: carry it out and answer; @arg is what follows the word, without blanks
 *	around it
 * @slow: may wait for devices or files: in the worker, where it keeps the next
 *	slow one waiting but no other
 * @stopped: also while the guest is stopped, with interrupts disabled
 */
struct mconsole_command {
	const char *name;
	const char *help;
	void (*run)(u32 id, char *arg);
	bool slow;
	bool stopped;
};

const struct mconsole_command *mconsole_find(char *text, char **arg);
void mconsole_say(u32 id, bool failed, const char *text);
void mconsole_stop(u32 id);
u32 mconsole_current(void);
bool mconsole_is_stopped(void);

#endif
