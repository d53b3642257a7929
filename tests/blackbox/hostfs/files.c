// SPDX-License-Identifier: GPL-2.0
/*
 * files.c - what a file system must do, asked in the working directory.
 *
 *	files [CASE...]
 *
 * prints "ok CASE" or "not ok CASE - why" for each. t_hostfs.py runs it on the
 * host's own file system first, so that a case which fails there is the test's
 * fault, and then in a guest, in a directory of the host.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static jmp_buf out;

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (errno %d %s)\n", err, strerror(err));
	longjmp(out, 1);
}

#define check(cond, ...) do { if (!(cond)) fail(__VA_ARGS__); } while (0)

static int make(const char *name, const char *data)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	check(fd >= 0, "cannot make %s", name);
	check(write(fd, data, strlen(data)) == (ssize_t)strlen(data), "cannot write %s", name);
	return fd;
}

static void is(const char *name, const char *data)
{
	char buf[256];
	int fd = open(name, O_RDONLY);
	ssize_t n;

	check(fd >= 0, "%s is not there", name);
	n = read(fd, buf, sizeof(buf));
	close(fd);
	check(n == (ssize_t)strlen(data) && !memcmp(buf, data, n), "%s holds other data", name);
}

static void rename_flags(void)
{
	struct stat st;

	close(make("a", "A"));
	close(make("b", "B"));
	check(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE) < 0 && errno == EEXIST,
	      "NOREPLACE replaced");
	check(!renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE), "EXCHANGE");
	is("a", "B");
	is("b", "A");
	mkdir("d", 0755);
	close(make("d/in", "D"));
	check(!renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE), "EXCHANGE of a directory");
	is("a/in", "D");
	is("d", "B");
	check(!renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_WHITEOUT), "WHITEOUT");
	is("c", "A");
	check(!lstat("b", &st) && S_ISCHR(st.st_mode) && !st.st_rdev, "no whiteout");
	check(!rename("c", "d"), "replace");
	is("d", "A");
	check(rename("a", "a/in/x") < 0, "a directory into itself");
	check(!renameat2(AT_FDCWD, "d", AT_FDCWD, "e", RENAME_NOREPLACE), "NOREPLACE of nothing");
}

static void tmpfile_link(void)
{
	char proc[64];
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	check(fd >= 0, "O_TMPFILE");
	check(write(fd, "hidden", 6) == 6, "write");
	check(!fstat(fd, &st) && !st.st_nlink, "%d links", (int)st.st_nlink);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	check(!linkat(AT_FDCWD, proc, AT_FDCWD, "shown", AT_SYMLINK_FOLLOW), "linkat");
	check(!fstat(fd, &st) && st.st_nlink == 1, "%d links", (int)st.st_nlink);
	is("shown", "hidden");
	check(write(fd, "+", 1) == 1, "write");
	is("shown", "hidden+");
	close(fd);
}

static void mmap_shared(void)
{
	int fd = make("m", ""), status;
	char *a, *b, buf[8];

	check(!ftruncate(fd, 10000), "ftruncate");
	a = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(a != MAP_FAILED && b != MAP_FAILED, "mmap");
	strcpy(a + 5000, "first");
	check(!strcmp(b + 5000, "first"), "the other mapping differs");
	check(pread(fd, buf, 6, 5000) == 6 && !strcmp(buf, "first"), "read differs");
	check(pwrite(fd, "second", 7, 5000) == 7, "pwrite");
	check(!strcmp(a + 5000, "second"), "write is not seen in the mapping");
	if (!fork()) {
		int other = open("m", O_RDWR);
		char *c = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);

		strcpy(c + 9000, "child");
		_exit(0);
	}
	wait(&status);
	check(!strcmp(b + 9000, "child"), "another process's write is not seen");
	check(!msync(a, 10000, MS_SYNC), "msync");
	munmap(a, 10000);
	munmap(b, 10000);
	close(fd);
	fd = open("m", O_RDONLY | O_DIRECT);
	if (fd < 0)
		fd = open("m", O_RDONLY);
	check(!posix_memalign((void **)&a, 4096, 12288) && read(fd, a, 12288) == 10000, "read");
	check(!strcmp(a + 9000, "child") && !strcmp(a + 5000, "second"), "the file differs");
	free(a);
	close(fd);
}

static void private_map(void)
{
	int fd = make("p", "0123456789");
	char *a = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	check(a != MAP_FAILED, "mmap");
	a[0] = 'x';
	is("p", "0123456789");
	check(!memcmp(a, "x123456789", 10), "the mapping");
	munmap(a, 10);
	close(fd);
}

static void locks(void)
{
	struct flock lk = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = make("l", "some text that is long enough"), status;

	check(!fcntl(fd, F_SETLK, &lk), "F_SETLK");
	check(!flock(fd, LOCK_EX), "flock");
	if (!fork()) {
		int other = open("l", O_RDWR);
		struct flock mine = lk;

		if (!fcntl(other, F_SETLK, &mine) || (errno != EAGAIN && errno != EACCES))
			_exit(1);
		mine.l_start = 20;
		mine.l_len = 5;
		if (fcntl(other, F_SETLK, &mine))
			_exit(2);
		if (!flock(other, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
			_exit(3);
		_exit(0);
	}
	wait(&status);
	check(!status, "the child's locks: %#x", status);
	close(fd);
}

static void times(void)
{
	struct timespec ts[2] = { { 1000000001, 123456789 }, { 1234567890, 987654321 } };
	struct statx sx;
	struct stat st;
	int fd = make("t", "x");

	check(!futimens(fd, ts), "futimens");
	check(!stat("t", &st), "stat");
	check(st.st_mtim.tv_sec == 1234567890 && st.st_mtim.tv_nsec == 987654321, "mtime %ld.%09ld",
	      st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	check(st.st_atim.tv_sec == 1000000001 && st.st_atim.tv_nsec == 123456789, "atime");
	check(!statx(AT_FDCWD, "t", 0, STATX_ALL, &sx), "statx");
	check(sx.stx_mask & STATX_BTIME, "no btime");
	check(sx.stx_btime.tv_sec > 1700000000, "btime %lld", (long long)sx.stx_btime.tv_sec);
	check(write(fd, "y", 1) == 1, "write");
	check(!fstat(fd, &st) && st.st_mtim.tv_sec > 1700000000, "a write leaves the mtime");
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = -5;
	check(!utimensat(AT_FDCWD, "t", ts, 0) && !stat("t", &st), "utimensat");
	check(st.st_mtim.tv_sec == -5 && st.st_atim.tv_sec == 1000000001, "before 1970, or OMIT");
	close(fd);
	check(!symlink("nowhere", "s"), "symlink");
	check(!utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW) && !lstat("s", &st) &&
	      st.st_mtim.tv_sec == -5, "times of a link");
}

#define ENTRIES 3000

static void readdir_changes(void)
{
	static char seen[ENTRIES], gone[ENTRIES];
	struct dirent *e;
	char name[64];
	long pos = 0;
	int n = 0, again = 0;
	DIR *d;

	memset(seen, 0, sizeof(seen));
	memset(gone, 0, sizeof(gone));
	mkdir("many", 0755);
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%d", i);
		close(make(name, ""));
	}
	d = opendir("many");
	check(d, "opendir");
	while ((e = readdir(d))) {
		int i, k;

		if (e->d_name[0] == '.')
			continue;
		check(sscanf(e->d_name, "a-rather-long-name-of-a-file-%d", &i) == 1, "%s?",
		      e->d_name);
		check(e->d_type == DT_REG || e->d_type == DT_UNKNOWN, "type %d", e->d_type);
		check(seen[i] < 1 + again, "%d comes twice", i);
		seen[i]++;
		n++;
		/* One that was read goes, and one that may not have been. */
		k = (i * 7919) % ENTRIES;
		if (n % 3 == 0 && !gone[k]) {
			snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%d", k);
			check(!unlink(name), "unlink");
			gone[k] = 1;
		}
		if (n == ENTRIES / 4)
			pos = telldir(d);
		if (n == ENTRIES / 2 && !again) {
			again = 1;
			seekdir(d, pos);
		}
	}
	closedir(d);
	for (int i = 0; i < ENTRIES; i++)
		check(seen[i] || gone[i], "%d never came", i);
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%d", i);
		check(gone[i] || !unlink(name), "unlink");
	}
	check(!rmdir("many"), "rmdir");
}

