/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What <linux/hardirq.h> asks of an architecture: the word of pending
 * softirqs, and what to do about an interrupt that nobody expects.
 *
 * The generic header would do, but it includes <linux/irq.h>, which most files
 * that include this one do not use: two per cent of all that is compiled.
 */
#ifndef _ASM_UM_HARDIRQ_H
#define _ASM_UM_HARDIRQ_H

#include <linux/cache.h>
#include <linux/percpu-defs.h>
#include <linux/threads.h>

typedef struct {
	unsigned int __softirq_pending;
} ____cacheline_aligned irq_cpustat_t;

DECLARE_PER_CPU_ALIGNED(irq_cpustat_t, irq_stat);

void ack_bad_irq(unsigned int irq);

#endif
