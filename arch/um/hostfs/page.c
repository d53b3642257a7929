// SPDX-License-Identifier: GPL-2.0
/*
 * The page cache of hostfs: folios are filled by preadv(2) straight into guest
 * memory, many at once, and written by pwritev(2).
 *
 * write(2) comes through write_begin() and write_end(), which writes to the host
 * at once what was copied into a folio; the folio stays clean. What the host
 * does not take is read back, so that the cache tells what the file holds.
 * Folios become dirty through mmap(2) only.
 *
 * A file that the host made shorter shows in a read that ends early: the size
 * is lowered to what the host says, and what lies behind it is a SIGBUS or the
 * end of the file for guest programs.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include <asm/host.h>
#include <asm/host_dirs.h>
#include "hostfs.h"

#define BATCH	32	/* folios that one host call moves, at most */

/**
 * struct batch - folios that follow each other in a file
 * @inode, @h:	the file
 * @pos, @len:	the range, in bytes
 * @n:		folios
 */
struct batch {
	struct inode *inode;
	struct hostfs_handle *h;
	loff_t pos;
	u64 len;
	unsigned int n;
	struct folio *folio[BATCH];
	struct host_iovec iov[BATCH];
};

static void batch_add(struct batch *b, struct folio *folio, u64 len)
{
	if (!b->n)
		b->pos = folio_pos(folio);
	b->folio[b->n] = folio;
	b->iov[b->n].base = folio_address(folio);
	b->iov[b->n].len = len;
	b->len += len;
	b->n++;
}

/*
 * Read or write all of it. Bytes, or -errno when there are none. A read that the
 * host ends where the file does, as we know it, is not tried again behind that.
 */
static long transfer(struct batch *b, bool write)
{
	struct host_iovec *v = b->iov;
	unsigned int left = b->n;
	u64 done = 0;

	while (left) {
		long n = write ? host_pwritev(b->h->fd, v, left, b->pos + done)
			       : host_preadv(b->h->fd, v, left, b->pos + done);

		if (n < 0)
			return done ?: n;
		if (!n)
			break;
		done += n;
		for (; left && n >= v->len; v++, left--)
			n -= v->len;
		if (left) {
			v->base += n;
			v->len -= n;
		}
		if (!write && b->pos + done >= i_size_read(b->inode))
			break;
	}
	return done;
}

/* The same with one buffer; @end: where the file ends, or U64_MAX. */
static long single(struct hostfs_handle *h, void *buf, u64 len, u64 pos, u64 end, bool write)
{
	u64 done = 0;

	while (done < len) {
		long n = write ? host_pwrite(h->fd, buf + done, len - done, pos + done)
			       : host_pread(h->fd, buf + done, len - done, pos + done);

		if (n < 0)
			return done ?: n;
		if (!n)
			break;
		done += n;
		if (!write && pos + done >= end)
			break;
	}
	return done;
}

/**
 * hostfs_pread() - read until the end of the file
 *
 * Return: bytes, or -errno.
 */
long hostfs_pread(struct hostfs_handle *h, void *buf, u64 len, u64 pos)
{
	return single(h, buf, len, pos, U64_MAX, false);
}

/**
 * hostfs_pwrite() - write all, or as much as the host takes
 */
long hostfs_pwrite(struct hostfs_handle *h, const void *buf, u64 len, u64 pos)
{
	return single(h, (void *)buf, len, pos, U64_MAX, true);
}

/**
 * hostfs_zero_tail() - a file is about to become @size bytes long, or longer than that
 *
 * What a program has stored behind its end through a mapping is to read as zeros.
 * The caller holds the inode's lock. May sleep.
 */
void hostfs_zero_tail(struct inode *inode, loff_t size)
{
	loff_t old = i_size_read(inode);
	struct folio *folio;
	size_t from;

	if (size <= old || !offset_in_page(old) ||
	    (!mapping_writably_mapped(inode->i_mapping) &&
	     !mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY)))
		return;
	folio = filemap_lock_folio(inode->i_mapping, old >> PAGE_SHIFT);
	if (IS_ERR(folio))
		return;
	from = offset_in_folio(folio, old);
	if (folio_test_uptodate(folio))
		folio_zero_segment(folio, from, round_up(from, PAGE_SIZE));
	folio_unlock(folio);
	folio_put(folio);
}

/* A read ended at @end, before the size that we know. */
static void became_shorter(struct inode *inode, struct hostfs_handle *h, loff_t end)
{
	struct statx stx;

	if (end >= i_size_read(inode) || host_stat_in(h->fd, "", &stx))
		return;
	if (stx.stx_size < i_size_read(inode))
		i_size_write(inode, stx.stx_size);
	hostfs_stale(inode);
}

static void read_batch(struct batch *b)
{
	long got = b->n ? transfer(b, false) : 0;
	u64 at = 0;

	if (got >= 0 && got < b->len)
		became_shorter(b->inode, b->h, b->pos + got);
	for (unsigned int i = 0; i < b->n; i++) {
		struct folio *folio = b->folio[i];
		u64 size = folio_size(folio), here = 0;

		if (got > 0 && got > at)
			here = min_t(u64, size, got - at);
		if (here < size)
			folio_zero_segment(folio, here, size);
		if (got >= 0)
			folio_mark_uptodate(folio);
		folio_unlock(folio);
		at += size;
	}
	b->n = 0;
	b->len = 0;
}

