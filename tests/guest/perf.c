// SPDX-License-Identifier: GPL-2.0
/*
 * Performance events of software, as perf(1) uses them: samples of the clock show
 * where a program computes, faults and switches are counted. Counters of hardware
 * are refused, since there are none.
 */
#include "test.h"
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static int event(uint32_t type, uint64_t config, uint64_t period, bool of_kernel)
{
	struct perf_event_attr attr = {
		.type = type, .size = sizeof(attr), .config = config,
		.sample_period = period, .sample_type = PERF_SAMPLE_IP,
		.exclude_kernel = !of_kernel, .exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* The host may have none for programs like this one; the guest has them. */
static int event_or_skip(uint64_t config, uint64_t period, bool of_kernel)
{
	int fd = event(PERF_TYPE_SOFTWARE, config, period, of_kernel);

	if (fd < 0 && !in_guest())
		test_skip("perf_event_open: %s", strerror(errno));
	return OK(fd);
}

static int64_t count(int fd)
{
	int64_t value;

	CHECK_EQ(OK(read(fd, &value, sizeof(value))), sizeof(value));
	return value;
}

static __attribute__((noinline)) uint64_t compute(int ms)
{
	int64_t end = now_ns() + ms * 1000000LL;
	volatile uint64_t x = 0;

	while (now_ns() < end)
		for (int i = 0; i < 100000; i++)
			x += i;
	return x;
}

TEST(samples_of_the_clock)
{
	int fd = event_or_skip(PERF_COUNT_SW_CPU_CLOCK, 1000000, false);
	struct perf_event_mmap_page *page = MAP(NULL, 9 * PAGE, PROT_READ | PROT_WRITE,
						MAP_SHARED, fd, 0);
	struct sample {
		struct perf_event_header head;
		uint64_t ip;
	};
	int all = 0, here = 0;

	compute(200);
	OK(ioctl(fd, PERF_EVENT_IOC_DISABLE, 0));
	CHECK_GE(count(fd), 50000000);
	for (uint64_t at = 0; at < page->data_head && at + sizeof(struct sample) < 8 * PAGE;) {
		struct sample *s = (void *)page + PAGE + at;

		if (s->head.type == PERF_RECORD_SAMPLE) {
			all++;
			here += s->ip - (uintptr_t)compute < 256;
		}
		at += s->head.size;
	}
	/* One for each millisecond, on a machine that does something else, too. */
	CHECK_GE(all, 20);
	CHECK_GE(here, all / 2);
}

TEST(faults_and_switches)
{
	int faults = event_or_skip(PERF_COUNT_SW_PAGE_FAULTS, 0, false);
	int switches = event_or_skip(PERF_COUNT_SW_CONTEXT_SWITCHES, 0, true);
	volatile char *p = ANON(64 * PAGE);

	OK(madvise((void *)p, 64 * PAGE, MADV_NOHUGEPAGE));
	/* Every other one: none comes with its neighbour. */
	for (int i = 0; i < 64; i += 2)
		p[i * PAGE] = 1;
	CHECK_GE(count(faults), 32);
	sleep_ms(5);
	CHECK_GE(count(switches), 1);
}

TEST(no_counters_of_hardware)
{
	if (!in_guest())
		test_skip("the host may have them");
	FAILS(event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, false), ENOENT);
}
