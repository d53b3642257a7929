// SPDX-License-Identifier: GPL-2.0
/*
 * From exec to start_kernel().
 *
 * boot_main() runs on the stack that the host gave, in this order:
 *   0. an image that the kernel process started to be its doorman becomes that;
 *      what was left open for us is found, before anything of our own is;
 *      with the option restart a parent stays behind (restart.c);
 *   1. physmem: a memfd takes the place of the image's writable part. Until
 *      that is done nothing but the stack may be written;
 *   2. the vCPU: %fs, its stack for host signals;
 *   3. the command line; the report of what the host can do;
 *   4. the rest of physmem; the engine and the process that spaces are made of;
 *   5. start_kernel() on the first task's stack.
 */
#include <linux/auxvec.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/signal.h>
#include <linux/init_task.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/start_kernel.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/doorman.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/sections.h>
#include <asm/trap.h>
#include <asm/xstate.h>

unsigned long host_hwcap __ro_after_init;
unsigned long host_hwcap2 __ro_after_init;
const struct engine *engine __ro_after_init = &engine_skas0_ptrace;

void __noreturn boot_enter(void (*fn)(void), void *stack_top);

/* An entry of the auxiliary vector: Elf64_auxv_t of getauxval(3). */
struct auxv {
	unsigned long type;
	unsigned long val;
};

static char *executable __initdata;

static void __init read_auxv(const struct auxv *aux)
{
	for (; aux->type != AT_NULL; aux++) {
		switch (aux->type) {
		case AT_HWCAP:
			host_hwcap = aux->val;
			break;
		case AT_HWCAP2:
			/* FSGSBASE and the like; ring 3 MWAIT is not ours to promise */
			host_hwcap2 = aux->val & ~1UL;
			break;
		case AT_EXECFN:
			executable = (char *)aux->val;
			break;
		case AT_SYSINFO_EHDR:
			host_vdso_init((void *)aux->val);
			break;
		}
	}
}

void __noreturn boot_main(unsigned long *stack);

/* Called by _start with the host's initial stack. */
asmlinkage void __init __noreturn boot_main(unsigned long *stack)
{
	int err, restart, argc = stack[0];
	char **argv = (char **)(stack + 1);
	unsigned long *aux = stack + argc + 2;
	const char *home = NULL;
	u64 inherited[HOST_INHERITED_WORDS];

	if (door_wanted(argc, argv))
		doorman_main(argc, argv);
	host_find_inherited(inherited);
	restart = restart_supervise(argc, argv);
	host_open_std_fds();
	host_signal_ignore(SIGXFSZ);	/* EFBIG says it better */
	err = physmem_claim_image();
	if (err) {
		/* No boot_die(): nothing but the stack can be trusted yet. */
		static const char msg[] =
			"linux: no memfd for guest memory (memfd_create or mmap failed): see memfd_create(2), RLIMIT_FSIZE and RLIMIT_AS\n";

		host_write(2, msg, sizeof(msg) - 1);
		host_exit(EXIT_BAD_OPTION);
	}

	host_set_inherited(inherited);
	restart_begin(restart);
	vcpu_init(&vcpu0, 0);
	boot_options.environ = (const char *const *)aux;
	for (; *aux; aux++)
		if (!strncmp((char *)*aux, "HOME=", 5))
			home = (char *)*aux + 5;
	aux++;
	read_auxv((struct auxv *)aux);
	boot_parse(argc, argv);
	xstate_init();
	trap_init_host();
	boot_probe_host();

	umid_init(home);
	door_start(executable ?: "");
	physmem_init(boot_options.mem);
	boot_confine_begin();
	boot_start_engine();
	boot_enter(start_kernel, (void *)init_stack + THREAD_SIZE);
}
