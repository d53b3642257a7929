// SPDX-License-Identifier: GPL-2.0
/*
 * The host's vDSO in spaces. The host maps one into each process; a seed keeps
 * its own, moved to STUB_VDSO, and so every space has it. The guest's vDSO
 * calls its clock_gettime() there and reads the host's clock without a trap.
 *
 * Guest code may read and run these pages as it likes: they are the host's
 * clock data and code, read-only, the same for every process of the host. What
 * runs there is guest code in every respect: its signals are the guest's, and
 * so are its system calls.
 *
 * That is also what happens when the host's clock cannot be read without a
 * system call, from the start or since the host found its TSC unstable: the
 * host's vDSO then makes the call clock_gettime(CLOCK_MONOTONIC), which traps
 * like any other. It asks for the host's time, not the guest's, and gets it:
 * kernel/vdso.c. So the clock is right on every host, and fast on most.
 */
#include <linux/compiler.h>
#include <asm/host.h>
#include <asm/stub_vdso.h>

/* Where clock_gettime() of the host's vDSO is in every space; 0: nowhere. */
unsigned long stub_vdso_clock;

/**
 * stub_vdso_keep() - move this process's vDSO to where spaces have it
 *
 * For a seed, while it can still open files and before it drops all mappings
 * but [STUB_START, STUB_VDSO_END). It leaves one word in the memory that it
 * shares with the kernel process, stub_vdso_clock.
 */
void stub_vdso_keep(void)
{
	WRITE_ONCE(stub_vdso_clock, host_vdso_move(STUB_VDSO, STUB_VDSO_END - STUB_VDSO));
}
