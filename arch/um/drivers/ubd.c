// SPDX-License-Identifier: GPL-2.0
/*
 * ubd: disks that are files or block devices of the host.
 *
 * ubdN[FLAGS]=FILE[,BACKING[,SERIAL]], with N from 0 to 15 (or a letter from a
 * to p) and, as user-mode Linux has always had it, ':' as good as ','. Files
 * are opened when the option is read, so that a mistake ends the boot at once
 * (ubd_open.c). A COW file that is not there is made when all options are good.
 *
 * The disk has a volatile write cache, the host's page cache: flushes and FUA
 * writes are fdatasync(2). What the guest was told is on stable storage is
 * there when the kernel process is killed.
 */
#include <linux/backing-dev.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/major.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "hotplug.h"
#include "mconsole.h"
#include "ubd.h"

#define UNITS		16
#define PARTITIONS	16
#define QUEUE_DEPTH	128
#define READ_AHEAD	(512 * 1024)	/* more than a vCPU copies itself: threads do, meanwhile */

UM_HELP(ubd,
"ubd0=FILE[,BACKING[,SERIAL]] .. ubd15=...\n"
"    Disk /dev/ubda to /dev/ubdp from a file (a raw image) or a block device\n"
"    of the host. With BACKING, FILE is a copy-on-write file: it takes what is\n"
"    written, BACKING stays as it is. It is made when it is not there. A COW\n"
"    file alone is recognised, and names its backing file. ':' serves as ','.\n"
"    fd:N as a name: a descriptor that is open already. SERIAL is shown in\n"
"    /sys/block/ubda/serial (ubd0=FILE,,SERIAL without a backing file).\n"
"    Flags behind the number, as in ubd0r=debian.img: r read-only, s every\n"
"    write synchronous, d no COW file even if it begins like one, c no lock\n"
"    (shared with other guests), t no discard. ubd=sync: s for all.\n"
"    ubd=uring, ubd=threads: the host's part is done by its io_uring, or by\n"
"    threads; without either by io_uring, where the host has it, but for large\n"
"    requests. ubd=eager: writing back in the background takes all the time that\n"
"    it can, not a third of it while programs run.\n\n");

/**
 * struct ubd - a disk
 * @spec:	how it was asked for; @spec.file is NULL when there is none
 * @words:	what @spec points into, if it is to be freed
 * @queues:	one for each vCPU
 * @pool:	its threads; of its own if the disk was there at boot
 */
static struct ubd {
	struct ubd_spec spec;
	char *words;
	struct ubd_image image;
	struct gendisk *disk;
	struct blk_mq_tag_set tags;
	struct ubd_pool *pool;
	struct ubd_queue queues[NR_CPUS];
} ubds[UNITS];

static struct ubd_pool *spare;	/* of disks that come later */
static bool sync_all, eager;
static enum { WHAT_THERE_IS, URING, THREADS } wanted;
static char why[UBD_WHY_LEN];	/* for one who opens at a time: the boot, hotplug */

static int unit_of(char c)
{
	return c >= 'a' && c <= 'p' ? c - 'a' : -1;
}

static bool is_file(int fd, const struct host_file_info *info)
{
	struct host_file_info have;

	return fd >= 0 && !host_file_info(fd, &have) && have.dev == info->dev &&
	       have.ino == info->ino;
}

/**
 * ubd_holder() - which disk of this guest has a lock on a file
 *
 * Return: its number, or -1.
 */
int ubd_holder(const struct host_file_info *info)
{
	for (int i = 0; i < UNITS; i++) {
		const struct ubd *u = &ubds[i];

		if (u->spec.file && !u->spec.shared &&
		    (is_file(u->image.fd, info) || is_file(u->image.cow.backing, info)))
			return i;
	}
	return -1;
}

static int read_spec(struct ubd_spec *spec, const char *flags, char *value)
{
	int err = ubd_read_words(spec, flags, value, why);

	spec->sync |= sync_all;
	return err;
}

/* ubd=WORD */
static void __init all_disks(const char *word)
{
	if (!strcmp(word, "sync"))
		sync_all = true;
	else if (!strcmp(word, "uring"))
		wanted = URING;
	else if (!strcmp(word, "threads"))
		wanted = THREADS;
	else if (!strcmp(word, "eager"))
		eager = true;
	else
		boot_die("ubd=%s: words are sync, uring, threads and eager; a disk is ubd0=FILE\n",
			 word);
}

