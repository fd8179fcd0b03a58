/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_null PORT: the least that a policy server can do. Waits for an empty line, answers DUNNO,
 * for as many connections as come: what the machine's loopback and system calls cost by themselves.
 * Writes "ready" once it listens.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS    256
#define READ_SIZE 4096

static const char reply[] = "action=DUNNO\n\n";

static int listen_on(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096)) {
		perror("policy_null");
		exit(1);
	}
	return fd;
}

static void add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		perror("policy_null");
		exit(1);
	}
}

static void accept_all(int epoll, int listening)
{
	int fd;

	while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		add(epoll, fd);
}

/* One request in one read, as the load generator and Postfix send them. */
static void answer(int fd)
{
	char data[READ_SIZE];
	const ssize_t size = recv(fd, data, sizeof(data), 0);

	if (size <= 0)
		(void)close(fd);
	else if (size >= 2 && data[size - 1] == '\n' && data[size - 2] == '\n')
		(void)send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	struct epoll_event events[EVENTS];
	int epoll, listening;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: policy_null PORT\n");
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(0);
	listening = listen_on((int)strtol(argv[1], NULL, 10));
	add(epoll, listening);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		const int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listening)
				accept_all(epoll, listening);
			else
				answer(events[i].data.fd);
		}
	}
}
