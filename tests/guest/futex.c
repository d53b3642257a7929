// SPDX-License-Identifier: GPL-2.0
/*
 * Futexes: waiting, waking, time-outs, robust lists, priority inheritance.
 */
#include "test.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>

static long futex(volatile uint32_t *word, int op, uint32_t val, const void *timeout,
		  volatile uint32_t *word2, uint32_t val3)
{
	return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

static volatile uint32_t word, other;
static volatile int woken;

static void *wait_on_word(void *arg)
{
	while (word == 1)
		futex(&word, FUTEX_WAIT | (uintptr_t)arg, 1, NULL, NULL, 0);
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void wait_and_wake(int flags)
{
	pthread_t threads[5];
	int n = 0;

	word = 1;
	woken = 0;
	for (int i = 0; i < 5; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_on_word,
					(void *)(uintptr_t)flags), 0);
	sleep_ms(20);
	CHECK_EQ(woken, 0);
	word = 2;
	/* Those that had not yet begun to wait see the new value. */
	n = OK(futex(&word, FUTEX_WAKE | flags, 2, NULL, NULL, 0));
	CHECK_GE(2, n);
	OK(futex(&word, FUTEX_WAKE | flags, INT_MAX, NULL, NULL, 0));
	for (int i = 0; i < 5; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(woken, 5);
}

TEST(wait_wake)
{
	wait_and_wake(FUTEX_PRIVATE_FLAG);
	wait_and_wake(0);
	FAILS(futex(&word, FUTEX_WAIT, 77, NULL, NULL, 0), EAGAIN);
	FAILS(futex((void *)8, FUTEX_WAIT, 77, NULL, NULL, 0), EFAULT);
	FAILS(futex((void *)((char *)&word + 1), FUTEX_WAIT, 77, NULL, NULL, 0), EINVAL);
}

TEST(timeouts)
{
	struct timespec ts = { 0, 30000000 };
	int64_t start = now_ns(), end;

	FAILS(futex(&word, FUTEX_WAIT, word, &ts, NULL, 0), ETIMEDOUT);
	CHECK_GE(now_ns() - start, 30000000);
	end = now_ns() + 30000000;
	ts.tv_sec = end / 1000000000;
	ts.tv_nsec = end % 1000000000;
	FAILS(futex(&word, FUTEX_WAIT_BITSET, word, &ts, NULL, 2), ETIMEDOUT);
	CHECK_GE(now_ns(), end);
}

TEST(between_processes)
{
	volatile uint32_t *shared = SHARED(PAGE);

	CHILD(pid,
		struct timespec ts = { 5, 0 };

		while (*shared == 0)
			OK(futex(shared, FUTEX_WAIT, 0, &ts, NULL, 0) == 0 || errno == EAGAIN ? 0 : -1);
		CHECK_EQ(*shared, 9));
	sleep_ms(20);
	*shared = 9;
	OK(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
	WAIT_OK(pid);
}

TEST(requeue)
{
	pthread_t threads[4];
	struct timespec ts = { 0, 1000000 };
	int moved = 0;

	word = 1;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_on_word,
					(void *)(uintptr_t)FUTEX_PRIVATE_FLAG), 0);
	for (int i = 0; i < 1000 && moved < 4; i++) {
		moved += OK(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)(long)INT_MAX,
				  &other, 1));
		nanosleep(&ts, NULL);
	}
	CHECK_EQ(moved, 4);
	word = 0;
	CHECK_EQ(OK(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0)), 0);
	CHECK_EQ(OK(futex(&other, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0)), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

TEST(robust_mutex)
{
	pthread_mutex_t *mutex = SHARED(PAGE);
	pthread_mutexattr_t attr;

	CHECK_EQ(pthread_mutexattr_init(&attr), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(mutex, &attr), 0);
	CHILD(pid, CHECK_EQ(pthread_mutex_lock(mutex), 0); kill(getpid(), SIGKILL));
	WAIT_SIGNAL(pid, SIGKILL);
	CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
}

static pthread_mutex_t pi_mutex;
static volatile long pi_count;

static void *pi_contend(void *arg)
{
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(pthread_mutex_lock(&pi_mutex), 0);
		long old = pi_count;

		if (i % 10 == 0)
			sched_yield();
		pi_count = old + 1;
		CHECK_EQ(pthread_mutex_unlock(&pi_mutex), 0);
	}
	return NULL;
}

TEST(priority_inheritance)
{
	pthread_mutexattr_t attr;
	pthread_t threads[4];

	CHECK_EQ(pthread_mutexattr_init(&attr), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&pi_mutex, &attr), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, pi_contend, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(pi_count, 2000);
	/* A lock word that names a thread that is no more. */
	word = 1 << 22;
	FAILS(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
}

/* The kernel changes the word itself, in the pages of a program. */
TEST(wake_op)
{
	pthread_t thread;

	word = 1;
	other = 10;
	CHECK_EQ(pthread_create(&thread, NULL, wait_on_word,
				(void *)(uintptr_t)FUTEX_PRIVATE_FLAG), 0);
	sleep_ms(10);
	word = 0;
	OK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, &other,
		 FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)));
	CHECK_EQ(other, 15);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* Also on a page that is still shared with a child since fork. */
	volatile uint32_t *page = ANON(PAGE);

	*page = 1;
	CHILD(pid, pause());
	OK(futex(&word, FUTEX_WAKE_OP, 1, (void *)1L, page, FUTEX_OP(FUTEX_OP_SET, 7, 0, 0)));
	CHECK_EQ(*page, 7);
	OK(kill(pid, SIGKILL));
	WAIT_SIGNAL(pid, SIGKILL);
}