/* ubdN[rsdct]=FILE[,BACKING[,SERIAL]] */
static int __init ubd_option(char *str)
{
	char *value = strchr(str, '='), *p = str, opt[32];
	unsigned int n = UNITS;
	struct ubd_spec *spec;

	if (!value || *str == '_')
		return 0;
	*value++ = 0;
	if (!*str) {
		all_disks(value);
		return 1;
	}
	snprintf(opt, sizeof(opt), "ubd%s", str);
	if (isdigit(*p))
		n = simple_strtoul(p, &p, 10);
	else if (unit_of(*p) >= 0)
		n = unit_of(*p++);
	if (n >= UNITS)
		boot_die("%s=: disks are ubd0 to ubd%d\n", opt, UNITS - 1);
	spec = &ubds[n].spec;
	if (spec->file)
		boot_die("%s=%s: this disk is given twice\n", opt, value);
	if (read_spec(spec, p, value) || ubd_open(&ubds[n].image, spec, why))
		boot_die("%s=%s: %s\n", opt, spec->file ?: "", why);
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

static void kick(struct ubd *u, struct ubd_queue *q)
{
	if (xchg(&q->submitted, false))
		u->image.transport->kick(&u->image);
}

static blk_status_t ubd_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct ubd *u = hctx->queue->queuedata;
	struct ubd_io *io = blk_mq_rq_to_pdu(rq);

	blk_mq_start_request(rq);
	io->image = &u->image;
	io->queue = hctx->driver_data;
	io->offset = blk_rq_pos(rq) << SECTOR_SHIFT;
	io->len = blk_rq_bytes(rq);
	io->fua = rq->cmd_flags & REQ_FUA;
	io->can_wait = req_op(rq) == REQ_OP_WRITE && io->len > UBD_TRY_BYTES && !eager &&
		       !(rq->cmd_flags & (REQ_SYNC | REQ_SWAP));
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
		io->op = UBD_DISCARD;
		break;
	case REQ_OP_WRITE_ZEROES:
		io->op = UBD_ZERO;
		break;
	default:
		return BLK_STS_NOTSUPP;
	}
	if (io->op <= UBD_WRITE && fill(io, rq))
		return BLK_STS_IOERR;
	if (ubd_try(io)) {
		blk_mq_end_request(rq, BLK_STS_OK);
	} else {
		ubd_begin(io);
		u->image.transport->submit(io);
		WRITE_ONCE(io->queue->submitted, true);
	}
	if (bd->last)
		kick(u, hctx->driver_data);
	return BLK_STS_OK;
}

static void ubd_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	kick(hctx->queue->queuedata, hctx->driver_data);
}

static int ubd_init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct ubd *u = data;

	hctx->driver_data = &u->queues[index];
	u->queues[index].vcpu = &vcpu0;	/* the only one there is */
	return 0;
}

/* A host that cannot do it need not be asked again; the block layer can. */
static void finish(struct ubd *u, struct ubd_io *io)
{
	if (io->error == -EOPNOTSUPP && io->op == UBD_DISCARD)
		blk_queue_disable_discard(u->disk->queue);
	if (io->error == -EOPNOTSUPP && io->op == UBD_ZERO)
		blk_queue_disable_write_zeroes(u->disk->queue);
	blk_mq_end_request(blk_mq_rq_from_pdu(io), errno_to_blk_status(io->error));
}

static void finish_all(struct ubd *u)
{
	for (unsigned int i = 0; i < u->tags.nr_hw_queues; i++) {
		struct ubd_io *io, *next;

		for (io = ubd_completed(&u->queues[i]); io; io = next) {
			next = io->next;
			finish(u, io);
		}
	}
}

static irqreturn_t ubd_interrupt(int irq, void *dev)
{
	for (int i = 0; i < UNITS; i++)
		if (ubds[i].disk)
			finish_all(&ubds[i]);
	return IRQ_HANDLED;
}

static const struct blk_mq_ops ubd_mq_ops = {
	.queue_rq = ubd_queue_rq,
	.commit_rqs = ubd_commit_rqs,
	.init_hctx = ubd_init_hctx,
};

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct ubd *u = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%s\n", u->spec.serial ?: "");
}
static DEVICE_ATTR_RO(serial);

