/* SPDX-License-Identifier: GPL-2.0 */
/* Delays look at the host's clock until the time has passed. */
#ifndef _ASM_UM_DELAY_H
#define _ASM_UM_DELAY_H

void um_ndelay(unsigned long ns);

#define udelay(n)	um_ndelay((n) * 1000UL)
#define ndelay(n)	um_ndelay(n)
void __delay(unsigned long loops);

#endif
