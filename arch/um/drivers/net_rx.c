// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that frames are read into: a window of chunks of pages. The host
 * writes behind what it has written before; a frame becomes an skb whose pages
 * are those of the window, without a copy. The window then begins behind it,
 * lets go of chunks that are behind it, and gets new ones at its end.
 *
 *	| frames, with the stack |  being read  |      room     |
 *	  page[0]   ^ head          ^ head + fill    page[chunks - 1]
 *
 * Short frames are copied, and their place in the window is used again.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include "net.h"

#define ORDER	3	/* 32 KiB, as the stack's own page fragments */
#define COPY	256	/* a frame up to this is copied whole */
#define HEADERS	128	/* of a longer one, what the protocols want to look at */

static size_t chunk_size(const struct net_window *w, unsigned int i)
{
	return PAGE_SIZE << w->order[i];
}

/* @at bytes behind head: in which chunk, and where in it */
static unsigned int find(const struct net_window *w, size_t at, size_t *offset)
{
	unsigned int i = 0;

	at += w->head;
	while (i < w->chunks && at >= chunk_size(w, i))
		at -= chunk_size(w, i++);
	*offset = at;
	return i;
}

/**
 * net_window_refill() - get memory until there is room for a read
 *
 * Return: is there
 */
bool net_window_refill(struct net_window *w)
{
	/* A frame has to fit into the fragments of one skb: no single pages. */
	static const u8 orders[] = { ORDER, 1 };
	const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN | __GFP_COMP;

	while (w->room - w->head - w->fill < w->want) {
		struct page *page = NULL;
		unsigned int i;

		if (w->chunks == NET_CHUNKS)
			return false;
		for (i = 0; i < ARRAY_SIZE(orders) && !page; i++)
			page = alloc_pages(gfp | (i ? 0 : __GFP_NORETRY), orders[i]);
		if (!page)
			return false;
		w->page[w->chunks] = page;
		w->order[w->chunks] = orders[i - 1];
		w->room += chunk_size(w, w->chunks++);
	}
	return true;
}

/**
 * net_window_iov() - the room that is left
 * @iov: NET_CHUNKS entries
 *
 * Return: how many were filled.
 */
unsigned int net_window_iov(const struct net_window *w, struct host_iovec *iov)
{
	size_t offset;
	unsigned int n = 0;

	for (unsigned int i = find(w, w->fill, &offset); i < w->chunks; i++, offset = 0) {
		iov[n].base = page_address(w->page[i]) + offset;
		iov[n++].len = chunk_size(w, i) - offset;
	}
	return n;
}

/**
 * net_window_copy() - copy out what was read
 * @at: bytes behind the head
 */
void net_window_copy(const struct net_window *w, size_t at, void *to, size_t len)
{
	size_t offset;

	for (unsigned int i = find(w, at, &offset); len; i++, offset = 0) {
		size_t n = min(len, chunk_size(w, i) - offset);

		memcpy(to, page_address(w->page[i]) + offset, n);
		to += n;
		len -= n;
	}
}

/**
 * net_window_skb() - make an skb of a frame, in NAPI
 * @at: bytes behind the head
 * @len: at most NET_FRAME_MAX
 *
 * Return: NULL when there is no memory.
 */
struct sk_buff *net_window_skb(const struct net_window *w, struct napi_struct *napi,
			       size_t at, size_t len)
{
	size_t copy = len <= COPY ? len : HEADERS, offset;
	struct sk_buff *skb = napi_alloc_skb(napi, COPY);

	if (!skb)
		return NULL;
	net_window_copy(w, at, skb_put(skb, copy), copy);
	len -= copy;
	for (unsigned int i = find(w, at + copy, &offset); len; i++, offset = 0) {
		size_t n = min(len, chunk_size(w, i) - offset);

		get_page(w->page[i]);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, w->page[i], offset, n, n);
		len -= n;
	}
	return skb;
}

/**
 * net_window_consume() - the window begins @len bytes later
 */
void net_window_consume(struct net_window *w, size_t len)
{
	unsigned int gone = find(w, len, &w->head);

	for (unsigned int i = 0; i < gone; i++) {
		w->room -= chunk_size(w, i);
		put_page(w->page[i]);
	}
	w->chunks -= gone;
	memmove(w->page, w->page + gone, w->chunks * sizeof(w->page[0]));
	memmove(w->order, w->order + gone, w->chunks * sizeof(w->order[0]));
	w->fill -= min(w->fill, len);
	/* Nobody has a part of it: use it from its beginning. */
	if (!w->fill && w->chunks && page_ref_count(w->page[0]) == 1)
		w->head = 0;
}

/**
 * net_window_used() - a read at the head has brought one frame of @len bytes
 */
void net_window_used(struct net_window *w, size_t len)
{
	if (len > COPY)
		net_window_consume(w, min(ALIGN(len, L1_CACHE_BYTES), w->room - w->head));
}

/**
 * net_window_free() - give all memory back
 */
void net_window_free(struct net_window *w)
{
	for (unsigned int i = 0; i < w->chunks; i++)
		put_page(w->page[i]);
	w->chunks = 0;
	w->room = 0;
	w->head = 0;
	w->fill = 0;
}
