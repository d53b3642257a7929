// SPDX-License-Identifier: GPL-2.0
/*
 * COW files in the format of user-mode Linux: what a guest writes to a disk
 * goes to the COW file, what it has not written is read from a backing file.
 *
 *	header | bitmap: a bit a sector, lowest bit of a byte first | sectors
 *
 * Bitmap and sectors begin at multiples of the header's alignment, and a sector
 * lies where it would on the disk, so the file is as long as the disk but has
 * holes. There are three versions of the header, and one more: 64-bit programs
 * of before 2006 laid out version 3 with padding. Numbers are big-endian from
 * version 2 on; a file of version 1 has the byte order of its maker.
 *
 * Order. A bit says that its sector is in the COW file, so the sector must get
 * there first, also when the host loses power. A write puts its sectors into
 * the file and then sets the bits in memory, where reads look. Only a flush
 * writes bits to the file: it sets aside what is dirty, syncs (the sectors of
 * these bits, if no others), writes what it set aside, and syncs again. A flush
 * without new bits is one sync.
 *
 * The bitmap is read in chunks as they are needed, into memory of the host.
 */
#include <linux/blk_types.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <asm/host.h>
#include "ubd.h"

#define COW_MAGIC	0x4f4f4f4d
#define COW_CHUNK	4096		/* bytes of the bitmap */
#define CHUNK_BITS	(COW_CHUNK * 8ULL)
#define ALIGNMENT	4096		/* of files that are made here */

#define CHUNK_LOADED	1
#define CHUNK_DIRTY	2
#define CHUNK_STAGED	4

/* Where a version of the header has its fields, in bytes. */
struct cow_format {
	u16 mtime, size, sector, align, format, path, path_len, len;
};

static const struct cow_format v1 = {
	.path = 8, .path_len = 256, .mtime = 264, .size = 268, .sector = 276, .len = 280,
};

static const struct cow_format v2 = {
	.path = 8, .path_len = 4096, .mtime = 4104, .size = 4108, .sector = 4116, .len = 4120,
};

static const struct cow_format v3 = {
	.mtime = 8, .size = 12, .sector = 20, .align = 24, .format = 28,
	.path = 32, .path_len = 4096, .len = 4128,
};

/* An mtime of eight bytes, of which the first four are used. */
static const struct cow_format v3_padded = {
	.mtime = 8, .size = 16, .sector = 24, .align = 28, .format = 32,
	.path = 36, .path_len = 4096, .len = 4136,
};

#define HEADER_MAX	4136

static u32 get32(const u8 *p, bool little)
{
	return little ? get_unaligned_le32(p) : get_unaligned_be32(p);
}

static u64 get64(const u8 *p, bool little)
{
	return little ? get_unaligned_le64(p) : get_unaligned_be64(p);
}

/* The version's fields, and whether they are little-endian; NULL: no version. */
static const struct cow_format *format_of(const u8 *h, u32 *version, bool *little)
{
	*little = get_unaligned_le32(h) == COW_MAGIC;
	*version = get32(h + 4, *little);
	if (*version == 1)
		return &v1;
	*little = false;
	if (*version == 2)
		return &v2;
	if (*version == 3)	/* a path does not begin with four zeros */
		return get_unaligned((u32 *)(h + v3.path)) ? &v3 : &v3_padded;
	return NULL;
}

/* Sizes that follow from the header; the maker of a file counted so, too. */
static const char *lay_out(struct ubd_cow *cow, u32 version, u32 header, u64 size, u32 align)
{
	if (cow->sector < 512 || cow->sector > PAGE_SIZE || (cow->sector & (cow->sector - 1)))
		return "its header has an impossible sector size";
	if (!size || size > 1ULL << 60)
		return "its header has an impossible size";
	if (!align || align > 1U << 30)
		return "its header has an impossible alignment";
	cow->bits = size / cow->sector;
	if (version < 3) {
		cow->bitmap_at = header;
		cow->bitmap_len = (size + cow->sector - 1) / (8 * cow->sector);
		cow->data_at = roundup(cow->bitmap_at + cow->bitmap_len, cow->sector);
	} else {
		cow->bitmap_at = roundup(header, align);
		cow->bitmap_len = DIV_ROUND_UP_ULL(DIV_ROUND_UP_ULL(size, cow->sector), 8);
		cow->data_at = roundup(cow->bitmap_at + cow->bitmap_len, align);
	}
	return NULL;
}

