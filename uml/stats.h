/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_STATS_H
#define UML_STATS_H

#include <stdbool.h>
#include <sys/types.h>
#include "../guest/proto.h"

char *host_stats(pid_t kernel, long long start, bool paused);
char *guest_stats(const struct uml_stats *s);

#endif
