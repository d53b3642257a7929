// SPDX-License-Identifier: GPL-2.0
/*
 * The host's resources, and other spaces' processes: what a guest program can
 * reach or use up of them.
 */
#include "attack.h"
#include <sys/ptrace.h>
#include <sys/resource.h>

/* Pids are the guest's. */
ATTACK(kill_host_pids, 10, NULL)
{
	pid_t kernel = orders()->parent;

	if (over_ptrace())
		test_skip("over ptrace a space has no word of the host's pids");
	CHECK_NE(kernel, 0);
	for (pid_t pid = kernel; pid < kernel + 30; pid++) {
		if (kill(pid, 0) < 0 && kill(pid, SIGKILL) == 0)
			won("kill(%d)", pid);
		if (kill(pid, 0) < 0 && ptrace(PTRACE_ATTACH, pid, 0, 0) == 0)
			won("ptrace(%d)", pid);
	}
}

/*
 * By an instruction of the stub, which does not look at what its call returns but
 * leaves it where we see it: signal 0, which says only whether there is such a
 * process. The kernel process, and those made after it: the seed and spaces.
 */
ATTACK(signal_host_pids, 10, "noargs")
{
	pid_t kernel = orders()->parent;
	volatile long *found = SHARED(PAGE);

	if (over_ptrace())
		test_skip("over ptrace the stub runs for the tracer only");
	for (pid_t to = kernel; to < kernel + 12; to++) {
		long said;

		*found = 1;
		CHILD(pid, {
			volatile int back = 0;

			warm();
			area()->result = 1;
			if (TRAP_HERE(back) == 0) {
				struct regs r = { .r = {
					[AX] = SYS_kill, [DI] = to, [SI] = 0,
					[SP] = orders()->frame,
				} };

				jump(stub_call(SYS_recvmsg), &r);
			}
			*found = area()->result;
		});
		end_child(pid, 100);
		said = *found;
		if (said != 1) {
			won("kill(%d, 0) of the host says %ld", to, said);
			return;
		}
	}
}

/* As many processes as there can be: the limit is an error, not an end. */
ATTACK(processes, 60, NULL)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	static pid_t pids[3000];
	int n = 0, err = 0;

	setrlimit(RLIMIT_NPROC, &unlimited);
	while (n < 3000) {
		pids[n] = fork();
		if (!pids[n])
			pause_forever();
		if (pids[n] < 0) {
			err = errno;
			break;
		}
		n++;
	}
	note("%d processes, then %s", n, strerror(err));
	if (err != EAGAIN && err != ENOMEM && err)
		won("the limit is %s", strerror(err));
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		wait_status(pids[i], 10);
	if (n < 1000)
		won("only %d processes", n);
}

/* Forks and does nothing else, without end. */
ATTACK(fork_bomb, 15, NULL)
{
	int64_t end = now_ns() + 3000000000LL;

	while (now_ns() < end)
		if (fork() < 0)
			usleep(1000);
}

/* More host mappings than a process may have (vm.max_map_count). */
ATTACK(mappings, 40, NULL)
{
	size_t n = 140000;
	char *p = MAP(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	/* Neighbours are no neighbours in physical memory. */
	for (size_t i = 0; i < n; i += 2)
		p[i * PAGE] = i;
	for (size_t i = 0; i < n; i += 2)
		if (p[i * PAGE] != (char)i)
			won("page %zu has lost its contents", i);
}