/* Names are shown as they are, to a terminal maybe. */
static bool is_text(const u8 *name)
{
	while (*name >= ' ' && *name != 0x7f)
		name++;
	return !*name;
}

/**
 * ubd_cow_recognise() - is an image a COW file, and how is it laid out
 * @img:	with @fd; @size and @cow are filled
 * @info:	of the file
 * @mtime:	filled: the backing file's time of last change, in seconds,
 *		modulo 2^32
 * @backing:	filled: path of the backing file; UBD_PATH_LEN + 1 bytes
 * @why:	filled on error; UBD_WHY_LEN bytes
 *
 * Return: 1, 0 when it is none, -EINVAL for one that cannot be used, or
 * -errno.
 */
int ubd_cow_recognise(struct ubd_image *img, const struct host_file_info *info, u32 *mtime,
		      char *backing, char *why)
{
	static u8 h[HEADER_MAX];	/* one option at a time */
	struct ubd_cow *cow = &img->cow;
	const struct cow_format *f;
	const char *wrong;
	u32 version;
	bool little;
	long n;

	memset(h, 0, sizeof(h));
	n = host_pread(img->fd, h, sizeof(h), 0);
	if (n < 0)
		return n;
	if (n < 8 || (get_unaligned_le32(h) != COW_MAGIC && get_unaligned_be32(h) != COW_MAGIC))
		return 0;
	f = format_of(h, &version, &little);
	if (!f) {
		snprintf(why, UBD_WHY_LEN, "a COW file of version %u, which is none", version);
		return -EINVAL;
	}
	wrong = n < f->len ? "it ends in its header" : NULL;
	cow->sector = get32(h + f->sector, little);
	img->size = get64(h + f->size, little);
	*mtime = get32(h + f->mtime, little);
	if (!wrong && f->format && get32(h + f->format, little))
		wrong = "its header names a format that is not known";
	if (!wrong && (!h[f->path] || strnlen(h + f->path, f->path_len) == f->path_len))
		wrong = "its header names no backing file";
	if (!wrong && !is_text(h + f->path))
		wrong = "its backing file's name is no text";
	if (!wrong)
		wrong = lay_out(cow, version, f->len, img->size,
				version < 3 ? cow->sector : get32(h + f->align, little));
	if (!wrong && info->size < cow->bitmap_at + cow->bitmap_len)
		wrong = "it ends in its bitmap";
	/* The count of these versions forgot the last sectors of some sizes. */
	if (!wrong && !img->readonly && cow->bits > cow->bitmap_len * 8)
		wrong = "its bitmap is too short to be written (use flag r)";
	if (wrong) {
		snprintf(why, UBD_WHY_LEN, "not a good COW file: %s", wrong);
		return -EINVAL;
	}
	img->can_zero = !info->block && info->size >= cow->data_at + img->size;
	strscpy(backing, h + f->path, UBD_PATH_LEN);
	return 1;
}

/**
 * ubd_cow_create() - make an empty file an empty COW file
 * @img:	with @fd; @size and @cow are filled
 * @size:	of the backing file, bytes
 * @mtime:	of the backing file
 * @backing:	its path, shorter than UBD_PATH_LEN
 *
 * The header comes last, so a file that it is not complete is not recognised.
 *
 * Return: 0 or -errno.
 */
int ubd_cow_create(struct ubd_image *img, u64 size, u32 mtime, const char *backing)
{
	static u8 h[HEADER_MAX];
	struct ubd_cow *cow = &img->cow;
	long n;

	cow->sector = SECTOR_SIZE;
	if (lay_out(cow, 3, v3.len, size, ALIGNMENT))
		return -EINVAL;
	memset(h, 0, sizeof(h));
	n = host_pwrite(img->fd, h, 1, cow->data_at + size - 1);
	if (n < 0)
		return n;
	put_unaligned_be32(COW_MAGIC, h);
	put_unaligned_be32(3, h + 4);
	put_unaligned_be32(mtime, h + v3.mtime);
	put_unaligned_be64(size, h + v3.size);
	put_unaligned_be32(cow->sector, h + v3.sector);
	put_unaligned_be32(ALIGNMENT, h + v3.align);
	strscpy(h + v3.path, backing, v3.path_len);
	n = host_pwrite(img->fd, h, v3.len, 0);
	if (n < 0)
		return n;
	img->size = size;
	img->can_zero = true;
	return n == v3.len ? 0 : -ENOSPC;
}