static ssize_t transport_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct ubd *u = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%s\n", u->image.transport->name);
}
static DEVICE_ATTR_RO(transport);

static ssize_t rests_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct ubd *u = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%lu\n", READ_ONCE(u->image.rests));
}
static DEVICE_ATTR_RO(rests);

static struct attribute *ubd_attrs[] = {
	&dev_attr_serial.attr, &dev_attr_transport.attr, &dev_attr_rests.attr, NULL
};
ATTRIBUTE_GROUPS(ubd);

static const struct block_device_operations ubd_ops = {
	.owner = THIS_MODULE,
};

static int ubd_add(struct ubd *u, int n)
{
	struct ubd_image *img = &u->image;
	struct queue_limits lim = {
		.logical_block_size = img->sector,
		.physical_block_size = PAGE_SIZE,
		.max_segments = UBD_MAX_SEGMENTS,
		.max_segment_size = UINT_MAX,
		.max_hw_sectors = 2560,
		.discard_granularity = PAGE_SIZE,
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
	};
	struct gendisk *disk;
	int err;

	if (!u->spec.no_discard) {
		lim.max_hw_discard_sectors = UINT_MAX >> SECTOR_SHIFT;
		/* A hole in a file reads as zeros; a discarded block may not. */
		if (img->can_zero)
			lim.max_write_zeroes_sectors = UINT_MAX >> SECTOR_SHIFT;
	}
	u->tags.ops = &ubd_mq_ops;
	u->tags.nr_hw_queues = num_possible_cpus();
	u->tags.queue_depth = QUEUE_DEPTH;
	u->tags.numa_node = NUMA_NO_NODE;
	u->tags.cmd_size = sizeof(struct ubd_io);
	u->tags.flags = BLK_MQ_F_SHOULD_MERGE;
	u->tags.driver_data = u;
	err = blk_mq_alloc_tag_set(&u->tags);
	if (err)
		return err;
	disk = blk_mq_alloc_disk(&u->tags, &lim, u);
	if (IS_ERR(disk)) {
		err = PTR_ERR(disk);
		goto free_tags;
	}
	disk->major = UBD_MAJOR;
	disk->first_minor = n * PARTITIONS;
	disk->minors = PARTITIONS;
	disk->fops = &ubd_ops;
	disk->private_data = u;
	disk->bdi->ra_pages = READ_AHEAD / PAGE_SIZE;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "ubd%c", 'a' + n);
	set_capacity(disk, round_down(img->size, (u64)img->sector) >> SECTOR_SHIFT);
	set_disk_ro(disk, img->readonly);
	u->disk = disk;
	err = device_add_disk(NULL, disk, ubd_groups);
	if (!err)
		return 0;
	u->disk = NULL;
	put_disk(disk);
free_tags:
	blk_mq_free_tag_set(&u->tags);
	return err;
}

static void forget(struct ubd *u)
{
	kfree(u->words);
	u->words = NULL;
	u->spec = (struct ubd_spec){ };
	u->image = (struct ubd_image){ };
}

static int ubd_config(unsigned int n, char *request, const char **said)
{
	struct ubd *u = &ubds[n];
	char *value;
	int err;

	*said = why;
	if (n >= UNITS || u->spec.file) {
		snprintf(why, sizeof(why), n >= UNITS ? "disks are ubd0 to ubd15" :
			 "this disk is there; remove it before");
		return n >= UNITS ? -ENODEV : -EBUSY;
	}
	if (!u->pool)
		u->pool = spare;
	u->words = u->pool ? kstrdup(request, GFP_KERNEL) : NULL;
	if (!u->words) {
		*said = NULL;
		return -ENOMEM;
	}
	value = u->words + strcspn(u->words, "=:");
	if (*value)
		*value++ = 0;
	err = read_spec(&u->spec, u->words, value) ?: ubd_open(&u->image, &u->spec, why) ?:
	      ubd_make_cow(&u->image, &u->spec, why);
	if (!err) {
		u->image.pool = u->pool;
		ubd_uring_attach(&u->image, &u->spec, 2 * n);
		err = ubd_add(u, n);
		if (err) {
			*said = NULL;
			ubd_uring_detach(&u->image);
			ubd_close(&u->image);
		}
	}
	if (err)
		forget(u);
	return err;
}

