// SPDX-License-Identifier: GPL-2.0
/*
 * One look at each of many things that a userland of today expects.
 */
#include "test.h"
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <termios.h>

TEST(uname)
{
	struct utsname u;

	OK(uname(&u));
	if (!in_guest())
		test_skip("the host is %s %s", u.sysname, u.release);
	CHECK(!strcmp(u.sysname, "Linux"));
	CHECK(!strncmp(u.release, "6.12", 4));
	CHECK(!strcmp(u.machine, "x86_64"));
}

TEST(proc_self_maps)
{
	static char maps[65536];
	uintptr_t from, to, end = 0;
	bool stack = false, text = false;
	char perms[8];

	CHECK_GE(slurp("/proc/self/maps", maps, sizeof(maps)), 100);
	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		CHECK_EQ(sscanf(line, "%lx-%lx %4s", &from, &to, perms), 3);
		/* vsyscall, where there is one, lies in the kernel's half. */
		if (from >> 63)
			continue;
		CHECK_GE(from, end);
		CHECK_LT(from, to);
		CHECK_GE(0x7ffffffff000, to);
		end = to;
		if ((uintptr_t)&stack >= from && (uintptr_t)&stack < to)
			stack = !strcmp(perms, "rw-p") && strstr(line, "[stack]");
		if ((uintptr_t)test_proc_self_maps >= from && (uintptr_t)test_proc_self_maps < to)
			text = !strcmp(perms, "r-xp");
	}
	CHECK(stack);
	CHECK(text);
}

TEST(auxiliary_vector)
{
	CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
	CHECK_NE(getauxval(AT_RANDOM), 0);
	CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	CHECK_GE(getauxval(AT_MINSIGSTKSZ), 1000);
	CHECK_EQ(getauxval(AT_UID), getuid());
}

TEST(sysinfo_and_proc)
{
	char buf[8192];
	struct sysinfo si;

	OK(sysinfo(&si));
	CHECK_GE(si.totalram * si.mem_unit, 32L << 20);
	CHECK_GE(slurp("/proc/cpuinfo", buf, sizeof(buf)), 10);
	CHECK(strstr(buf, "processor"));
	CHECK_GE(slurp("/proc/self/status", buf, sizeof(buf)), 100);
	CHECK(strstr(buf, "VmRSS"));
	CHECK_GE(slurp("/proc/self/stat", buf, sizeof(buf)), 50);
	CHECK_GE(slurp("/proc/meminfo", buf, sizeof(buf)), 100);
	CHECK_GE(slurp("/proc/interrupts", buf, sizeof(buf)), 10);
	CHECK_GE(slurp("/proc/self/smaps_rollup", buf, sizeof(buf)), 50);
}

TEST(getrandom)
{
	uint64_t a[4] = { 0 }, b[4] = { 0 };

	CHECK_EQ(OK(getrandom(a, sizeof(a), 0)), sizeof(a));
	CHECK_EQ(OK(getrandom(b, sizeof(b), GRND_NONBLOCK)), sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
	CHECK(a[0] != a[1]);
}

TEST(pidfd)
{
	struct pollfd pfd = { .events = POLLIN };
	int other, fd = OK(memfd_create("other", 0));
	struct stat a, b;

	CHILD(pid, pause_forever());
	pfd.fd = OK(syscall(SYS_pidfd_open, pid, 0));
	CHECK_EQ(OK(poll(&pfd, 1, 0)), 0);
	other = OK(syscall(SYS_pidfd_getfd, pfd.fd, fd, 0));
	OK(fstat(fd, &a));
	OK(fstat(other, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	OK(syscall(SYS_pidfd_send_signal, pfd.fd, SIGKILL, NULL, 0));
	CHECK_EQ(OK(poll(&pfd, 1, 5000)), 1);
	WAIT_SIGNAL(pid, SIGKILL);
	FAILS(syscall(SYS_pidfd_send_signal, pfd.fd, 0, NULL, 0), ESRCH);
}

TEST(memfd_seals)
{
	int fd = OK(memfd_create("sealed", MFD_ALLOW_SEALING));

	CHECK_EQ(write(fd, "1234", 4), 4);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL));
	FAILS(write(fd, "5", 1), EPERM);
	FAILS(ftruncate(fd, 1), EPERM);
	FAILS(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
}

TEST(keys)
{
	char buf[16] = "";
	long key = syscall(SYS_add_key, "user", "guest-test", "secret", 6,
			   KEY_SPEC_PROCESS_KEYRING);

	if (key < 0 && !in_guest())
		test_skip("the host refuses: %s", strerror(errno));
	OK(key);
	CHECK_EQ(OK(syscall(SYS_keyctl, KEYCTL_READ, key, buf, sizeof(buf), 0)), 6);
	CHECK(!strcmp(buf, "secret"));
	CHECK_EQ(OK(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user",
			    "guest-test", 0)), key);
	OK(syscall(SYS_keyctl, KEYCTL_REVOKE, key, 0, 0, 0));
	FAILS(syscall(SYS_keyctl, KEYCTL_READ, key, buf, sizeof(buf), 0), EKEYREVOKED);
}

TEST(bpf_map_or_refusal)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4,
	};
	uint64_t value = 0x1234;
	uint32_t key = 2;
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0 && !in_guest())
		test_skip("the host refuses: %s", strerror(errno));
	OK(fd);
	attr = (union bpf_attr){ .map_fd = fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value };
	OK(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)));
	value = 0;
	OK(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)));
	CHECK_EQ(value, 0x1234);
}

TEST(pseudo_terminal)
{
	int master = OK(posix_openpt(O_RDWR | O_NOCTTY)), slave;
	struct winsize ws = { 33, 99, 0, 0 }, got = { 0 };
	char buf[64] = "";

	OK(grantpt(master));
	OK(unlockpt(master));
	slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
	OK(ioctl(master, TIOCSWINSZ, &ws));
	OK(ioctl(slave, TIOCGWINSZ, &got));
	CHECK_EQ(got.ws_col, 99);
	CHECK_EQ(write(master, "hi\r", 3), 3);
	CHECK_EQ(read(slave, buf, sizeof(buf)), 3);
	CHECK(!strcmp(buf, "hi\n"));
}

TEST(unknown_system_calls)
{
	FAILS(syscall(999), ENOSYS);
	FAILS(syscall(-1), ENOSYS);
	FAILS(syscall(0x40000000 | SYS_getpid), ENOSYS);
	/* The upper half of the number is not part of it, or is refused. */
	long ret = syscall(0x100000000 | SYS_getpid);

	CHECK(ret == getpid() || (ret == -1 && errno == ENOSYS));
}
