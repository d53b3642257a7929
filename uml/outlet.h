/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_OUTLET_H
#define UML_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#define OUTLET_SIZE	(1024 * 1024)

/* How a write to a descriptor does not block. */
enum how {
	PLAIN,		/* a regular file, or opened anew: write(2) */
	SOCKET,
	SMALL,		/* poll(2) says that a little does not block */
};

/**
 * struct outlet - where text goes that must not hold us up
 * @fd:		descriptor, or -1: closed, what comes is dropped
 * @ended:	no more comes
 * @ring:	what has come and could not be written yet: @len bytes from @at
 * @passed:	bytes written; for who counts them
 */
struct outlet {
	int fd;
	enum how how;
	bool ended;
	char *ring;
	size_t at, len, passed;
};

void outlet_init(struct outlet *o);
void outlet_open(struct outlet *o, int fd);
size_t outlet_room(const struct outlet *o);
void outlet_add(struct outlet *o, const char *data, size_t len);
int outlet_pour(struct outlet *o);
void outlet_finish(struct outlet *o, int ms);

#endif
