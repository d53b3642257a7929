// SPDX-License-Identifier: GPL-2.0
/*
 * One byte there and back over TCP, again and again: what netperf calls TCP_RR.
 *
 *	rr PORT				answer, for ever
 *	rr ADDRESS PORT SECONDS		ask; prints microseconds for each round
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void answer(struct sockaddr_in *at)
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), c;
	char byte;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (void *)at, sizeof(*at)) || listen(s, 1))
		die("rr: bind");
	while ((c = accept(s, NULL, NULL)) >= 0) {
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while (read(c, &byte, 1) == 1 && write(c, &byte, 1) == 1)
			;
		close(c);
	}
}

static void ask(struct sockaddr_in *at, double seconds)
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	double start, end;
	char byte = 0;
	long n = 0;

	if (connect(s, (void *)at, sizeof(*at)))
		die("rr: connect");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	start = now();
	do {
		for (int i = 0; i < 16; i++, n++)
			if (write(s, &byte, 1) != 1 || read(s, &byte, 1) != 1)
				die("rr");
		end = now();
	} while (end - start < seconds);
	printf("@rr %.1f\n", (end - start) / n * 1e6);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	if (argc == 2) {
		at.sin_port = htons(atoi(argv[1]));
		answer(&at);
	} else if (argc == 4) {
		inet_aton(argv[1], &at.sin_addr);
		at.sin_port = htons(atoi(argv[2]));
		ask(&at, atof(argv[3]));
	} else {
		fprintf(stderr, "usage: rr PORT, or rr ADDRESS PORT SECONDS\n");
	}
	return 1 - (argc == 4);
}
