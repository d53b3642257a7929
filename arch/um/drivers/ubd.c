// SPDX-License-Identifier: GPL-2.0
/*
 * ubd: disks that are files or block devices of the host.
 *
 * ubdN=FILE, with N from 0 to 15 (or a letter from a to p), and flags behind
 * N: r read-only, s every write synchronous. A file is opened when the option
 * is read, so that a mistake ends the boot at once, and locked, so that no two
 * guests write to one image.
 *
 * Flushes and FUA writes are fdatasync(2): what the guest was told is on
 * stable storage is there when the kernel process is killed.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/major.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "ubd.h"

#define UNITS		16
#define PARTITIONS	16
#define QUEUE_DEPTH	64

UM_HELP(ubd,
"ubd0=FILE .. ubd15=FILE\n"
"    Disk /dev/ubda to /dev/ubdp from a file (a raw image) or a block device\n"
"    of the host. Flags behind the number: r for read-only, s for synchronous\n"
"    writes, as in ubd0r=debian.img.\n\n");

static struct ubd {
	char *file;
	u64 size;
	bool readonly;
	struct gendisk *disk;
	struct blk_mq_tag_set tags;
	struct ubd_thread host;
} ubds[UNITS];

static int unit_of(char c)
{
	return c >= 'a' && c <= 'p' ? c - 'a' : -1;
}

static void __init ubd_open(struct ubd *u, const char *opt, int flags)
{
	u64 size;
	int err, fd;

	fd = host_open(u->file, flags | HOST_NONBLOCK | (u->readonly ? HOST_RDONLY : HOST_RDWR));
	if ((fd == -EROFS || fd == -EACCES) && !u->readonly)
		boot_die("%s=%s: cannot open for writing: %s. To use it read-only: %sr=%s\n",
			 opt, u->file, host_error(fd), opt, u->file);
	if (fd < 0)
		boot_die("%s=%s: cannot open: %s\n", opt, u->file, host_error(fd));
	err = host_file_size(fd, &size, &u->host.block);
	if (err)
		boot_die("%s=%s: neither a file nor a block device: %s\n", opt, u->file,
			 host_error(err));
	if (size < SECTOR_SIZE)
		boot_die("%s=%s: %llu bytes are no disk\n", opt, u->file, size);
	err = host_lock_file(fd, !u->readonly);
	if (err == -EAGAIN || err == -EACCES)
		boot_die("%s=%s: in use by another guest (the file is locked)\n", opt, u->file);
	u->host.fd = fd;
	u->size = size;
}

/* ubdN[rs]=FILE */
static int __init ubd_option(char *str)
{
	char *value = strchr(str, '='), *p = str, opt[32];
	unsigned int n = UNITS;
	struct ubd *u;
	int flags = 0;

	if (!value)
		return 0;
	*value++ = 0;
	snprintf(opt, sizeof(opt), "ubd%s", str);
	if (isdigit(*p))
		n = simple_strtoul(p, &p, 10);
	else if (unit_of(*p) >= 0)
		n = unit_of(*p++);
	if (n >= UNITS)
		boot_die("%s=: disks are ubd0 to ubd%d\n", opt, UNITS - 1);
	u = &ubds[n];
	for (; *p; p++) {
		if (*p == 'r')
			u->readonly = true;
		else if (*p == 's')
			flags |= HOST_SYNC;
		else if (!strchr("cdt", *p))	/* known to users, always so here */
			boot_die("%s=: unknown flag '%c'; flags are r and s\n", opt, *p);
	}
	if (strchr(value, ','))
		boot_die("%s=%s: copy-on-write files are not there yet; give one raw image\n",
			 opt, value);
	if (u->file)
		boot_die("%s=%s: this disk is given twice\n", opt, value);
	u->file = value;
	ubd_open(u, opt, flags);
	return 1;
}
__setup("ubd", ubd_option);

/* Pages that follow each other are one segment, as the block layer counts. */
static int fill(struct ubd_io *io, struct request *rq)
{
	struct host_iovec *v = NULL;
	struct req_iterator iter;
	struct bio_vec bv;

	io->segments = 0;
	rq_for_each_segment(bv, rq, iter) {
		void *p = page_address(bv.bv_page) + bv.bv_offset;

		if (v && v->base + v->len == p) {
			v->len += bv.bv_len;
			continue;
		}
		if (io->segments == UBD_MAX_SEGMENTS)
			return -EINVAL;
		v = &io->iov[io->segments++];
		v->base = p;
		v->len = bv.bv_len;
	}
	return 0;
}