/**
 * ubd_cow_rename() - write another path of the backing file into the header
 *
 * Return: 0, -ENAMETOOLONG, or -errno.
 */
int ubd_cow_rename(struct ubd_image *img, const char *backing)
{
	static u8 h[HEADER_MAX];
	const struct cow_format *f;
	u32 version;
	bool little;
	long n = host_pread(img->fd, h, sizeof(h), 0);

	if (n < 0)
		return n;
	f = format_of(h, &version, &little);
	if (!f)
		return -EINVAL;
	if (strlen(backing) >= f->path_len)
		return -ENAMETOOLONG;
	memset(h + f->path, 0, f->path_len);
	strscpy(h + f->path, backing, f->path_len);
	n = host_pwrite(img->fd, h + f->path, f->path_len, f->path);
	if (n < 0)
		return n;
	return n == f->path_len ? host_fdatasync(img->fd) : -ENOSPC;
}

static u64 chunks_of(struct ubd_cow *cow)
{
	return DIV_ROUND_UP(cow->bits, CHUNK_BITS);
}

/**
 * ubd_cow_map() - get memory for the bitmap
 *
 * Return: 0 or -ENOMEM.
 */
int ubd_cow_map(struct ubd_image *img)
{
	struct ubd_cow *cow = &img->cow;
	u64 chunks = chunks_of(cow);
	u8 *p = host_map_private(chunks * (2 * COW_CHUNK + 1));

	if (IS_ERR(p))
		return -ENOMEM;
	cow->bitmap = p;
	cow->staged = cow->bitmap + chunks * COW_CHUNK;
	cow->state = cow->staged + chunks * COW_CHUNK;
	cow->first_dirty = U64_MAX;
	return 0;
}

/**
 * ubd_cow_unmap() - give it back; no host thread uses it
 */
void ubd_cow_unmap(struct ubd_image *img)
{
	struct ubd_cow *cow = &img->cow;

	if (cow->bitmap)
		host_unmap(cow->bitmap, chunks_of(cow) * (2 * COW_CHUNK + 1));
	cow->bitmap = NULL;
}

static u64 chunk_len(struct ubd_cow *cow, u64 chunk)
{
	u64 start = chunk * COW_CHUNK;

	return start >= cow->bitmap_len ? 0 : min(cow->bitmap_len - start, (u64)COW_CHUNK);
}

/* Under @lock. */
static int load(struct ubd_image *img, u64 chunk)
{
	struct ubd_cow *cow = &img->cow;
	u64 len = chunk_len(cow, chunk), at = chunk * COW_CHUNK, done = 0;

	if (cow->state[chunk] & CHUNK_LOADED)
		return 0;
	while (done < len) {
		long n = host_pread(img->fd, cow->bitmap + at + done, len - done,
				    cow->bitmap_at + at + done);

		if (n <= 0)
			return n ?: -EIO;
		done += n;
	}
	cow->state[chunk] |= CHUNK_LOADED;
	return 0;
}

static bool test_bit_at(const u8 *bitmap, u64 bit)
{
	return bitmap[bit / 8] >> (bit % 8) & 1;
}

/* How many bits from @first on, in one chunk and before @end, are alike. */
static u64 count_alike(const u8 *bitmap, u64 first, u64 end)
{
	bool value = test_bit_at(bitmap, first);
	u8 same = value ? 0xff : 0;
	u64 bit = first;

	end = min(end, roundup(first + 1, CHUNK_BITS));
	while (bit < end) {
		if (bit % 8 == 0 && end - bit >= 8 && bitmap[bit / 8] == same)
			bit += 8;
		else if (test_bit_at(bitmap, bit) == value)
			bit++;
		else
			break;
	}
	return bit - first;
}

