// SPDX-License-Identifier: GPL-2.0
/*
 * Orders to a space as the host system calls that its stub makes. Both
 * transports of skas0 use them.
 */
#include <linux/mman.h>
#include <linux/string.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/stub.h>
#include <asm/unistd.h>
#include "skas0.h"

/**
 * skas0_encode() - one order as one host system call
 */
void skas0_encode(struct stub_call *call, const struct map_op *op)
{
	memset(call, 0, sizeof(*call));
	call->args[0] = op->addr;
	call->args[1] = op->len;
	switch (op->kind) {
	case MAP_SET:
		call->nr = __NR_mmap;
		call->args[2] = op->prot;
		call->args[3] = MAP_SHARED | MAP_FIXED;
		/* What is written to, the host would bring in page by page. */
		if (host_faults_dear || (op->prot & MAP_PROT_WRITE && op->len > PAGE_SIZE))
			call->args[3] |= MAP_POPULATE;
		call->args[4] = 0;	/* descriptor 0: physmem */
		call->args[5] = op->phys;
		break;
	case MAP_READONLY:
		call->nr = __NR_mprotect;
		call->args[2] = op->prot;
		break;
	case MAP_UNSET:
		call->nr = __NR_munmap;
		break;
	case MAP_EMPTY:
		call->nr = __NR_munmap;
		call->args[0] = 0;
		call->args[1] = TASK_SIZE_MAX;
		break;
	}
}
