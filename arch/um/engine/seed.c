// SPDX-License-Identifier: GPL-2.0
/*
 * The seed of skas0 over seccomp: a small process that has the stub, the
 * handlers, the filter, and nothing else; spaces are its clones. It is a runner
 * itself, one that never runs guest code.
 *
 * Its first host system call under the filter is one that nobody may make; the
 * signal shows where the host puts frames, which is the same in all spaces.
 *
 * Each space has a descriptor (an eventfd) from which it fetches the key. It
 * reaches the new process through the seed, over a socket that only the seed
 * keeps.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/boot.h>
#include <asm/cpuid_page.h>
#include <asm/elf.h>
#include <asm/engine.h>
#include <asm/host.h>
#include <asm/physmem.h>
#include <asm/sigcontext.h>
#include <asm/stub_vdso.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <asm/weaken.h>
#include "runner.h"
#include "skas0.h"

static char stub_page[PAGE_SIZE] __aligned(PAGE_SIZE);
static char cpuid_page[PAGE_SIZE] __aligned(PAGE_SIZE);
static char seed_orders[PAGE_SIZE] __aligned(PAGE_SIZE);
static char seed_area[STUB_AREA_MAX] __aligned(PAGE_SIZE);
static struct space seed = { .data = seed_orders, .area = seed_area };
static int seed_socket;

/* Known once the seed runs; see asm/stub.h. */
unsigned int area_order __ro_after_init;
u64 runner_frame __ro_after_init;
u64 runner_fp __ro_after_init;
u64 runner_xmask __ro_after_init;
unsigned int runner_fp_size __ro_after_init;
u64 space_key __ro_after_init;

static bool have_fsgsbase(void)
{
	return host_hwcap2 & 2;		/* AT_HWCAP2, Documentation/arch/x86/elf_auxvec */
}

static void orders_init(struct stub_orders *o)
{
	memset(o, 0, PAGE_SIZE);
	o->parent = host_getpid();
	o->frame = runner_frame;
	o->fp = runner_fp;
	o->xmask = runner_xmask;
	o->weak = weakened(WEAK_NOEXIT) ? BIT(WEAK_EXIT) : 0;
	o->fsgsbase = have_fsgsbase();
}

/*
 * In the child of the kernel process that becomes the seed. It shares the
 * kernel's data, so what it writes there is its own business only.
 */
static void __noreturn become_seed(int parent, int sock, int key_fd)
{
	static const u8 traps[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, STUB_SIG_KICK,
	};
	int fds[] = { physmem_fd, sock, key_fd };
	u64 size = PAGE_SIZE << area_order;

	host_die_with(parent);
	stub_vdso_keep();
	if (host_map_shared_new((void *)STUB_CODE, PAGE_SIZE, HOST_PROT_READ | HOST_PROT_EXEC,
				physmem_fd, __pa(stub_page)) ||
	    host_map_shared_new((void *)STUB_CPUID, PAGE_SIZE, HOST_PROT_READ | HOST_PROT_EXEC,
				physmem_fd, __pa(cpuid_page)) ||
	    host_map_shared_new((void *)STUB_DATA, PAGE_SIZE, HOST_PROT_READ, physmem_fd,
				__pa(seed_orders)) ||
	    host_map_shared_new((void *)STUB_AREA, size, HOST_PROT_READ | HOST_PROT_WRITE,
				physmem_fd, __pa(seed_area)) ||
	    host_seal_fds(fds, ARRAY_SIZE(fds)) ||
	    host_altstack((void *)STUB_AREA + AREA_STACK, size - AREA_STACK))
		host_exit(1);
	/* What a terminal or a person sends to all of us concerns the kernel. */
	for (int i = 1; i < 32; i++)
		host_signal_ignore(i);
	host_signal_default(SIGCHLD);
	for (int i = 0; i < ARRAY_SIZE(traps); i++)
		if (host_signal_code(traps[i], RUNNER_ADDR(rstub_handler)))
			host_exit(1);
	if (filter_install(space_key))
		host_exit(1);
	host_getpid();			/* the trap that is never answered */
	for (;;)
		;
}