/* How many sectors from @first on, @count at most, are in the same file. */
static long run_of(struct ubd_image *img, u64 first, u64 count, bool *own)
{
	struct ubd_cow *cow = &img->cow;
	long run;

	ubd_lock(&cow->lock);
	run = load(img, first / CHUNK_BITS);
	if (!run) {
		*own = test_bit_at(cow->bitmap, first);
		run = count_alike(cow->bitmap, first, first + count);
	}
	ubd_unlock(&cow->lock);
	return run;
}

/**
 * ubd_cow_place() - where a whole request goes, if that is one place
 * @fd:		filled: the file
 * @offset:	filled: the offset in it
 *
 * By a vCPU; does not wait.
 *
 * Return: false when it is more than one place, is a write to sectors that are
 * not in the COW file yet, or cannot be told at once.
 */
bool ubd_cow_place(struct ubd_image *img, struct ubd_io *io, int *fd, u64 *offset)
{
	struct ubd_cow *cow = &img->cow;
	u64 first = io->offset / cow->sector, count = io->len / cow->sector;
	bool own = false, good = false;

	if (!ubd_trylock(&cow->lock))
		return false;
	if (cow->state[first / CHUNK_BITS] & CHUNK_LOADED) {
		own = test_bit_at(cow->bitmap, first);
		good = count_alike(cow->bitmap, first, first + count) == count;
	}
	ubd_unlock(&cow->lock);
	*fd = own ? img->fd : cow->backing;
	*offset = own ? cow->data_at + io->offset : io->offset;
	return good && (own || io->op == UBD_READ);
}

static int set_bits(struct ubd_image *img, u64 first, u64 count)
{
	struct ubd_cow *cow = &img->cow;
	u64 bit = first, end = first + count;
	int err = 0;

	ubd_lock(&cow->lock);
	while (!err && bit < end) {
		u64 chunk = bit / CHUNK_BITS, stop = min(end, (chunk + 1) * CHUNK_BITS);
		bool new = false;

		err = load(img, chunk);
		for (; !err && bit < stop; bit++) {
			u8 mask = 1 << bit % 8;

			new |= !(cow->bitmap[bit / 8] & mask);
			cow->bitmap[bit / 8] |= mask;
		}
		if (new) {
			cow->state[chunk] |= CHUNK_DIRTY;
			cow->first_dirty = min(cow->first_dirty, chunk);
			cow->end_dirty = max(cow->end_dirty, chunk + 1);
		}
	}
	ubd_unlock(&cow->lock);
	return err;
}

/**
 * ubd_cow_loaded() - are the bits of a request in memory
 *
 * By a vCPU; does not wait.
 *
 * Return: false as well when it cannot be told at once.
 */
bool ubd_cow_loaded(struct ubd_image *img, struct ubd_io *io)
{
	struct ubd_cow *cow = &img->cow;
	u64 last = ((io->offset + io->len) / cow->sector - 1) / CHUNK_BITS;
	bool loaded = true;

	if (!ubd_trylock(&cow->lock))
		return false;
	for (u64 i = io->offset / cow->sector / CHUNK_BITS; i <= last; i++)
		loaded &= cow->state[i] & CHUNK_LOADED;
	ubd_unlock(&cow->lock);
	return loaded;
}

/**
 * ubd_cow_written() - a write's sectors are in the COW file: set their bits
 *
 * By a host thread. Return: 0 or -errno.
 */
int ubd_cow_written(struct ubd_image *img, struct ubd_io *io)
{
	return set_bits(img, io->offset / img->cow.sector, io->len / img->cow.sector);
}

/* Each run of sectors from the file that has it. */
static int read_or_discard(struct ubd_image *img, struct ubd_io *io)
{
	struct ubd_cursor c = { .iov = io->iov, .n = io->segments };
	struct ubd_cow *cow = &img->cow;
	u64 at = io->offset, end = io->offset + io->len;
	int err = 0;

	while (!err && at < end) {
		bool own = false;
		long run = run_of(img, at / cow->sector, (end - at) / cow->sector, &own);
		u64 len = run * cow->sector;

		if (run <= 0)
			return run ?: -EIO;
		if (io->op == UBD_READ)
			err = ubd_transfer(own ? img->fd : cow->backing, false, &c, len,
					   own ? cow->data_at + at : at);
		else if (own)
			err = host_discard(img->fd, cow->data_at + at, len, false);
		at += len;
	}
	return err;
}