static void names(void)
{
	static const char * const odd[] = {
		"\xff\xfe\x80", "new\nline", "tab\t", " ", "\xc3\x28", "*?[", "a=b,c", "\\", "...",
	};
	char longest[257];
	struct dirent *e;
	int found = 0;
	DIR *d;

	mkdir("odd", 0755);
	check(!chdir("odd"), "chdir");
	for (int i = 0; i < 9; i++)
		close(make(odd[i], odd[i]));
	d = opendir(".");
	while ((e = readdir(d)))
		for (int i = 0; i < 9; i++)
			found += !strcmp(e->d_name, odd[i]);
	closedir(d);
	check(found == 9, "%d of 9 names", found);
	for (int i = 0; i < 9; i++)
		is(odd[i], odd[i]);
	memset(longest, 'n', 256);
	longest[256] = 0;
	check(open(longest, O_RDWR | O_CREAT, 0600) < 0 && errno == ENAMETOOLONG, "256 bytes");
	longest[255] = 0;
	close(make(longest, "x"));
	is(longest, "x");
	check(!chdir(".."), "chdir");
}

#define DEPTH 400

static void deep(void)
{
	char name[64];
	int dirs = 0;

	memset(name, 'd', 40);
	name[40] = 0;
	for (; dirs < DEPTH; dirs++) {
		check(!mkdir(name, 0755), "mkdir %d", dirs);
		check(!chdir(name), "chdir %d", dirs);
	}
	close(make("bottom", "deep"));
	is("bottom", "deep");
	check(!symlink("bottom", "link"), "symlink");
	is("link", "deep");
	check(!unlink("bottom") && !unlink("link"), "unlink");
	for (; dirs; dirs--)
		check(!chdir("..") && !rmdir(name), "up %d", dirs);
}

