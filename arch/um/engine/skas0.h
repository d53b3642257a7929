/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the skas0 engines. */
#ifndef _UM_ENGINE_SKAS0_H
#define _UM_ENGINE_SKAS0_H

#include <linux/types.h>

struct map_op;
struct stub_call;

int skas0_probe(void);
int skas0_probe_seccomp(void);
void skas0_encode(struct stub_call *call, const struct map_op *op);

int filter_install(u64 key);

#endif
