/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of ubd share.
 *
 * ubd.c	the block driver: requests of the guest
 * ubd_words.c	the words of an option
 * ubd_open.c	from those to an image that is open
 * ubd_cow.c	copy-on-write files: the header, and requests by the bitmap
 * ubd_host.c	requests by host threads
 * ubd_uring.c	requests by the host's io_uring
 */
#ifndef _UM_DRIVERS_UBD_H
#define _UM_DRIVERS_UBD_H

#include <linux/types.h>
#include <asm/host.h>

#define UBD_MAX_SEGMENTS	128
#define UBD_THREADS		4
#define UBD_STACK_SIZE		16384
#define UBD_TRY_BYTES		(256 * 1024)	/* what a vCPU may copy */
#define UBD_REST_NS		(400 * 1000)	/* longest rest behind a write that can wait */
#define UBD_PATH_LEN		4096	/* with the final zero */
#define UBD_WHY_LEN		1024

enum ubd_op { UBD_READ, UBD_WRITE, UBD_FLUSH, UBD_DISCARD, UBD_ZERO };

struct ubd_io;
struct ubd_pool;

/* A lock between host threads, which know no tasks. */
struct ubd_lock {
	unsigned int word;	/* 0 free, 1 held, 2 held and waited for */
};

void ubd_lock(struct ubd_lock *l);
bool ubd_trylock(struct ubd_lock *l);
void ubd_unlock(struct ubd_lock *l);

/**
 * struct ubd_spec - a disk as an option names it
 * @file:	image or COW file; a path or fd:N
 * @backing:	backing file, or NULL
 * @serial:	serial number, or NULL
 * @readonly:	flag r
 * @sync:	flag s: every write is on stable storage before it is done
 * @raw:	flag d: no COW file, whatever it begins with
 * @shared:	flag c: take no lock
 * @no_discard:	flag t
 */
struct ubd_spec {
	const char *file;
	const char *backing;
	const char *serial;
	bool readonly;
	bool sync;
	bool raw;
	bool shared;
	bool no_discard;
};

/**
 * struct ubd_cow - a COW file's layout and bitmap
 * @backing:	descriptor of the backing file
 * @sector:	bytes that a bit of the bitmap stands for
 * @bitmap_at, @bitmap_len, @data_at: places in the COW file, bytes
 * @bits:	how many sectors have a bit
 * @lock:	held for all that follows
 * @flushing:	held by who carries out a flush; taken before @lock
 * @bitmap:	as it is to be; a set bit: the sector is in the COW file
 * @staged:	what a flush writes to the file
 * @state:	a byte for each COW_CHUNK bytes of the bitmap
 * @first_dirty, @end_dirty: bounds of the chunks that are dirty
 */
struct ubd_cow {
	int backing;
	unsigned int sector;
	u64 bitmap_at, bitmap_len, data_at;
	u64 bits;
	struct ubd_lock lock, flushing;
	u8 *bitmap, *staged, *state;
	u64 first_dirty, end_dirty;
};

/**
 * struct ubd_image - what a disk consists of on the host
 * @fd:		the file, or the COW file
 * @block:	it is a block device
 * @is_cow:	@cow is used
 * @readonly:	the guest may not write
 * @sync:	every write is a FUA write
 * @cannot_try:	reads, writes: the host or its file system always wants to wait
 * @can_zero:	a hole punched into it reads as zeros
 * @size:	bytes of the disk
 * @sector:	bytes of its logical blocks
 * @transport:	how its requests are carried out
 * @pool:	the threads; of all transports, for what these cannot do
 * @slot:	of the ring: @fd, opened once more; the backing file in the next
 * @writing:	a thread writes, or is about to; under the lock of @pool, as the next
 * @writes, @last_write: requests that wait for it, in their order
 * @urgent:	requests under way that somebody may wait for; a rest ends with the first
 * @resting:	a thread rests
 * @rests:	how often one did
 */
struct ubd_image {
	int fd;
	bool block;
	bool is_cow;
	bool readonly;
	bool sync;
	bool cannot_try[2];
	bool can_zero;
	u64 size;
	unsigned int sector;
	const struct ubd_transport *transport;
	struct ubd_pool *pool;
	unsigned int slot;
	bool writing;
	struct ubd_io *writes, *last_write;
	unsigned int urgent;
	bool resting;
	unsigned long rests;
	struct ubd_cow cow;
};

