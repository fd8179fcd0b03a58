/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A botnet: keeps so many connections to a mail server in flight, from so many addresses in turn.
 * Whatever ends one starts the next. A bot gives up on a SYN after a second, as the makers of bots
 * do, and on a greeting after half a minute; a greeted one says QUIT and leaves, or says nothing
 * and stays for HOLD_MS. Prints its counts five times a second: started= greeted= refused= (421, or
 * closed without a word) silent= (no answer to the SYN) waiting= (connected, but never spoken to)
 * failed= (anything else).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SYN_MS      1000
#define GREETING_MS 30000
#define REPORT_MS   200
#define TICK_MS     50
#define SLOTS_MAX   10000
#define EVENTS      256

struct connection {
	int fd; /* -1: none */
	bool connected;
	bool held;
	int64_t deadline_ms;
};

struct counts {
	uint64_t started, greeted, refused, silent, waiting, failed;
};

struct botnet {
	int epoll;
	struct sockaddr_in server;
	uint32_t first; /* source address, host order */
	uint32_t addresses;
	uint32_t next;
	size_t slots;
	int64_t hold_ms; /* 0: a greeted one leaves at once */
	struct connection *connections;
	struct counts counts;
};

static void die(const char *what)
{
	fprintf(stderr, "mx_botnet: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A socket of the next address in turn, on its way to the server; -1 if it could not even start. */
static int connection_open(struct botnet *net)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		die("socket");
	source.sin_addr.s_addr = htonl(net->first + net->next);
	net->next = (net->next + 1) % net->addresses;
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&source, sizeof(source)))
		die("bind: is the address one of this host's?");
	if (connect(fd, (struct sockaddr *)&net->server, sizeof(net->server)) &&
	    errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void connection_start(struct botnet *net, size_t slot)
{
	struct connection *connection = &net->connections[slot];
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u64 = slot };

	connection->connected = false;
	connection->held = false;
	connection->deadline_ms = now_ms() + SYN_MS;
	connection->fd = connection_open(net);
	net->counts.started++;
	if (connection->fd < 0)
		return; /* tried again when its time is up */
	if (epoll_ctl(net->epoll, EPOLL_CTL_ADD, connection->fd, &event))
		die("epoll");
}

static void connection_next(struct botnet *net, size_t slot, uint64_t *count)
{
	struct connection *connection = &net->connections[slot];

	++*count;
	if (connection->fd >= 0)
		(void)close(connection->fd);
	connection_start(net, slot);
}

static void connection_established(struct botnet *net, size_t slot)
{
	struct connection *connection = &net->connections[slot];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = slot };

	connection->connected = true;
	connection->deadline_ms = now_ms() + GREETING_MS;
	if (epoll_ctl(net->epoll, EPOLL_CTL_MOD, connection->fd, &event))
		die("epoll");
}

/* It has its process now. What the server says until it loses patience is not listened to. */
static void connection_hold(struct botnet *net, size_t slot)
{
	net->connections[slot].held = true;
	net->connections[slot].deadline_ms = now_ms() + net->hold_ms;
	net->counts.greeted++;
}

static void connection_again(struct botnet *net, size_t slot)
{
	(void)close(net->connections[slot].fd);
	connection_start(net, slot);
}

static void greeting_read(struct botnet *net, size_t slot)
{
	int fd = net->connections[slot].fd;
	struct counts *counts = &net->counts;
	char text[512];
	ssize_t size = recv(fd, text, sizeof(text), 0);

	if (net->connections[slot].held) {
		if (size <= 0)
			connection_again(net, slot);
		return;
	}
	if (size >= 3 && memcmp(text, "220", 3) == 0 && net->hold_ms) {
		connection_hold(net, slot);
	} else if (size >= 3 && memcmp(text, "220", 3) == 0) {
		(void)send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
		connection_next(net, slot, &counts->greeted);
	} else if (size == 0 || (size >= 3 && memcmp(text, "421", 3) == 0)) {
		connection_next(net, slot, &counts->refused);
	} else {
		connection_next(net, slot, &counts->failed);
	}
}

static void event_take(struct botnet *net, const struct epoll_event *event)
{
	size_t slot = event->data.u64;

	if (event->events & EPOLLERR)
		connection_next(net, slot, &net->counts.failed);
	else if (event->events & (EPOLLIN | EPOLLHUP))
		greeting_read(net, slot);
	else if (event->events & EPOLLOUT)
		connection_established(net, slot);
}

static void give_up_the_late(struct botnet *net, int64_t now)
{
	for (size_t i = 0; i < net->slots; i++) {
		const struct connection *connection = &net->connections[i];

		if (connection->deadline_ms > now)
			continue;
		if (connection->fd < 0)
			connection_next(net, i, &net->counts.failed);
		else if (connection->held)
			connection_again(net, i);
		else if (connection->connected)
			connection_next(net, i, &net->counts.waiting);
		else
			connection_next(net, i, &net->counts.silent);
	}
}

static void report(const struct counts *counts)
{
	printf("started=%llu greeted=%llu refused=%llu silent=%llu waiting=%llu failed=%llu\n",
	       (unsigned long long)counts->started, (unsigned long long)counts->greeted,
	       (unsigned long long)counts->refused, (unsigned long long)counts->silent,
	       (unsigned long long)counts->waiting, (unsigned long long)counts->failed);
	if (fflush(stdout))
		die("standard output");
}

static void run(struct botnet *net)
{
	int64_t tick = now_ms(), reported = 0;
	struct epoll_event events[EVENTS];

	for (size_t i = 0; i < net->slots; i++)
		connection_start(net, i);
	for (;;) {
		int count = epoll_wait(net->epoll, events, EVENTS, TICK_MS);
		int64_t now;

		if (count < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < count; i++)
			event_take(net, &events[i]);
		now = now_ms();
		if (now - tick >= TICK_MS) {
			give_up_the_late(net, now);
			tick = now;
		}
		if (now - reported >= REPORT_MS) {
			report(&net->counts);
			reported = now;
		}
	}
}

static uint32_t number(const char *text, uint32_t maximum)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || !value || value > maximum) {
		fprintf(stderr, "mx_botnet: bad number: %s\n", text);
		exit(2);
	}
	return (uint32_t)value;
}

int main(int argc, char **argv)
{
	struct botnet net = { .server.sin_family = AF_INET };
	struct in_addr first;

	if (argc < 6 || argc > 7 || inet_pton(AF_INET, argv[1], &first) != 1 ||
	    inet_pton(AF_INET, argv[4], &net.server.sin_addr) != 1) {
		fprintf(stderr, "usage: mx_botnet FIRST_ADDRESS ADDRESSES IN_FLIGHT SERVER PORT "
				"[HOLD_MS]\n");
		return 2;
	}
	net.first = ntohl(first.s_addr);
	net.addresses = number(argv[2], 1 << 24);
	net.slots = number(argv[3], SLOTS_MAX);
	net.server.sin_port = htons((uint16_t)number(argv[5], UINT16_MAX));
	net.hold_ms = argc == 7 ? number(argv[6], INT32_MAX) : 0;
	net.epoll = epoll_create1(EPOLL_CLOEXEC);
	net.connections = calloc(net.slots, sizeof(*net.connections));
	if (net.epoll < 0 || !net.connections)
		die("start");
	run(&net);
}