/* Where the first frame is, as the seed's own shows it. */
static int __init learn_frame(void)
{
	u64 size = PAGE_SIZE << area_order;
	struct stub_area *a = (void *)seed_area;
	struct stub_frame {
		u64 ret;
		struct ucontext uc;
	} *f;
	struct _fpx_sw_bytes *sw;

	/* From the top down: vector state aligned to 64, then the frame. */
	for (u64 at = size - sizeof(*f); at > AREA_STACK; at -= 8) {
		f = (void *)seed_area + at;
		if (f->ret == RUNNER_ADDR(rstub_handler) &&
		    f->uc.uc_mcontext.ax == __NR_getpid) {
			runner_frame = STUB_AREA + at;
			break;
		}
	}
	if (a->type != SIGSYS || !runner_frame)
		return -EPROTO;
	runner_fp = (u64)f->uc.uc_mcontext.fpstate;
	if (runner_fp < runner_frame || runner_fp + sizeof(struct _xstate) > STUB_AREA + size)
		return -EPROTO;
	sw = &((struct _xstate *)area_at(seed_area, runner_fp))->fpstate.sw_reserved;
	/* Less than the CPU has, where a process must ask for the rest. */
	runner_fp_size = min(sw->xstate_size, xstate_size);
	runner_xmask = sw->xfeatures;
	if (runner_fp + runner_fp_size > STUB_AREA + size)
		return -EPROTO;
	return 0;
}

/**
 * seed_cpuid_page() - the page that all spaces have at STUB_CPUID
 */
void *seed_cpuid_page(void)
{
	return cpuid_page;
}

/**
 * seed_start() - make the seed
 *
 * Return: 0 or -errno.
 */
int __init seed_start(void)
{
	struct stub_orders *o = (void *)seed_orders;
	int parent = host_getpid(), socks[2], pid, err;
	u64 need = AREA_STACK + 2 * (xstate_size + 1024ULL) + 1024;

	BUILD_BUG_ON(offsetof(struct stub_orders, regs) != ORD_REGS);
	BUILD_BUG_ON(offsetof(struct stub_orders, calls) != ORD_CALLS);
	BUILD_BUG_ON(offsetof(struct stub_orders, kick) != ORD_KICK);
	BUILD_BUG_ON(offsetof(struct stub_orders, xmask) != ORD_XMASK);
	BUILD_BUG_ON(offsetof(struct stub_orders, calls_for) != ORD_CALLS_FOR);
	BUILD_BUG_ON(sizeof(struct stub_orders) > PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct stub_call) != STUB_CALL_SIZE);
	BUILD_BUG_ON(offsetof(struct stub_area, regs) != AREA_REGS);
	BUILD_BUG_ON(offsetof(struct stub_area, msg) != AREA_MSG);
	BUILD_BUG_ON(sizeof(struct stub_area) > AREA_STACK);

	area_order = get_order(need);
	if (PAGE_SIZE << area_order > STUB_AREA_MAX)
		return -E2BIG;
	/*
	 * Two halves, none of them 0: no register has it by chance. With the
	 * highest bit set an eventfd takes no second one on top of the first.
	 */
	do {
		host_getrandom(&space_key, sizeof(space_key));
		space_key |= 1ULL << 63;
		if (weakened(WEAK_NOEXIT))
			space_key &= ~(1ULL << 63);
	} while (!lower_32_bits(space_key) || !upper_32_bits(space_key) || !~space_key);

	memcpy(stub_page, __runner_start, __runner_end - __runner_start);
	memcpy(cpuid_page, __cpuid_start, __cpuid_end - __cpuid_start);
	orders_init(o);
	host_recv_setup(((struct stub_area *)seed_area)->msg, STUB_AREA + AREA_MSG);
	err = host_socketpair(socks);
	if (err)
		return err;
	seed_socket = socks[0];
	seed.key_fd = host_eventfd();
	if (seed.key_fd < 0)
		return seed.key_fd;
	/* The seed answers command 1 with the trap that it starts with. */
	seed.cmd = 1;
	o->cmd = 1;
	pid = host_fork();
	if (pid < 0)
		return pid;
	if (!pid)
		become_seed(parent, socks[1], seed.key_fd);
	seed.pid = pid;		/* not by the child: it has the same memory */
	host_close(socks[1]);
	if (!runner_wait(&seed))
		return -EPERM;
	err = learn_frame();
	if (err) {
		runner_died(&seed);
		return err;
	}
	o->frame = runner_frame;
	o->fp = runner_fp;

	/* Nothing stays mapped but the stub's pages and the host's vDSO. */
	o->calls[0] = (struct stub_call) { __NR_munmap, { 0, STUB_START } };
	o->calls[1] = (struct stub_call) {
		__NR_munmap, { STUB_VDSO_END, 0x7ffffffff000 - STUB_VDSO_END }
	};
	o->nr_calls = 2;
	o->calls_for = seed.cmd + 1;
	if (runner_give_key(&seed) && runner_do(&seed, TODO_OPS) && runner_signed(&seed))
		return 0;
	runner_died(&seed);
	return -EPERM;
}

