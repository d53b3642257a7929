// SPDX-License-Identifier: GPL-2.0
/*
 * Threads: creation, contention, thread-local storage, segment bases.
 */
#include "test.h"
#include <asm/prctl.h>
#include <pthread.h>

#define NR_THREADS 200

static __thread int tls_value = 41;
static __thread int tls_zero;

static void *add_one(void *arg)
{
	return (void *)((uintptr_t)arg + 1);
}

TEST_LIMIT(create_join_200, 30)
{
	pthread_t threads[NR_THREADS];
	void *result;

	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_one, (void *)i), 0);
	for (uintptr_t i = 0; i < NR_THREADS; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((uintptr_t)result, i + 1);
	}
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *contend(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		long old = counter;

		if (i % 50 == 0)
			sched_yield();
		counter = old + 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST_LIMIT(mutex_contention, 30)
{
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, contend, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(counter, 8 * 2000);
}

struct bases {
	unsigned long fs, gs;
	int bad;
};

static unsigned long get_base(int what)
{
	unsigned long base = 0;

	OK(syscall(SYS_arch_prctl, what, &base));
	return base;
}

static unsigned long gs_read(unsigned long offset)
{
	unsigned long value;

	asm volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset) : "memory");
	return value;
}

/* Its own FS and GS stay a thread's own over many switches. */
static void *own_bases(void *arg)
{
	unsigned long words[8] = { 0 };
	struct bases *bases = arg;

	bases->fs = get_base(ARCH_GET_FS);
	words[3] = (unsigned long)words ^ 0x5555;
	OK(syscall(SYS_arch_prctl, ARCH_SET_GS, words));
	bases->gs = get_base(ARCH_GET_GS);
	if (bases->gs != (unsigned long)words || tls_value != 41 || tls_zero != 0)
		bases->bad++;
	for (int i = 0; i < 500; i++) {
		tls_value = i;
		tls_zero = -i;
		sched_yield();
		if (gs_read(24) != ((unsigned long)words ^ 0x5555))
			bases->bad++;
		if (tls_value != i || tls_zero != -i)
			bases->bad++;
	}
	if (get_base(ARCH_GET_FS) != bases->fs || get_base(ARCH_GET_GS) != (unsigned long)words)
		bases->bad++;
	return NULL;
}

TEST(fs_gs_bases_per_thread)
{
	static struct bases bases[6];
	pthread_t threads[6];

	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, own_bases, &bases[i]), 0);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 6; i++) {
		CHECK_EQ(bases[i].bad, 0);
		CHECK_NE(bases[i].fs, 0);
		for (int j = 0; j < i; j++) {
			CHECK_NE(bases[i].fs, bases[j].fs);
			CHECK_NE(bases[i].gs, bases[j].gs);
		}
	}
	CHECK_EQ(tls_value, 41);
}

static volatile unsigned long gs_in_handler;

static void look_at_gs(int sig, siginfo_t *si, void *uc)
{
	gs_in_handler = gs_read(0);
}

TEST(gs_base_fork_and_signal)
{
	unsigned long *words = ANON(PAGE);

	words[0] = 0x1234567890abcdef;
	OK(syscall(SYS_arch_prctl, ARCH_SET_GS, words));
	on_signal(SIGUSR1, look_at_gs, 0);
	OK(raise(SIGUSR1));
	CHECK_EQ(gs_in_handler, words[0]);
	CHILD(pid,
		CHECK_EQ(get_base(ARCH_GET_GS), words);
		words[0] = 7;
		sched_yield();
		CHECK_EQ(gs_read(0), 7));
	WAIT_OK(pid);
	CHECK_EQ(gs_read(0), 0x1234567890abcdef);
	/* An address that no program may have. */
	FAILS(syscall(SYS_arch_prctl, ARCH_SET_GS, 1UL << 63), EPERM);
	FAILS(syscall(SYS_arch_prctl, ARCH_SET_FS, -1UL), EPERM);
	FAILS(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

static void *exec_from_thread(void *arg)
{
	execl("/proc/self/exe", "self", "-l", NULL);
	_exit(9);
}

/* exec by a thread that is not the first ends the others and keeps the pid. */
TEST(exec_from_thread)
{
	int null = OK(open("/dev/null", O_WRONLY));

	CHILD(pid,
		pthread_t thread;

		dup2(null, 1);
		pthread_create(&thread, NULL, exec_from_thread, NULL);
		pause_forever());
	WAIT_OK(pid);
}

static void *spin(void *arg)
{
	for (;;)
		*(volatile long *)arg += 1;
	return NULL;
}

TEST(exit_with_running_threads)
{
	CHILD(pid,
		pthread_t thread;
		static long words[4];

		for (int i = 0; i < 4; i++)
			pthread_create(&thread, NULL, spin, &words[i]);
		sleep_ms(30);
		_exit(12));
	WAIT_EXIT(pid, 12);
}

static pthread_barrier_t barrier;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;

static void *take_turns(void *arg)
{
	int me = (uintptr_t)arg;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = (me + 1) % 3;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(cond_and_barrier)
{
	pthread_t threads[3];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 3), 0);
	for (uintptr_t i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_turns, (void *)i), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(turn, 0);
}

/* Threads that share an address space see each other's mappings and faults. */
static void *touch(void *arg)
{
	char *p = arg;

	for (int i = 0; i < 256; i++)
		p[i * PAGE] = i;
	mprotect(p, PAGE, PROT_NONE);
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST(shared_address_space)
{
	char *p = ANON(256 * PAGE);
	pthread_t thread;
	void *fresh;

	CHECK_EQ(pthread_create(&thread, NULL, touch, p), 0);
	CHECK_EQ(pthread_join(thread, &fresh), 0);
	for (int i = 1; i < 256; i++)
		CHECK_EQ((unsigned char)p[i * PAGE], i);
	*(int *)fresh = 1;
	CHILD(pid, *(volatile char *)p);
	WAIT_SIGNAL(pid, SIGSEGV);
}
