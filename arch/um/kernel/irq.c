// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controller: there is nothing to mask or to acknowledge, a line
 * is a bit of vcpu->pending.
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/seq_file.h>
#include <asm/vcpu.h>

static void nothing(struct irq_data *d)
{
}

static struct irq_chip vcpu_chip = {
	.name = "vcpu",
	.irq_ack = nothing,
	.irq_mask = nothing,
	.irq_unmask = nothing,
};

void __init init_IRQ(void)
{
	for (int i = 0; i < UM_NR_IRQS; i++)
		irq_set_chip_and_handler(i, &vcpu_chip, handle_edge_irq);
}

/**
 * ack_bad_irq() - an interrupt came on a line that has no handler
 * @irq: the line
 */
void ack_bad_irq(unsigned int irq)
{
	pr_crit("interrupt %u has no handler\n", irq);
}

int arch_show_interrupts(struct seq_file *p, int prec)
{
	return 0;
}
