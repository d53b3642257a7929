// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic in the guest, by few system calls.
 *
 *	traffic bounce ADDRESS	take all that TCP port 1001 gives, then send it to
 *				port 1002, which says when it has all; prints
 *				the number of bytes
 *	traffic flood ADDRESS	send datagrams of 1400 bytes to port 9, for ever
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (64 << 20)

static int dial(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int v6 = strchr(address, ':') != NULL;
	int s = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (inet_pton(v6 ? AF_INET6 : AF_INET, address,
		      v6 ? (void *)&a6.sin6_addr : (void *)&a.sin_addr) != 1 ||
	    connect(s, v6 ? (void *)&a6 : (void *)&a, v6 ? sizeof(a6) : sizeof(a))) {
		perror("traffic: connect");
		exit(1);
	}
	return s;
}

static int bounce(const char *address)
{
	char *data = malloc(ROOM);
	long len = 0, done = 0, n;
	int s;

	s = dial(address, 1001);
	while ((n = read(s, data + len, ROOM - len)) > 0)
		len += n;
	close(s);
	if (n < 0) {
		perror("traffic: read");
		return 1;
	}
	s = dial(address, 1002);
	while (done < len) {
		n = write(s, data + done, len - done);
		if (n < 0) {
			perror("traffic: write");
			return 1;
		}
		done += n;
	}
	/*
	 * The other side says when it has it all. Debian 12's passt may take the
	 * end of what we send for an end of what it has taken so far.
	 */
	if (read(s, data, 1) != 1) {
		fprintf(stderr, "traffic: no word that all has come\n");
		return 1;
	}
	shutdown(s, SHUT_WR);
	read(s, data, 1);	/* until the other side has the end, too */
	printf("bounced %ld\n", done);
	return 0;
}

static int flood(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	static char data[1400];
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &a.sin_addr);
	while (sendto(s, data, sizeof(data), 0, (void *)&a, sizeof(a)) > 0 || errno == ENOBUFS)
		;
	perror("traffic: sendto");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "bounce"))
		return bounce(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "flood"))
		return flood(argv[2]);
	return 2;
}
