// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's first process that waits for /dev/umlchan0 in unusual ways. What it
 * is to do is the first byte that it reads:
 *
 *	e	it waits for edges (EPOLLET, O_NONBLOCK); echoes what comes
 *	m	many processes, each echoes one byte and ends
 *
 * It says 'r' when it is ready, and ends when all is done or after a while.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20
#define READERS 8
#define PATIENCE 60000	/* ms */

static void end(void)
{
	reboot(RB_POWER_OFF);
	exit(0);
}

static void say(int fd, char c)
{
	if (write(fd, &c, 1) != 1)
		end();
}

static void edges(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);
	char c;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	say(fd, 'r');
	for (int n = 0; n < ROUNDS;) {
		if (epoll_wait(ep, &ev, 1, PATIENCE) != 1)
			return;
		while (read(fd, &c, 1) == 1) {
			say(fd, c);
			n++;
		}
	}
}

static void many(int fd)
{
	char c;

	for (int i = 0; i < READERS; i++) {
		if (fork())
			continue;
		if (read(fd, &c, 1) == 1)
			write(fd, &c, 1);
		_exit(0);
	}
	usleep(500000);		/* all wait by then, or the test is an easier one */
	say(fd, 'r');
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	int fd;
	char c;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/umlchan0", O_RDWR);
	if (fd < 0 || read(fd, &c, 1) != 1)
		end();
	if (c == 'e')
		edges(fd);
	else
		many(fd);
	end();
}
