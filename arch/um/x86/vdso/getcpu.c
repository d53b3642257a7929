// SPDX-License-Identifier: GPL-2.0
/*
 * getcpu(2) in the vDSO. With one CPU the answer is known; with more it is the
 * kernel's to give, since a vCPU is no CPU of the host.
 */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/unistd.h>

struct getcpu_cache;

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused);

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
{
	long ret = 0;

	if (CONFIG_NR_CPUS > 1) {
		asm volatile("syscall"
			     : "=a" (ret)
			     : "a" (__NR_getcpu), "D" (cpu), "S" (node), "d" (NULL)
			     : "rcx", "r11", "memory");
		return ret;
	}
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return ret;
}

long getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
	__weak __alias(__vdso_getcpu);
