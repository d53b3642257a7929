// SPDX-License-Identifier: GPL-2.0
/*
 * getcpu(2) in the vDSO. With one CPU the answer is known; with more it is the
 * kernel's to give, since a vCPU is no CPU of the host.
 */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/unistd.h>
#include <asm/vdso/syscall.h>

struct getcpu_cache;

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused);

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
{
	if (CONFIG_NR_CPUS > 1)
		return vdso_syscall(__NR_getcpu, (long)cpu, node);
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}

long getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
	__weak __alias(__vdso_getcpu);
