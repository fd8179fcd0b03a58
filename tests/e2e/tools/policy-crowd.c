/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy-crowd CONNECTIONS PORT: as many connections to the policy service on 127.0.0.1 as a mail
 * host's smtpd processes would keep. Opens them, prints "ready", says nothing until its standard
 * input ends; then each asks once, in turn. Prints one line: answered=N slowest_ms=N.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16384

static const char request[] = "request=smtpd_access_policy\nprotocol_state=DATA\n"
			      "client_address=192.0.2.9\nsize=1\n\n";
static const char wanted[] = "action=DUNNO\n\n";

static void die(const char *what)
{
	fprintf(stderr, "policy-crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(unsigned port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval patience = { .tv_sec = 10 };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	return fd;
}

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Whether the answer is there, all of it and nothing else. */
static int ask(int fd)
{
	char reply[256];
	ssize_t size;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return 0;
	size = recv(fd, reply, sizeof(reply), 0);
	return size == sizeof(wanted) - 1 && memcmp(reply, wanted, (size_t)size) == 0;
}

int main(int argc, char **argv)
{
	static int fds[CONNECTIONS_MAX];
	const struct rlimit files = { CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64 };
	unsigned long count, port;
	double slowest = 0;
	int answered = 0;

	if (argc != 3)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	port = strtoul(argv[2], NULL, 10);
	if (!count || count > CONNECTIONS_MAX || !port || port > 65535)
		return 2;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned long i = 0; i < count; i++)
		fds[i] = dial((unsigned)port);
	puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	for (unsigned long i = 0; i < count; i++) {
		const double start = now_ms();

		answered += ask(fds[i]);
		slowest = now_ms() - start > slowest ? now_ms() - start : slowest;
	}
	printf("answered=%d slowest_ms=%.0f\n", answered, slowest);
	return 0;
}