/**
 * struct ubd_transport - a way to carry requests out, without waiting for it
 * @name:	as ubd= has it
 * @submit:	take a request; ubd_done() when it is carried out
 * @kick:	a batch of requests is complete
 *
 * By a vCPU. Which requests may be under way at a time, and in what order, is
 * the block layer's to say; what all transports keep: a flush, or a write that
 * is to be on stable storage, is done when the host's sync behind it is.
 */
struct ubd_transport {
	const char *name;
	void (*submit)(struct ubd_io *io);
	void (*kick)(struct ubd_image *img);
};

extern const struct ubd_transport ubd_threads, ubd_uring;

/* A place in a list of segments; what lies before it is done. */
struct ubd_cursor {
	struct host_iovec *iov;
	unsigned int n;
};

/**
 * struct ubd_io - a request on its way to the host and back
 * @next:	in a list
 * @image:	what it is for
 * @queue:	where it came from and goes back to
 * @op:		what to do
 * @fua:	UBD_WRITE, UBD_ZERO: on stable storage before it is done
 * @can_wait:	UBD_WRITE: a large one that nobody waited for when it was submitted
 * @error:	result, 0 or -errno
 * @offset:	on the disk, bytes
 * @len:	bytes
 * @parts:	on the ring: results to come
 * @redo:	on the ring: threads are to do it instead
 * @segments:	used part of @iov
 * @iov:	guest memory, by its addresses in the direct map
 */
struct ubd_io {
	struct ubd_io *next;
	struct ubd_image *image;
	struct ubd_queue *queue;
	u8 op;
	bool fua;
	bool can_wait;
	int error;
	u64 offset;
	u64 len;
	u8 parts;
	bool redo;
	unsigned int segments;
	struct host_iovec iov[UBD_MAX_SEGMENTS];
};

/**
 * struct ubd_queue - requests of one vCPU
 * @vcpu:	which is told of results
 * @submitted:	since the last kick
 * @done:	finished requests, newest first; taken whole
 */
struct ubd_queue {
	struct vcpu *vcpu;
	bool submitted;
	struct ubd_io *done;
};

/**
 * struct ubd_pool - host threads for the requests of one disk, or of several
 * @todo:	submitted, newest first; taken whole
 * @wake:	counts submissions; idle threads sleep on it
 * @idle:	threads that sleep, or are about to
 * @lock:	held for @first, @last, and each disk's list of writes
 * @first, @last: requests that can be carried out now, in their order
 */
struct ubd_pool {
	struct ubd_io *todo;
	unsigned int wake;
	unsigned int idle;
	struct ubd_lock lock;
	struct ubd_io *first, *last;
	char stacks[UBD_THREADS][UBD_STACK_SIZE] __aligned(16);
};

int ubd_read_words(struct ubd_spec *spec, const char *flags, char *value, char *why);
int ubd_holder(const struct host_file_info *info);
int ubd_open(struct ubd_image *img, const struct ubd_spec *spec, char *why);
int ubd_make_cow(struct ubd_image *img, const struct ubd_spec *spec, char *why);
void ubd_close(struct ubd_image *img);
int ubd_reopen(int fd, const char *name, bool write);

int ubd_cow_recognise(struct ubd_image *img, const struct host_file_info *info, u32 *mtime,
		      char *backing, char *why);
int ubd_cow_create(struct ubd_image *img, u64 size, u32 mtime, const char *backing);
int ubd_cow_rename(struct ubd_image *img, const char *backing);
int ubd_cow_map(struct ubd_image *img);
void ubd_cow_unmap(struct ubd_image *img);
int ubd_cow_io(struct ubd_image *img, struct ubd_io *io);
bool ubd_cow_place(struct ubd_image *img, struct ubd_io *io, int *fd, u64 *offset);
bool ubd_cow_loaded(struct ubd_image *img, struct ubd_io *io);
int ubd_cow_written(struct ubd_image *img, struct ubd_io *io);
int ubd_cow_flush(struct ubd_image *img);

int ubd_transfer(int fd, bool write, struct ubd_cursor *c, u64 len, u64 offset);
bool ubd_try(struct ubd_io *io);
int ubd_pool_start(struct ubd_pool *pool);
void ubd_begin(struct ubd_io *io);
void ubd_done(struct ubd_io *io, int error);
struct ubd_io *ubd_completed(struct ubd_queue *q);

int ubd_uring_start(bool all);
int ubd_uring_enable(void);
void ubd_uring_attach(struct ubd_image *img, const struct ubd_spec *spec, unsigned int slot);
void ubd_uring_detach(struct ubd_image *img);

#endif