static void hostfs_readahead(struct readahead_control *rac)
{
	struct batch b = { .inode = rac->mapping->host };
	struct folio *folio;

	if (!rac->file)		/* one by one, then */
		return;
	b.h = rac->file->private_data;
	while ((folio = readahead_folio(rac))) {
		batch_add(&b, folio, folio_size(folio));
		if (b.n == BATCH)
			read_batch(&b);
	}
	read_batch(&b);
}

static int read_into(struct inode *inode, struct hostfs_handle *h, struct folio *folio)
{
	long n = single(h, folio_address(folio), folio_size(folio), folio_pos(folio),
			i_size_read(inode), false);

	if (n < 0)
		return n;
	if (n < folio_size(folio)) {
		folio_zero_segment(folio, n, folio_size(folio));
		became_shorter(inode, h, folio_pos(folio) + n);
	}
	folio_mark_uptodate(folio);
	return 0;
}

static int hostfs_read_folio(struct file *file, struct folio *folio)
{
	struct inode *inode = folio->mapping->host;
	struct hostfs_handle *h = file ? file->private_data : hostfs_handle_find(inode, false);
	int err = h ? read_into(inode, h, folio) : -EBADF;

	if (!file && h)
		hostfs_handle_put(inode, h);
	folio_unlock(folio);
	return err;
}

static int write_batch(struct batch *b)
{
	bool as_known;
	int err = 0;
	long n;

	if (!b->n)
		return 0;
	as_known = b->h && hostfs_as_known(b->inode, b->h);
	n = b->h ? transfer(b, true) : -EBADF;
	if (n < 0)
		err = n;
	else if (n < b->len)
		err = -ENOSPC;
	hostfs_wrote(b->inode, b->h, as_known);
	if (err)
		mapping_set_error(b->inode->i_mapping, err);
	for (unsigned int i = 0; i < b->n; i++)
		folio_end_writeback(b->folio[i]);
	b->n = 0;
	b->len = 0;
	return err;
}

static int collect(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct batch *b = data;
	loff_t size = i_size_read(b->inode), pos = folio_pos(folio);
	u64 len = pos >= size ? 0 : min_t(u64, folio_size(folio), size - pos);
	int err = 0;

	if (b->n == BATCH || (b->n && b->pos + b->len != pos))
		err = write_batch(b);
	folio_start_writeback(folio);
	if (len < folio_size(folio))
		folio_zero_segment(folio, len, folio_size(folio));
	folio_unlock(folio);
	if (len)
		batch_add(b, folio, len);
	else
		folio_end_writeback(folio);
	return err;
}

static int hostfs_writepages(struct address_space *mapping, struct writeback_control *wbc)
{
	struct batch b = { .inode = mapping->host, .h = hostfs_handle_find(mapping->host, true) };
	int err = write_cache_pages(mapping, wbc, collect, &b), last;

	last = write_batch(&b);
	if (b.h)
		hostfs_handle_put(b.inode, b.h);
	return err ?: last;
}

static int hostfs_write_begin(struct file *file, struct address_space *mapping, loff_t pos,
			      unsigned int len, struct folio **foliop, void **fsdata)
{
	struct inode *inode = mapping->host;
	struct folio *folio;
	size_t from, to;
	int err = 0;

	folio = __filemap_get_folio(mapping, pos / PAGE_SIZE,
				    FGP_WRITEBEGIN | fgf_set_order(len),
				    mapping_gfp_mask(mapping));
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	from = offset_in_folio(folio, pos);
	to = min(from + len, folio_size(folio));
	if (!folio_test_uptodate(folio) && (from || to < folio_size(folio))) {
		/* What is behind the end of the file need not be read. */
		if (folio_pos(folio) >= i_size_read(inode))
			folio_zero_segments(folio, 0, from, to, folio_size(folio));
		else
			err = read_into(inode, file->private_data, folio);
	}
	if (err) {
		folio_unlock(folio);
		folio_put(folio);
		return err;
	}
	*foliop = folio;
	return 0;
}

static int hostfs_write_end(struct file *file, struct address_space *mapping, loff_t pos,
			    unsigned int len, unsigned int copied, struct folio *folio,
			    void *fsdata)
{
	struct inode *inode = mapping->host;
	struct hostfs_handle *h = file->private_data;
	size_t from = offset_in_folio(folio, pos);
	bool as_known;
	long n = 0;

	/* A folio of which only a part was copied holds nothing of use. */
	if (!folio_test_uptodate(folio) && copied < len)
		goto out;
	as_known = hostfs_as_known(inode, h);
	n = hostfs_pwrite(h, folio_address(folio) + from, copied, pos);
	if (n == copied) {
		folio_mark_uptodate(folio);
	} else if (!folio_test_dirty(folio)) {
		folio_clear_uptodate(folio);
		read_into(inode, h, folio);
	}
	if (n > 0 && pos + n > i_size_read(inode))
		i_size_write(inode, pos + n);
	hostfs_wrote(inode, h, as_known);
out:
	folio_unlock(folio);
	folio_put(folio);
	return n;
}

const struct address_space_operations hostfs_aops = {
	.read_folio = hostfs_read_folio,
	.readahead = hostfs_readahead,
	.writepages = hostfs_writepages,
	.dirty_folio = filemap_dirty_folio,
	.write_begin = hostfs_write_begin,
	.write_end = hostfs_write_end,
	.migrate_folio = filemap_migrate_folio,
	.direct_IO = noop_direct_IO,
};