/**
 * area_free() - the end of a runner's area
 *
 * One that was ended while it carried out orders has left the key there, which is
 * that of all spaces.
 */
void area_free(struct space *space)
{
	memzero_explicit(space->area, PAGE_SIZE << area_order);
	free_pages((unsigned long)space->area, area_order);
}

/**
 * seed_clone() - make a space's process
 * @space: with its page of orders; gets the rest
 *
 * Return: 0 or -errno: -EAGAIN when the host has no process or descriptor left,
 * -ESRCH when the seed is gone.
 */
int seed_clone(struct space *space)
{
	struct stub_orders *s = (void *)seed_orders, *o = space->data;
	struct stub_area *sa = (void *)seed_area;
	int err;

	INIT_LIST_HEAD(&space->watch.list);
	space->area = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, area_order);
	if (!space->area)
		return -ENOMEM;
	space->key_fd = host_eventfd();
	err = space->key_fd < 0 ? -EAGAIN : host_send_fd(seed_socket, space->key_fd);
	if (err == -EPIPE || err == -ECONNREFUSED || err == -ECONNRESET)
		err = -ESRCH;	/* nobody is there */
	if (err)
		goto fail;
	orders_init(o);
	space->cmd = 1;
	o->cmd = 1;
	s->calls[0] = (struct stub_call) {
		__NR_mmap, { STUB_AREA, PAGE_SIZE << area_order,
			     PROT_READ | PROT_WRITE | (weakened(WEAK_EXAREA) ? PROT_EXEC : 0),
			     MAP_SHARED | MAP_FIXED | MAP_POPULATE, STUB_FD_PHYSMEM,
			     __pa(space->area) }
	};
	s->calls[1] = (struct stub_call) {
		__NR_mmap, { STUB_DATA, PAGE_SIZE,
			     PROT_READ | (weakened(WEAK_RWORDERS) ? PROT_WRITE : 0),
			     MAP_SHARED | MAP_FIXED | MAP_POPULATE, STUB_FD_PHYSMEM,
			     __pa(space->data) }
	};
	s->nr_calls = 2;
	s->calls_for = seed.cmd + 1;
	if (!runner_give_key(&seed) || !runner_do(&seed, TODO_OPS | TODO_CLONE) ||
	    !runner_signed(&seed)) {
		err = -ESRCH;
		goto fail;
	}
	space->pid = (int)sa->result;
	if (space->pid <= 0) {
		err = space->pid ?: -EAGAIN;
		goto fail;
	}
	space->dead = false;
	/* Its area was zeroed and is written by no guest code yet. */
	if (runner_wait(space)) {
		space->proven = true;
		return 0;
	}
	err = -EAGAIN;
fail:
	if (space->key_fd >= 0)
		host_close(space->key_fd);
	area_free(space);
	return err;
}
