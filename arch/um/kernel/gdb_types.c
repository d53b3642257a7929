// SPDX-License-Identifier: GPL-2.0
/*
 * What gdb must know of the kernel to look at one that is compiled without
 * debug information: the types of the headers below and of the variables that
 * they declare. This file is compiled with debug information of all that it
 * includes, used or not, and never linked: build/linux-gdb.py loads the object
 * beside build/linux, whose symbols have the addresses (docs/debugging.md).
 *
 * A header that is added here makes its types known to gdb; scripts/gdb of the
 * kernel tree needs most of these.
 */
#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/device.h>
#include <linux/fdtable.h>
#include <linux/hrtimer.h>
#include <linux/init_task.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/maple_tree.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/pm_domain.h>
#include <linux/radix-tree.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/stackdepot.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <asm/engine.h>
#include <asm/space.h>
#include <asm/vcpu.h>
#include "drivers/base/base.h"
#include "fs/mount.h"
#ifdef CONFIG_MODULES
#include "kernel/module/internal.h"
#endif
#include "kernel/printk/printk_ringbuffer.h"
#include "kernel/sched/sched.h"
#include "kernel/time/tick-internal.h"
#include "mm/internal.h"
#include "mm/slab.h"

/* What the commands ask for and no header declares. */
extern struct printk_ringbuffer *prb;
extern struct kset *bus_kset;
extern struct kset *class_kset;
extern struct maple_tree sparse_irqs;
