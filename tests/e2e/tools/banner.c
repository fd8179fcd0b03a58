/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest mail service: greets every connection with 220, answers 250 to any line and 221 to
 * QUIT. On top of the mail ports it can echo datagrams, so that a test can tell what a limiter must
 * leave alone.
 *
 * banner [-u UDP_PORT] PORT... : listens on all addresses of both families until it is ended.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

/* What an epoll event belongs to: the descriptor in the lower half, its kind in the upper. */
enum kind { LISTENER = 1, SESSION, DATAGRAMS };

static void die(const char *what)
{
	fprintf(stderr, "banner: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int epoll, int fd, enum kind kind)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = (uint64_t)kind << 32 | (uint32_t)fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static int listen_on(int type, const char *text)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	int on = 1;
	int off = 0;
	int fd;

	if (end == text || *end || port < 1 || port > 65535) {
		fprintf(stderr, "banner: bad port: %s\n", text);
		exit(2);
	}
	address.sin6_port = htons((uint16_t)port);
	fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(text);
	if (type == SOCK_STREAM && listen(fd, BACKLOG))
		die(text);
	return fd;
}

static void greet_all(int epoll, int listener)
{
	static const char greeting[] = "220 lab.example ESMTP\r\n";

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL) < 0) {
			close(fd);
			continue;
		}
		watch(epoll, fd, SESSION);
	}
}

static void answer(int fd)
{
	static const char ok[] = "250 ok\r\n";
	static const char bye[] = "221 bye\r\n";
	char line[1024];
	ssize_t got = recv(fd, line, sizeof(line), 0);
	bool quit;

	if (got < 0 && errno == EAGAIN)
		return;
	quit = got >= 4 && !strncasecmp(line, "QUIT", 4);
	if (got <= 0 ||
	    send(fd, quit ? bye : ok, quit ? sizeof(bye) - 1 : sizeof(ok) - 1, MSG_NOSIGNAL) < 0 ||
	    quit)
		close(fd);
}

static void echo(int fd)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char data[2048];
	ssize_t got = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);

	if (got >= 0)
		(void)sendto(fd, data, (size_t)got, 0, (struct sockaddr *)&from, size);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void serve(int epoll)
{
	for (;;) {
		struct epoll_event events[256];
		int count = epoll_wait(epoll, events, 256, -1);

		if (count < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < count; i++) {
			enum kind kind = (enum kind)(events[i].data.u64 >> 32);
			int fd = (int)(uint32_t)events[i].data.u64;

			if (kind == LISTENER)
				greet_all(epoll, fd);
			else if (kind == SESSION)
				answer(fd);
			else
				echo(fd);
		}
	}
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int option;

	if (epoll < 0)
		die("epoll_create1");
	raise_descriptor_limit();
	while ((option = getopt(argc, argv, "u:")) != -1) {
		if (option != 'u') {
			fprintf(stderr, "usage: banner [-u UDP_PORT] PORT...\n");
			return 2;
		}
		watch(epoll, listen_on(SOCK_DGRAM, optarg), DATAGRAMS);
	}
	for (int i = optind; i < argc; i++)
		watch(epoll, listen_on(SOCK_STREAM, argv[i]), LISTENER);
	puts("ready");
	fflush(stdout);
	serve(epoll);
}