static void large(void)
{
	off_t at = 5LL << 30;
	int fd = make("large", "start");
	struct stat st;
	char buf[8];

	check(pwrite(fd, "far", 3, at) == 3, "pwrite");
	check(!fstat(fd, &st) && st.st_size == at + 3, "size %lld", (long long)st.st_size);
	check(st.st_blocks < 1000, "%lld blocks", (long long)st.st_blocks);
	check(pread(fd, buf, 8, at) == 3 && !memcmp(buf, "far", 3), "pread");
	check(lseek(fd, 100000, SEEK_DATA) > (4LL << 30), "SEEK_DATA");
	check(lseek(fd, 0, SEEK_HOLE) < 100000, "SEEK_HOLE");
	check(!ftruncate(fd, at + 100), "ftruncate");
	check(pread(fd, buf, 8, at + 50) == 8 && !buf[0] && !buf[7], "behind the old end");
	check(!ftruncate(fd, 3), "ftruncate");
	check(!ftruncate(fd, 10) && pread(fd, buf, 8, 0) == 8 && !memcmp(buf, "sta\0\0\0\0", 8),
	      "what was cut off is there again");
	close(fd);
}

static void holes(void)
{
	static char data[65536], back[65536];
	int fd = make("h", "");
	struct stat st;

	memset(data, 'x', sizeof(data));
	check(write(fd, data, sizeof(data)) == sizeof(data), "write");
	check(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 30000), "punch");
	memset(data + 5000, 0, 30000);
	check(pread(fd, back, sizeof(back), 0) == sizeof(back), "read");
	check(!memcmp(data, back, sizeof(back)), "the hole is elsewhere");
	check(!fallocate(fd, 0, 65536, 100000) && !fstat(fd, &st) && st.st_size == 165536, "size");
	check(!fallocate(fd, FALLOC_FL_KEEP_SIZE, 165536, 100000) && !fstat(fd, &st) &&
	      st.st_size == 165536, "KEEP_SIZE");
	check(!fsync(fd) && !fdatasync(fd), "fsync");
	close(fd);
}