/**
 * ubd_cow_io() - carry out a read, write, discard or write of zeros
 *
 * A discard gives back what the COW file has of its range, which reads as
 * zeros then; what the backing file has stays as it is. By a host thread.
 *
 * Return: 0 or -errno; of a write that fails an unknown part is done.
 */
int ubd_cow_io(struct ubd_image *img, struct ubd_io *io)
{
	struct ubd_cursor c = { .iov = io->iov, .n = io->segments };
	struct ubd_cow *cow = &img->cow;
	u64 at = cow->data_at + io->offset;
	int err;

	switch (io->op) {
	case UBD_READ:
	case UBD_DISCARD:
		return read_or_discard(img, io);
	case UBD_WRITE:
		err = ubd_transfer(img->fd, true, &c, io->len, at);
		break;
	case UBD_ZERO:
		err = host_discard(img->fd, at, io->len, false);
		break;
	default:
		return -EOPNOTSUPP;
	}
	return err ?: ubd_cow_written(img, io);
}

/* Set aside what is dirty; false when nothing is. */
static bool stage(struct ubd_cow *cow, u64 *first, u64 *end)
{
	ubd_lock(&cow->lock);
	*first = cow->first_dirty;
	*end = cow->end_dirty;
	for (u64 i = *first; i < *end; i++) {
		if (!(cow->state[i] & CHUNK_DIRTY))
			continue;
		memcpy(cow->staged + i * COW_CHUNK, cow->bitmap + i * COW_CHUNK, COW_CHUNK);
		cow->state[i] = CHUNK_LOADED | CHUNK_STAGED;
	}
	cow->first_dirty = U64_MAX;
	cow->end_dirty = 0;
	ubd_unlock(&cow->lock);
	return *first < *end;
}

/* What was set aside is on the file now, or is dirty again. */
static void unstage(struct ubd_cow *cow, u64 first, u64 end, bool dirty)
{
	ubd_lock(&cow->lock);
	for (u64 i = first; i < end; i++) {
		if (!(cow->state[i] & CHUNK_STAGED))
			continue;
		cow->state[i] &= ~CHUNK_STAGED;
		if (dirty)
			cow->state[i] |= CHUNK_DIRTY;
	}
	if (dirty) {
		cow->first_dirty = min(cow->first_dirty, first);
		cow->end_dirty = max(cow->end_dirty, end);
	}
	ubd_unlock(&cow->lock);
}

/* Neighbours in one call. */
static int write_staged(struct ubd_image *img, u64 first, u64 end)
{
	struct ubd_cow *cow = &img->cow;

	for (u64 i = first, len; i < end; i++) {
		u64 at = i * COW_CHUNK, done = 0;

		for (len = 0; i < end && cow->state[i] & CHUNK_STAGED; i++)
			len += chunk_len(cow, i);
		while (done < len) {
			long n = host_pwrite(img->fd, cow->staged + at + done, len - done,
					     cow->bitmap_at + at + done);

			if (n <= 0)
				return n ?: -EIO;
			done += n;
		}
	}
	return 0;
}

/**
 * ubd_cow_flush() - all that is written is on stable storage, with its bits
 *
 * By a host thread. Return: 0 or -errno; then the bits stay for the next flush.
 */
int ubd_cow_flush(struct ubd_image *img)
{
	struct ubd_cow *cow = &img->cow;
	u64 first, end;
	bool bits;
	int err;

	ubd_lock(&cow->flushing);
	bits = stage(cow, &first, &end);
	err = host_fdatasync(img->fd);
	if (bits) {
		if (!err)
			err = write_staged(img, first, end);
		if (!err)
			err = host_fdatasync(img->fd);
		unstage(cow, first, end, err);
	}
	ubd_unlock(&cow->flushing);
	return err;
}
