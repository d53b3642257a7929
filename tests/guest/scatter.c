// SPDX-License-Identifier: GPL-2.0
/*
 * Very many scattered pages. By itself, as it needs most of the guest's
 * memory and may take long.
 */
#include "test.h"
#include <sys/resource.h>

/*
 * More separate pieces than a host allows one process by default (65,530):
 * every second page of a large region.
 */
TEST_LIMIT(scattered_200000_pages, 150)
{
	enum { N = 200000 };
	volatile uint64_t *p;
	uint64_t done = 0;
	int64_t end;
	struct rusage ru;
	void *map = mmap(NULL, 2 * N * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(map != MAP_FAILED);
	if (sysconf(_SC_AVPHYS_PAGES) < N + N / 20)
		test_skip("only %ld pages are free", sysconf(_SC_AVPHYS_PAGES));
	OK(madvise(map, 2 * N * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL ? 0 : -1);
	p = map;
	for (uint64_t i = 0; i < N; i++)
		p[i * 2 * PAGE / 8] = i * 0x9e3779b97f4a7c15;
	/* In another order, so that what the host was told of is used again. */
	for (end = now_ns() + 40000000000; done < 2 * N && now_ns() < end;) {
		for (int j = 0; j < 1000; j++, done++) {
			uint64_t i = done * 7919 % N;

			CHECK_EQ(p[i * 2 * PAGE / 8], i * 0x9e3779b97f4a7c15);
		}
	}
	note("%llu looks at %d pages", (unsigned long long)done, N);
	CHECK_GE(done, 10000);
	OK(getrusage(RUSAGE_SELF, &ru));
	CHECK_GE(ru.ru_minflt, N);
}