static void unlinked(void)
{
	int fd = make("u", "old"), dir, pfd;
	struct stat st;
	char buf[8];

	check(!unlink("u"), "unlink");
	close(make("u", "new"));
	check(!fstat(fd, &st) && !st.st_nlink, "%d links", (int)st.st_nlink);
	check(pwrite(fd, "+", 1, 3) == 1 && pread(fd, buf, 8, 0) == 4 && !memcmp(buf, "old+", 4),
	      "the removed file");
	check(!fchmod(fd, 0600) && !fstat(fd, &st) && (st.st_mode & 0777) == 0600, "fchmod");
	check(!stat("u", &st) && (st.st_mode & 0777) == 0644, "the new file's mode changed");
	is("u", "new");
	close(fd);

	fd = make("o", "target");
	close(make("n", "source"));
	check(!rename("n", "o"), "rename");
	check(pread(fd, buf, 6, 0) == 6 && !memcmp(buf, "target", 6), "what was renamed over");
	close(fd);

	pfd = open("o", O_PATH);
	check(!unlink("o") && !fstat(pfd, &st) && S_ISREG(st.st_mode), "O_PATH of a removed file");
	close(pfd);

	mkdir("dd", 0755);
	dir = open("dd", O_RDONLY);
	check(!rmdir("dd"), "rmdir");
	check(!fstat(dir, &st), "fstat of a removed directory");
	check(openat(dir, "x", O_CREAT | O_RDWR, 0600) < 0 && errno == ENOENT, "a file in it");
	close(dir);
}

static void attributes(void)
{
	static char big[3000], back[3000], list[200];
	int fd = make("x", "x");
	ssize_t n;

	memset(big, 'b', sizeof(big));
	check(!setxattr("x", "user.a", "1", 1, 0), "setxattr");
	check(setxattr("x", "user.a", "2", 1, XATTR_CREATE) < 0 && errno == EEXIST, "CREATE");
	check(!fsetxattr(fd, "user.a", "2", 1, XATTR_REPLACE), "REPLACE");
	check(getxattr("x", "user.a", back, sizeof(back)) == 1 && *back == '2', "getxattr");
	check(!setxattr("x", "user.big", big, sizeof(big), 0), "big");
	check(getxattr("x", "user.big", NULL, 0) == sizeof(big), "size");
	check(getxattr("x", "user.big", back, 10) < 0 && errno == ERANGE, "ERANGE");
	check(fgetxattr(fd, "user.big", back, sizeof(back)) == sizeof(big) &&
	      !memcmp(big, back, sizeof(big)), "big comes back");
	close(fd);
	n = listxattr("x", list, sizeof(list));
	check(n > 0 && memmem(list, n, "user.big", 9) && memmem(list, n, "user.a", 7), "list");
	check(!removexattr("x", "user.a"), "remove");
	check(getxattr("x", "user.a", back, 10) < 0 && errno == ENODATA, "ENODATA");
	check(removexattr("x", "user.a") < 0 && errno == ENODATA, "twice");
	mkdir("xd", 0755);
	check(!setxattr("xd", "user.d", "dir", 3, 0), "of a directory");
	check(getxattr("xd", "user.d", back, 10) == 3, "of a directory");
	check(!symlink("x", "xl"), "symlink");
	check(lsetxattr("xl", "user.a", "1", 1, 0) < 0 && errno == EPERM, "of a link");
	check(lgetxattr("xl", "user.big", back, 10) < 0 && errno != ERANGE, "the link is followed");
	check(setxattr("x", "nonsense", "1", 1, 0) < 0 && errno == EOPNOTSUPP, "no prefix");
}