static int ubd_show(unsigned int n, char *buf, size_t size)
{
	struct ubd_spec *s = &ubds[min(n, UNITS - 1U)].spec;

	if (n >= UNITS || !s->file)
		return -ENODEV;
	snprintf(buf, size, "%s%s%s%s%s=%s%s%s%s%s", s->readonly ? "r" : "",
		 s->sync ? "s" : "", s->raw ? "d" : "", s->shared ? "c" : "",
		 s->no_discard ? "t" : "", s->file, s->backing || s->serial ? "," : "",
		 s->backing ?: "", s->serial ? "," : "", s->serial ?: "");
	return 0;
}

static int ubd_remove(unsigned int n, const char **said)
{
	struct ubd *u = &ubds[min(n, UNITS - 1U)];
	int err = 0;

	if (n >= UNITS || !u->disk)
		return -ENODEV;
	flush_delayed_fput();	/* who looked for partitions may hold it for a tick more */
	if (disk_openers(u->disk)) {
		*said = "it is in use (mounted, or open)";
		return -EBUSY;
	}
	del_gendisk(u->disk);
	if (u->image.is_cow && !u->image.readonly)
		err = ubd_cow_flush(&u->image);
	put_disk(u->disk);
	u->disk = NULL;
	blk_mq_free_tag_set(&u->tags);
	ubd_uring_detach(&u->image);
	ubd_close(&u->image);
	forget(u);
	if (err)
		*said = "removed, but its last writes were not written: see the host's disk";
	return err;
}

static struct hotplug_class ubd_class = {
	.name = "ubd",
	.config = ubd_config,
	.show = ubd_show,
	.remove = ubd_remove,
	.flags = true,
};

/* Before the end, bits of COW files that no flush has written; files are let go of. */
static int ubd_end(struct notifier_block *nb, unsigned long action, void *data)
{
	for (int i = 0; i < UNITS; i++) {
		if (!ubds[i].disk)
			continue;
		if (ubds[i].image.is_cow && !ubds[i].image.readonly)
			ubd_cow_flush(&ubds[i].image);
		ubd_uring_detach(&ubds[i].image);
	}
	return NOTIFY_DONE;
}

static struct notifier_block ubd_notifier = { .notifier_call = ubd_end };

static struct ubd_pool * __init start_pool(void)
{
	struct ubd_pool *pool = kvzalloc(sizeof(*pool), GFP_KERNEL);

	if (pool && ubd_pool_start(pool)) {
		kvfree(pool);
		pool = NULL;
	}
	return pool;
}

static void __init prepare_disk(struct ubd *u, int n)
{
	if (ubd_make_cow(&u->image, &u->spec, why))
		boot_die("ubd%d=%s: %s\n", n, u->spec.file, why);
	u->pool = start_pool();
	if (!u->pool)
		boot_die("ubd%d=%s: the host has no thread for it\n", n, u->spec.file);
	u->image.pool = u->pool;
	ubd_uring_attach(&u->image, &u->spec, 2 * n);
}

/* Disks are prepared before the ring is locked, and used behind it. */
static void __init start_disks(void)
{
	int err = wanted == THREADS ? 0 : ubd_uring_start(wanted == URING), i;

	for (i = 0; i < UNITS; i++)
		if (ubds[i].spec.file)
			prepare_disk(&ubds[i], i);
	if (wanted != THREADS && !err)
		err = ubd_uring_enable();
	if (err && wanted == URING)
		boot_warn("ubd=uring: no io_uring on this host (%s): threads do its work\n",
			  host_error(err));
	for (i = 0; i < UNITS; i++) {
		if (!ubds[i].spec.file)
			continue;
		if (err)
			ubd_uring_detach(&ubds[i].image);
		if (ubd_add(&ubds[i], i))
			boot_die("ubd%d=%s: cannot be added\n", i, ubds[i].spec.file);
	}
}

static int __init ubd_init(void)
{
	bool any = door_socket() >= 0;	/* else none can come */

	if (register_blkdev(UBD_MAJOR, "ubd"))
		return -EBUSY;
	if (request_irq(IRQ_UBD, ubd_interrupt, 0, "ubd", NULL))
		return -EBUSY;
	register_reboot_notifier(&ubd_notifier);
	if (any)
		spare = start_pool();
	for (int i = 0; i < UNITS; i++)
		any |= !!ubds[i].spec.file;
	if (any)
		start_disks();
	hotplug_register(&ubd_class);
	return 0;
}
device_initcall(ubd_init);
