/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Performance events: those of software, as there are no counters that a program
 * of the host could pass on. What linux/perf_event.h takes for granted is right.
 */
#ifndef _ASM_UM_PERF_EVENT_H
#define _ASM_UM_PERF_EVENT_H
#endif
