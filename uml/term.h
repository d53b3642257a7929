/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_TERM_H
#define UML_TERM_H

#include <stdbool.h>
#include <stdint.h>

struct uml_size;

bool term_raw(int fd);
void term_guard(int fd);
void term_restore(void);
bool term_is_raw(void);
void term_size(int fd, struct uml_size *size);
int term_pair(int *other);

#endif
