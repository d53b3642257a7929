// SPDX-License-Identifier: GPL-2.0
/*
 * Who has woken another task may go on for a moment (kernel/linger.c); but that
 * one does not wait for long, and not at all when it is of a real-time class.
 */
#include "test.h"

/* Written by the task that is woken. */
static int *seen;

static int count(void)
{
	return __atomic_load_n(seen, __ATOMIC_SEQ_CST);
}

/* A child that counts in *seen what it reads; returns where to write. */
static int start_reader(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };
	int ends[2];
	char c;

	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	CHECK_EQ(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[1]);
		CHECK_EQ(sched_setscheduler(0, policy, &param), 0);
		do {
			__atomic_fetch_add(seen, 1, __ATOMIC_SEQ_CST);
		} while (read(ends[0], &c, 1) == 1);
		_exit(0);
	}
	close(ends[0]);
	while (!count())
		sched_yield();
	return ends[1];
}

/* Then the host counts a CPU as spare if one is. */
static void call_often(void)
{
	for (int64_t end = now_ns() + 100000000; now_ns() < end;)
		for (int i = 0; i < 1000; i++)
			getppid();
}

TEST(realtime_at_once)
{
	int fd;

	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		test_skip("the reader may be on another CPU");
	fd = start_reader(SCHED_FIFO);
	call_often();
	for (int i = 1; i <= 1000; i++) {
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK_EQ(count(), i + 1);
	}
	close(fd);
}

TEST_LIMIT(woken_by_who_computes, 30)
{
	int fd = start_reader(SCHED_OTHER);
	int late = 0;

	call_often();
	for (int i = 1; i <= 100; i++) {
		int64_t start;

		for (int j = 0; j < 200; j++)
			getppid();
		CHECK_EQ(write(fd, "x", 1), 1);
		start = now_ns();
		while (count() != i + 1)
			;
		/* The next tick would be there after 5 ms, in the mean. */
		late += now_ns() - start > 3000000;
	}
	note("%d of 100 waited for more than 3 ms", late);
	CHECK(late < 20);
	close(fd);
}
