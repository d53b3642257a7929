// SPDX-License-Identifier: GPL-2.0
/*
 * What a container is made of: namespaces, control groups, overlays.
 */
#include "test.h"
#include <sys/mount.h>
#include <sys/statfs.h>

TEST(namespaces)
{
	char name[65];

	CHILD(pid,
		if (unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWNET |
			    CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP)) {
			if (in_guest())
				test_fail(__FILE__, __LINE__, "unshare: %s", strerror(errno));
			_exit(77);
		}
		OK(sethostname("inner", 5));
		CHILD(first, _exit(getpid() == 1 ? 0 : 1));
		WAIT_OK(first));
	int status = wait_status(pid, 10);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("the host refuses unshare");
	CHECK_EQ(status, 0);
	OK(gethostname(name, sizeof(name)));
	CHECK(strcmp(name, "inner"));
}

TEST(cgroup2)
{
	static const char dir[] = "/sys/fs/cgroup/guest-test";
	char procs[64], self[256];
	struct statfs st;

	if (statfs("/sys/fs/cgroup", &st) || st.f_type != 0x63677270) {
		if (in_guest())
			test_fail(__FILE__, __LINE__, "no cgroup2 at /sys/fs/cgroup");
		test_skip("no cgroup2");
	}
	if (mkdir(dir, 0755)) {
		if (in_guest())
			test_fail(__FILE__, __LINE__, "mkdir: %s", strerror(errno));
		test_skip("mkdir: %s", strerror(errno));
	}
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	CHILD(pid,
		CHECK_EQ(spew(procs, "0"), 0);
		CHECK_GE(slurp("/proc/self/cgroup", self, sizeof(self)), 1);
		CHECK(strstr(self, "0::/guest-test\n")));
	int status = wait_status(pid, 5);

	OK(rmdir(dir));
	CHECK_EQ(status, 0);
}

TEST(overlay_and_tmpfs)
{
	CHILD(pid,
		char buf[8];
		int fd;

		if (unshare(CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(77);
		OK(mount("t", "/tmp", "tmpfs", 0, NULL));
		OK(mkdir("/tmp/l", 0755));
		OK(mkdir("/tmp/u", 0755));
		OK(mkdir("/tmp/w", 0755));
		OK(mkdir("/tmp/m", 0755));
		fd = OK(open("/tmp/l/f", O_CREAT | O_WRONLY, 0644));
		CHECK_EQ(write(fd, "lower", 5), 5);
		close(fd);
		if (mount("o", "/tmp/m", "overlay", 0,
			  "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w"))
			_exit(78);
		fd = OK(open("/tmp/m/f", O_RDWR));
		CHECK_EQ(write(fd, "UPPER", 5), 5);
		fd = OK(open("/tmp/l/f", O_RDONLY));
		CHECK_EQ(read(fd, buf, 5), 5);
		CHECK(!strncmp(buf, "lower", 5)));
	int status = wait_status(pid, 5);

	if (WIFEXITED(status) && WEXITSTATUS(status) >= 77) {
		const char *why = WEXITSTATUS(status) == 77 ? "unshare is refused" : "no overlayfs";

		if (in_guest())
			test_fail(__FILE__, __LINE__, "%s", why);
		test_skip("%s", why);
	}
	CHECK_EQ(status, 0);
}
