// SPDX-License-Identifier: GPL-2.0
/*
 * The filter of all spaces of skas0 over seccomp: which host system calls may
 * be made, from which instruction, with which arguments. Everything else is a
 * SIGSYS, the guest's trap. Classic BPF over struct seccomp_data (seccomp(2)).
 *
 * Guest code can jump to each of these instructions. Calls without a key do no
 * harm whoever makes them: sleeping on one's own command word, waking the
 * vCPU, setting one's own segment bases, reading a key that is there only when
 * orders are, closing descriptors that no space has, ending. Calls that change mappings or
 * clone need the key in the upper halves of r10 and r8 (arguments 3 and 4),
 * which the host ignores for mmap, munmap, mprotect and this clone.
 */
#include <linux/audit.h>
#include <linux/bug.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/seccomp.h>
#include <uapi/asm/prctl.h>
#include <uapi/linux/futex.h>
#include <uapi/linux/prctl.h>
#include <asm/host.h>
#include <asm/stub.h>
#include <asm/unistd.h>
#include <asm/weaken.h>
#include "skas0.h"

#define MAX_PROG	512
static struct sock_filter prog[MAX_PROG];
static unsigned int len;

static void add(u16 code, u32 k, u8 jt, u8 jf)
{
	BUG_ON(len == MAX_PROG);
	prog[len++] = (struct sock_filter) { .code = code, .jt = jt, .jf = jf, .k = k };
}

static void load(unsigned int offset)
{
	add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void ret(u32 what)
{
	add(BPF_RET | BPF_K, what, 0, 0);
}

/* Go on when the value is this, else it is the guest's. */
static void must_be(u32 k)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	ret(SECCOMP_RET_TRAP);
}

#define ARG_LO(i)	(offsetof(struct seccomp_data, args) + 8 * (i))
#define ARG_HI(i)	(ARG_LO(i) + 4)

static void arg(unsigned int i, u64 value)
{
	if (weakened(WEAK_NOARGS))
		return;
	load(ARG_LO(i));
	must_be(lower_32_bits(value));
	load(ARG_HI(i));
	must_be(upper_32_bits(value));
}

static void keyed(u64 key)
{
	if (weakened(WEAK_NOKEY))
		return;
	load(ARG_HI(3));
	must_be(lower_32_bits(key));
	load(ARG_HI(4));
	must_be(upper_32_bits(key));
}

/* What follows up to end() is for this instruction alone. */
static unsigned int from(const char *after, int nr)
{
	unsigned int at;

	load(offsetof(struct seccomp_data, instruction_pointer));
	at = len;
	add(BPF_JMP | BPF_JEQ | BPF_K, lower_32_bits(RUNNER_ADDR(after)), 0, 0);
	if (nr >= 0 && !weakened(WEAK_NOARGS)) {
		load(offsetof(struct seccomp_data, nr));
		must_be(nr);
	}
	return at;
}

static void end(unsigned int at)
{
	ret(SECCOMP_RET_ALLOW);
	prog[at].jf = len - at - 1;
}

static void may(const char *after, int nr)
{
	end(from(after, nr));
}

/* A space that lacks its descriptors would be of no use to its next program. */
static void may_close(const char *after, int fd)
{
	unsigned int at = from(after, __NR_close);

	if (!weakened(WEAK_NOCLOSE))
		arg(0, fd);
	end(at);
}

/**
 * filter_install() - take up the filter, for this process and all its children
 * @key: what mapping calls must carry
 *
 * The signals of the guest's traps must have their handlers by now.
 */
int filter_install(u64 key)
{
	unsigned int at;

	len = 0;
	load(offsetof(struct seccomp_data, arch));
	must_be(AUDIT_ARCH_X86_64);
	if (weakened(WEAK_NOPLACE)) {
		load(offsetof(struct seccomp_data, nr));
		add(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1);
		ret(SECCOMP_RET_ALLOW);
	}
	load(offsetof(struct seccomp_data, instruction_pointer) + 4);
	must_be(upper_32_bits(STUB_CODE));

	at = from(rstub_wait_call, __NR_futex);
	arg(0, STUB_AREA + AREA_SLEEPS);
	arg(1, FUTEX_WAIT);
	arg(2, 1);
	arg(3, 0);
	end(at);
	at = from(rstub_wake_call, __NR_futex);
	arg(0, STUB_AREA + AREA_TRAP);
	arg(1, FUTEX_WAKE);
	arg(2, 1);
	end(at);
	at = from(rstub_key, __NR_read);
	arg(0, STUB_FD_KEY);
	arg(1, STUB_AREA + AREA_KEY);
	arg(2, sizeof(u64));
	end(at);

	at = from(rstub_map_call, -1);
	load(offsetof(struct seccomp_data, nr));
	add(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 3, 0);
	add(BPF_JMP | BPF_JEQ | BPF_K, __NR_munmap, 2, 0);
	add(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 1, 0);
	ret(SECCOMP_RET_TRAP);
	keyed(key);
	end(at);
	at = from(rstub_unmap_call, __NR_munmap);
	keyed(key);
	end(at);

	at = from(rstub_fs_call, __NR_arch_prctl);
	arg(0, ARCH_SET_FS);
	end(at);
	at = from(rstub_gs_call, __NR_arch_prctl);
	arg(0, ARCH_SET_GS);
	end(at);

	/* The making of spaces. */
	at = from(rstub_recv_call, __NR_recvmsg);
	arg(0, STUB_FD_SEED);
	arg(1, STUB_AREA + AREA_MSG);
	arg(2, 0);
	end(at);
	at = from(rstub_clone_call, __NR_clone);
	keyed(key);
	end(at);
	at = from(rstub_prctl_call, __NR_prctl);
	arg(0, PR_SET_PDEATHSIG);
	arg(1, 9);	/* SIGKILL */
	end(at);
	at = from(rstub_dup_call, __NR_dup2);
	arg(0, STUB_FD_NEW);
	arg(1, STUB_FD_KEY);
	end(at);
	may(rstub_getppid_call, __NR_getppid);
	may_close(rstub_close_call1, STUB_FD_NEW);
	may_close(rstub_close_call2, STUB_FD_NEW);
	may_close(rstub_close_call3, STUB_FD_SEED);
	may(rstub_exit_call, __NR_exit_group);
	ret(SECCOMP_RET_TRAP);
	return host_filter(prog, len);
}
