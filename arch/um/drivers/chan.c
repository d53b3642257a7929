// SPDX-License-Identifier: GPL-2.0
/*
 * A byte channel to whoever started the guest: chan0=fd:N makes /dev/umlchan0,
 * a device whose reads and writes are those of an inherited stream socket or
 * pipe of the host. The launcher `uml` talks through it to the agent in the
 * guest.
 *
 * Bytes pass unchanged. A read without data and a write without room wait, or
 * fail with EAGAIN; the watch thread wakes those who wait. When the other end
 * is gone, what it wrote before is still read, then reads return 0 and writes
 * fail with EPIPE. One open at a time, by root.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include <asm/watch.h>

#define IRQ_CHAN	30		/* a line beyond those of <asm/vcpu.h> */
#define CHUNK		(128 * 1024)	/* most that one call moves */

UM_HELP(chan0,
"chan0=fd:N\n"
"    Make /dev/umlchan0 of an inherited descriptor, a stream socket: the way\n"
"    from the launcher to its agent in the guest.\n\n");

/*
 * @in, @out: one descriptor twice, since each watch needs its own; -1 for none
 * @lock: one reader or writer at a time, for @buf
 */
static struct chan {
	int in, out;
	int in_watch, out_watch;
	unsigned long opened;
	struct mutex lock;
	wait_queue_head_t readers, writers;
	u8 *buf;
} chan = {
	.in = -1,
	.out = -1,
	.lock = __MUTEX_INITIALIZER(chan.lock),
	.readers = __WAIT_QUEUE_HEAD_INITIALIZER(chan.readers),
	.writers = __WAIT_QUEUE_HEAD_INITIALIZER(chan.writers),
};

static irqreturn_t chan_interrupt(int irq, void *dev)
{
	if (watch_ready(chan.in_watch))
		wake_up_interruptible(&chan.readers);
	if (watch_ready(chan.out_watch))
		wake_up_interruptible(&chan.writers);
	return IRQ_HANDLED;
}

static int chan_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (test_and_set_bit(0, &chan.opened))
		return -EBUSY;
	return stream_open(inode, file);
}

static int chan_release(struct inode *inode, struct file *file)
{
	clear_bit(0, &chan.opened);
	return 0;
}

/* One transfer through the buffer, without waiting. Return: bytes or -errno. */
static long chan_move(char __user *to, const char __user *from, size_t len)
{
	long n;

	len = min_t(size_t, len, CHUNK);
	if (mutex_lock_interruptible(&chan.lock))
		return -ERESTARTSYS;
	if (from) {
		n = copy_from_user(chan.buf, from, len) ? -EFAULT :
			host_write(chan.out, chan.buf, len);
	} else {
		n = host_read(chan.in, chan.buf, len);
		if (n > 0 && copy_to_user(to, chan.buf, n))
			n = -EFAULT;
	}
	mutex_unlock(&chan.lock);
	return n;
}

/*
 * Can it be read, or written? Else the watch thread will tell: a watch fires
 * once, and whoever is woken and finds nothing left has to arm it again.
 */
static bool ready_or_armed(bool output)
{
	if (host_poll(output ? chan.out : chan.in, output))
		return true;
	watch_rearm(output ? chan.out_watch : chan.in_watch);
	return false;
}

static ssize_t chan_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	long n = 0;

	if (!len)
		return 0;
	while ((n = chan_move(buf, NULL, len)) == -EAGAIN) {
		if (file->f_flags & O_NONBLOCK) {
			watch_rearm(chan.in_watch);	/* for who waits for an edge */
			break;
		}
		n = wait_event_interruptible(chan.readers, ready_or_armed(false));
		if (n)
			break;
	}
	/* A peer that ended without reading all is as gone as any. */
	return n == -ECONNRESET ? 0 : n;
}

static ssize_t chan_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	long n = 0;

	if (!len)
		return 0;
	while ((n = chan_move(NULL, buf, len)) == -EAGAIN) {
		if (file->f_flags & O_NONBLOCK) {
			watch_rearm(chan.out_watch);
			break;
		}
		n = wait_event_interruptible(chan.writers, ready_or_armed(true));
		if (n)
			break;
	}
	return n;
}

static __poll_t chan_poll(struct file *file, poll_table *table)
{
	__poll_t mask = 0;

	poll_wait(file, &chan.readers, table);
	poll_wait(file, &chan.writers, table);
	if (host_poll(chan.in, false))
		mask |= EPOLLIN | EPOLLRDNORM;
	else if (poll_requested_events(table) & EPOLLIN)
		watch_rearm(chan.in_watch);
	if (host_poll(chan.out, true))
		mask |= EPOLLOUT | EPOLLWRNORM;
	else if (poll_requested_events(table) & EPOLLOUT)
		watch_rearm(chan.out_watch);
	return mask;
}

static const struct file_operations chan_fops = {
	.owner = THIS_MODULE,
	.open = chan_open,
	.release = chan_release,
	.read = chan_read,
	.write = chan_write,
	.poll = chan_poll,
};

static struct miscdevice chan_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "umlchan0",
	.fops = &chan_fops,
	.mode = 0600,
};

static int __init chan_option(char *value)
{
	int fd, err;

	if (strncmp(value, "fd:", 3) || kstrtoint(value + 3, 10, &fd) || fd < 0)
		boot_die("chan0=%s: wants fd:N, the number of a descriptor\n", value);
	if (host_is_inherited(fd)) {
		chan.in = host_dup(fd);
		chan.out = host_dup(fd);
	}
	if (chan.in < 0 || chan.out < 0)
		boot_die("chan0=%s: descriptor %d is not open\n", value, fd);
	err = host_set_nonblock(chan.in);
	if (err)
		boot_die("chan0=%s: %s\n", value, host_error(err));
	return 1;
}
__setup("chan0=", chan_option);

static int __init chan_init(void)
{
	if (chan.in < 0)
		return 0;
	chan.buf = kmalloc(CHUNK, GFP_KERNEL);
	if (!chan.buf)
		return -ENOMEM;
	irq_set_chip_and_handler(IRQ_CHAN, &dummy_irq_chip, handle_edge_irq);
	chan.in_watch = watch_add(chan.in, IRQ_CHAN, false);
	chan.out_watch = watch_add(chan.out, IRQ_CHAN, true);
	if (chan.in_watch < 0 || chan.out_watch < 0) {
		pr_err("chan0: not a socket, pipe or terminal of the host\n");
		return -EINVAL;
	}
	if (request_irq(IRQ_CHAN, chan_interrupt, 0, "chan", NULL))
		return -EBUSY;
	return misc_register(&chan_device);
}
device_initcall(chan_init);
