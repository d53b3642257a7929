// SPDX-License-Identifier: GPL-2.0
/*
 * attack.c - the attack of t_hostfs_confined.py: no_way_out, until standard input has a
 * line.
 *
 *	attack swap	exchange the directory "swap" and the link "link" (which
 *			leads outside) again and again
 *	attack use	do with what is in "swap" all that changes or tells something,
 *			by names and by a descriptor of the directory
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int go_on(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static void look(int fd)
{
	char buf[64] = "";

	if (fd >= 0 && read(fd, buf, sizeof(buf) - 1) > 0 && strstr(buf, "outside"))
		puts("outside");
	if (fd >= 0)
		close(fd);
}

/* Paths go through "swap" each time; the guest's own walk may follow a link that
 * it sees, but then in its own tree, where nothing of that name is.
 */
static void use(unsigned int n)
{
	char name[64];
	int dir;

	look(open("swap/file", O_RDONLY));
	look(open("swap/file", O_RDWR));
	snprintf(name, sizeof(name), "swap/new%u", n % 4);
	close(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	unlink(name);
	unlink("swap/remove-me");
	mkdir("swap/made", 0700);
	rmdir("swap/made");
	chmod("swap/file", 0644);
	if (truncate("swap/file", 6))
		n = 0;
	utimensat(AT_FDCWD, "swap/file", NULL, 0);
	setxattr("swap/file", "user.attack", "1", 1, 0);
	if (!link("swap/file", "swap/linked"))
		unlink("swap/linked");
	if (!rename("swap/file", "swap/moved"))
		rename("swap/moved", "swap/file");
	dir = open("swap", O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (dir < 0)
		return;
	look(openat(dir, "file", O_RDONLY));
	unlinkat(dir, "remove-me", 0);
	if (!symlinkat("x", dir, "planted"))
		unlinkat(dir, "planted", 0);
	close(dir);
}

int main(int argc, char **argv)
{
	unsigned int n = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc != 2)
		return 2;
	for (; go_on(); n++) {
		if (!strcmp(argv[1], "use"))
			use(n);
		else
			renameat2(AT_FDCWD, "swap", AT_FDCWD, "link", RENAME_EXCHANGE);
	}
	printf("%u tries\n", n);
	return 0;
}