static void links(void)
{
	struct stat a, b;
	char buf[32];

	close(make("one", "1"));
	check(!link("one", "two"), "link");
	check(!stat("one", &a) && !stat("two", &b), "stat");
	check(a.st_ino == b.st_ino && a.st_nlink == 2 && b.st_nlink == 2, "%d links",
	      (int)b.st_nlink);
	close(make("two", "via two"));
	is("one", "via two");
	check(link("one", "two") < 0 && errno == EEXIST, "EEXIST");
	check(!unlink("one") && !stat("two", &b) && b.st_nlink == 1, "%d links left",
	      (int)b.st_nlink);
	check(!symlink("two", "sym"), "symlink");
	check(readlink("sym", buf, sizeof(buf)) == 3 && !memcmp(buf, "two", 3), "readlink");
	is("sym", "via two");
	check(!lstat("sym", &a) && S_ISLNK(a.st_mode) && a.st_size == 3, "lstat");
	check(!link("sym", "hard") && !lstat("hard", &b) && b.st_ino == a.st_ino, "link of a link");
	check(!symlink("loop", "loop") && open("loop", O_RDONLY) < 0 && errno == ELOOP, "ELOOP");
	check(open("sym", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP, "O_NOFOLLOW");
}

static void special(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c, p[2];
	char buf[8];
	struct stat st;

	check(!bind(s, (void *)&addr, sizeof(addr)) && !listen(s, 1), "bind");
	check(!stat("sock", &st) && S_ISSOCK(st.st_mode), "no socket");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	check(!connect(c, (void *)&addr, sizeof(addr)), "connect");
	check(write(c, "hello", 5) == 5, "write");
	p[0] = accept(s, NULL, NULL);
	check(read(p[0], buf, 8) == 5 && !memcmp(buf, "hello", 5), "read");
	close(c);
	close(s);
	close(p[0]);
	check(!unlink("sock"), "unlink");
	check(!mkfifo("fifo", 0600), "mkfifo");
	p[0] = open("fifo", O_RDONLY | O_NONBLOCK);
	p[1] = open("fifo", O_WRONLY);
	check(p[0] >= 0 && p[1] >= 0, "open");
	check(write(p[1], "fifo", 4) == 4 && read(p[0], buf, 8) == 4, "through the FIFO");
	close(p[0]);
	close(p[1]);
}

static void opening(void)
{
	struct stat st, st2;
	char buf[64];
	int fd, fd2, dir;
	DIR *d;
	struct dirent *e;

	umask(027);
	fd = open("ro", O_CREAT | O_EXCL | O_WRONLY, 0444);
	check(fd >= 0 && write(fd, "x", 1) == 1, "a file that is made read-only");
	check(!fstat(fd, &st) && (st.st_mode & 07777) == 0440, "mode %o", st.st_mode);
	close(fd);
	check(open("ro", O_CREAT | O_EXCL | O_WRONLY, 0644) < 0 && errno == EEXIST, "O_EXCL");
	check(!mkdir("modes", 01777) && !stat("modes", &st) && (st.st_mode & 07777) == 01750,
	      "mode %o of a directory", st.st_mode);
	umask(022);
	fd = make("ap", "one ");
	fd2 = open("ap", O_WRONLY | O_APPEND);
	check(write(fd2, "two ", 4) == 4 && pwrite(fd, "ONE", 3, 0) == 3, "append");
	check(write(fd2, "three", 5) == 5, "append");
	is("ap", "ONE two three");
	close(fd2);
	fd2 = open("ap", O_WRONLY | O_TRUNC);
	check(!fstat(fd, &st) && !st.st_size, "O_TRUNC");
	check(read(fd2, buf, 1) < 0 && errno == EBADF, "O_WRONLY is readable");
	close(fd2);
	close(fd);
	check(open("ap/x", O_RDONLY) < 0 && errno == ENOTDIR, "ENOTDIR");
	check(open("no/x", O_RDWR | O_CREAT, 0600) < 0 && errno == ENOENT, "ENOENT");
	check(open("modes", O_RDWR) < 0 && errno == EISDIR, "EISDIR");
	check(rmdir("ap") < 0 && errno == ENOTDIR, "rmdir of a file");
	check(unlink("modes") < 0 && (errno == EISDIR || errno == EPERM), "unlink of a directory");
	close(make("modes/f", ""));
	check(rmdir("modes") < 0 && errno == ENOTEMPTY, "rmdir of a full one");
	dir = open("modes", O_RDONLY | O_DIRECTORY);
	check(dir >= 0 && !fsync(dir), "fsync of a directory");
	check(!fstatat(dir, "f", &st2, 0), "fstatat");
	d = fdopendir(dir);
	while ((e = readdir(d)))
		if (!strcmp(e->d_name, "f"))
			check(e->d_ino == st2.st_ino, "readdir and stat differ");
	closedir(d);
}

static void file_system(void)
{
	struct statvfs v;

	check(!statvfs(".", &v) && v.f_blocks && v.f_bsize && v.f_namemax == 255, "statvfs");
}

static void copying(void)
{
	static char data[300000], back[300000];
	int a = make("from", ""), b = make("to", "");
	off_t in = 0, to = 0;
	ssize_t n, done = 0;

	for (int i = 0; i < 300000; i++)
		data[i] = i * 31 >> 3;
	check(write(a, data, sizeof(data)) == sizeof(data), "write");
	while (done < 300000 && (n = copy_file_range(a, &in, b, &to, 300000 - done, 0)) > 0)
		done += n;
	check(done == 300000, "copy_file_range: %zd", done);
	check(pread(b, back, sizeof(back), 0) == sizeof(back) && !memcmp(data, back, sizeof(back)),
	      "the copy differs");
	close(a);
	close(b);
}

/* What a mapping holds behind the end of its file is no part of it, however it grows. */
static void behind_the_end(void)
{
	for (int how = 0; how < 3; how++) {
		char name[] = "tail?", back[4096];
		int fd;
		char *m;

		name[4] = '0' + how;
		fd = make(name, "some data");
		m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		check(m != MAP_FAILED, "mmap");
		memset(m + 200, 'X', 100);
		if (how == 0)
			check(pwrite(fd, "end", 3, 1000) == 3, "pwrite");
		else if (how == 1)
			check(!ftruncate(fd, 1003), "ftruncate");
		else
			check(!fallocate(fd, 0, 0, 1003), "fallocate");
		check(pread(fd, back, sizeof(back), 0) == 1003, "size");
		check(!memchr(back, 'X', 1003), "it is in the file (%d)", how);
		check(!msync(m, 4096, MS_SYNC) && !munmap(m, 4096), "msync");
		close(fd);
	}
}

/* In another process: as a user who is not root. */
static int as_user(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(setgid(65534) || setuid(65534) ? 99 : run());
	check(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int make_set_id(void)
{
	struct stat st;
	int fd;

	umask(0);
	fd = open("setid", O_CREAT | O_EXCL | O_RDWR, 04755);
	if (fd < 0 || fstat(fd, &st) || (st.st_mode & 07777) != 04755 || st.st_uid != 65534)
		return 1;
	if (mknod("setid2", S_IFREG | 06755, 0) || stat("setid2", &st) ||
	    (st.st_mode & 07777) != 06755)
		return 2;
	return 0;
}

static int see_no_trusted(void)
{
	char list[256];
	ssize_t n = listxattr("labelled", list, sizeof(list));

	return n < 0 || memmem(list, n, "trusted.", 8) ? 1 : 0;
}

static void users(void)
{
	int err;

	if (getuid())
		return;
	check(!chmod(".", 0777), "chmod");
	err = as_user(make_set_id);
	check(!err, "set-ID bits at creation: %d", err);
	close(make("labelled", ""));
	check(!setxattr("labelled", "trusted.x", "1", 1, 0), "setxattr");
	err = as_user(see_no_trusted);
	check(!err, "a user sees trusted.x: %d", err);
}

static void size_limit(void)
{
	struct rlimit old, less;
	int fd = make("limited", ""), err;

	signal(SIGXFSZ, SIG_IGN);
	check(!getrlimit(RLIMIT_FSIZE, &old), "getrlimit");
	less = old;
	less.rlim_cur = 100000;
	check(!setrlimit(RLIMIT_FSIZE, &less), "setrlimit");
	err = fallocate(fd, 0, 0, 1000000) ? errno : 0;
	setrlimit(RLIMIT_FSIZE, &old);
	check(err == EFBIG, "fallocate beyond the limit: %d", err);
	close(fd);
}

static const struct { const char *name; void (*run)(void); } cases[] = {
	{ "rename_flags", rename_flags }, { "tmpfile", tmpfile_link }, { "mmap", mmap_shared },
	{ "private_map", private_map }, { "locks", locks }, { "times", times },
	{ "readdir", readdir_changes }, { "names", names }, { "deep", deep }, { "large", large },
	{ "holes", holes }, { "unlinked", unlinked }, { "xattr", attributes }, { "links", links },
	{ "special", special }, { "open", opening }, { "statvfs", file_system },
	{ "copy", copying }, { "tail", behind_the_end }, { "users", users },
	{ "size_limit", size_limit },
};

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		volatile int asked = argc < 2;

		for (int k = 1; k < argc; k++)
			asked |= !strcmp(argv[k], cases[i].name);
		if (!asked)
			continue;
		mkdir(cases[i].name, 0755);
		if (chdir(cases[i].name))
			return 2;
		errno = 0;
		printf("%s: ", cases[i].name);
		if (setjmp(out)) {
			failed = 1;
			return 1;	/* the working directory may be anywhere */
		}
		cases[i].run();
		printf("ok\n");
		if (chdir(".."))
			return 2;
	}
	return failed;
}