static blk_status_t ubd_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct ubd *u = hctx->queue->queuedata;
	struct ubd_io *io = blk_mq_rq_to_pdu(rq);

	blk_mq_start_request(rq);
	io->offset = blk_rq_pos(rq) << SECTOR_SHIFT;
	io->len = blk_rq_bytes(rq);
	io->fua = rq->cmd_flags & REQ_FUA;
	io->segments = 0;
	io->error = 0;
	switch (req_op(rq)) {
	case REQ_OP_READ:
		io->op = UBD_READ;
		break;
	case REQ_OP_WRITE:
		io->op = UBD_WRITE;
		break;
	case REQ_OP_FLUSH:
		io->op = UBD_FLUSH;
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		io->op = UBD_DISCARD;
		break;
	default:
		return BLK_STS_NOTSUPP;
	}
	if (io->op <= UBD_WRITE && fill(io, rq))
		return BLK_STS_IOERR;
	ubd_submit(&u->host, io);
	return BLK_STS_OK;
}

static irqreturn_t ubd_interrupt(int irq, void *dev)
{
	for (int i = 0; i < UNITS; i++) {
		struct ubd_io *io, *next;

		if (!ubds[i].disk)
			continue;
		for (io = ubd_completed(&ubds[i].host); io; io = next) {
			next = io->next;
			blk_mq_end_request(blk_mq_rq_from_pdu(io), errno_to_blk_status(io->error));
		}
	}
	return IRQ_HANDLED;
}

static const struct blk_mq_ops ubd_mq_ops = {
	.queue_rq = ubd_queue_rq,
};

static const struct block_device_operations ubd_ops = {
	.owner = THIS_MODULE,
};

static int __init ubd_add(struct ubd *u, int n)
{
	struct queue_limits lim = {
		.logical_block_size = SECTOR_SIZE,
		.physical_block_size = PAGE_SIZE,
		.max_segments = UBD_MAX_SEGMENTS,
		.max_hw_sectors = 1024,
		.max_hw_discard_sectors = UINT_MAX >> SECTOR_SHIFT,
		.discard_granularity = PAGE_SIZE,
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
	};
	struct gendisk *disk;
	int err;

	/* A hole in a file reads as zeros; a discarded block may not. */
	if (!u->host.block)
		lim.max_write_zeroes_sectors = UINT_MAX >> SECTOR_SHIFT;
	u->tags.ops = &ubd_mq_ops;
	u->tags.nr_hw_queues = 1;
	u->tags.queue_depth = QUEUE_DEPTH;
	u->tags.numa_node = NUMA_NO_NODE;
	u->tags.cmd_size = sizeof(struct ubd_io);
	u->tags.flags = BLK_MQ_F_SHOULD_MERGE;
	err = blk_mq_alloc_tag_set(&u->tags);
	if (err)
		return err;
	disk = blk_mq_alloc_disk(&u->tags, &lim, u);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->major = UBD_MAJOR;
	disk->first_minor = n * PARTITIONS;
	disk->minors = PARTITIONS;
	disk->fops = &ubd_ops;
	disk->private_data = u;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "ubd%c", 'a' + n);
	set_capacity(disk, u->size >> SECTOR_SHIFT);
	set_disk_ro(disk, u->readonly);
	err = ubd_thread_start(&u->host);
	if (err)
		return err;
	u->disk = disk;
	return add_disk(disk);
}

static int __init ubd_init(void)
{
	if (register_blkdev(UBD_MAJOR, "ubd"))
		return -EBUSY;
	if (request_irq(IRQ_UBD, ubd_interrupt, 0, "ubd", NULL))
		return -EBUSY;
	for (int i = 0; i < UNITS; i++) {
		int err = ubds[i].file ? ubd_add(&ubds[i], i) : 0;

		if (err)
			pr_err("ubd%d: %s: cannot be added: error %d\n", i, ubds[i].file, err);
	}
	return 0;
}
device_initcall(ubd_init);
