/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that open and end in every way there is.
 *
 * connections serve [-k] [-n] PORT: accepts on all addresses of both families and does as it is
 * told by a byte: C closes, R resets, W keeps its end open when the client closes (CLOSE_WAIT);
 * otherwise a connection ends when its client closes it. -k: finds out by itself, within three
 * seconds, that a client is gone. -n: does not accept. Prints "ready".
 *
 * connections hold [-s SOURCE] [-a ADDRESSES] [-n EACH] HOST PORT: opens EACH connections from each
 * of ADDRESSES consecutive sources, prints "ready" and holds them until a signal says how to end
 * all of them: TERM closes, USR1 resets, USR2 has the server close, HUP closes after W was said.
 *
 * connections churn [-s SOURCE] [-a ADDRESSES] [-c AT_ONCE] [-k KEPT] [-n TOTAL] HOST PORT: opens
 * TOTAL connections at full speed, with lives of random length and end, of which the last KEPT
 * stay. Prints how many were opened, each 10,000, then "done", and holds those until TERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG     4096
#define EVENTS      256
#define DESCRIPTORS 65536
#define PROGRESS    10000
#define STAY_ONE_IN 500 /* connections of a churn that leave the server's end in CLOSE_WAIT */

struct plan {
	struct sockaddr_storage source;
	struct sockaddr_storage target;
	socklen_t size;
	unsigned sources;
	unsigned each;
	unsigned at_once;
	unsigned kept;
	unsigned total;
	bool keepalive;
	bool accepts;
};

static void die(const char *what)
{
	fprintf(stderr, "connections: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *text)
{
	puts(text);
	(void)fflush(stdout);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > 10000000) {
		fprintf(stderr, "connections: bad number: %s\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static void option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

/* --- server --- */

static int listen_on(unsigned port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		die("bind");
	return fd;
}

static void serve_new(int epoll, int listener, bool keepalive)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (keepalive) {
			option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
			option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
			option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
			option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
		}
		watch(epoll, fd, EPOLLIN);
	}
}

static void serve_one(int epoll, int fd, bool *stays)
{
	char said;
	ssize_t size = recv(fd, &said, 1, 0);

	if (size < 0 && errno == EAGAIN)
		return;
	if (size > 0 && said == 'W') {
		stays[fd] = true;
	} else if (size > 0 && said == 'R') {
		reset(fd);
	} else if (size == 0 && stays[fd]) {
		(void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		stays[fd] = false;
	} else {
		stays[fd] = false;
		(void)close(fd);
	}
}

static _Noreturn void serve(const struct plan *plan, const char *port)
{
	static bool stays[DESCRIPTORS];
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_on(number(port));

	if (plan->accepts)
		watch(epoll, listener, EPOLLIN);
	say("ready");
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				serve_new(epoll, listener, plan->keepalive);
			else
				serve_one(epoll, events[i].data.fd, stays);
		}
	}
}

/* --- clients --- */

static void address_read(const char *text, unsigned port, struct sockaddr_storage *address,
			 socklen_t *size)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons((uint16_t)port);
		*size = sizeof(*ipv4);
	} else if (inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons((uint16_t)port);
		*size = sizeof(*ipv6);
	} else {
		fprintf(stderr, "connections: bad address: %s\n", text);
		exit(2);
	}
}

/* The address that many above the first one. */
static struct sockaddr_storage source_of(const struct plan *plan, unsigned n)
{
	struct sockaddr_storage address = plan->source;
	uint8_t *last = address.ss_family == AF_INET
				? (uint8_t *)&((struct sockaddr_in *)&address)->sin_addr
				: ((struct sockaddr_in6 *)&address)->sin6_addr.s6_addr + 12;
	uint32_t low;

	memcpy(&low, last, sizeof(low));
	low = htonl(ntohl(low) + n);
	memcpy(last, &low, sizeof(low));
	return address;
}

/* Under way; -1 where this source has no port left for now. */
static int open_one(const struct plan *plan, unsigned source)
{
	struct sockaddr_storage from = source_of(plan, source);
	int fd = socket(from.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || fd >= DESCRIPTORS)
		die("socket");
	option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (bind(fd, (struct sockaddr *)&from, plan->size))
		die("bind");
	if (connect(fd, (const struct sockaddr *)&plan->target, plan->size) &&
	    errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool is_established(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error;
}

/* --- hold --- */

static void hold_open(const struct plan *plan, int epoll, int *fds)
{
	unsigned opened = 0, established = 0, all = plan->sources * plan->each;
	struct epoll_event events[EVENTS];

	while (established < all) {
		for (; opened < all && opened - established < plan->at_once; opened++) {
			fds[opened] = open_one(plan, opened % plan->sources);
			if (fds[opened] < 0)
				die("connect");
			watch(epoll, fds[opened], EPOLLOUT);
		}
		int count = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (!is_established(events[i].data.fd))
				die("a connection");
			(void)epoll_ctl(epoll, EPOLL_CTL_DEL, events[i].data.fd, NULL);
			established++;
		}
	}
}

static uint32_t signal_wait(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < 4; i++)
		(void)sigaddset(&set, (int[]){ SIGTERM, SIGUSR1, SIGUSR2, SIGHUP }[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	say("ready");
	if (fd < 0 || read(fd, &info, sizeof(info)) != sizeof(info))
		die("signalfd");
	return info.ssi_signo;
}

static void hold_end(int fd, uint32_t how)
{
	char answer;
	int flags = MSG_NOSIGNAL;

	if (how == SIGUSR1) {
		reset(fd);
		return;
	}
	if (how == SIGUSR2) {
		struct epoll_event event;
		int epoll = epoll_create1(EPOLL_CLOEXEC);

		(void)send(fd, "C", 1, flags);
		watch(epoll, fd, EPOLLIN);
		while (recv(fd, &answer, 1, 0) < 0 && errno == EAGAIN)
			(void)epoll_wait(epoll, &event, 1, -1);
		(void)close(epoll);
	}
	if (how == SIGHUP)
		(void)send(fd, "W", 1, flags);
	(void)close(fd);
}

static int hold(const struct plan *plan)
{
	unsigned all = plan->sources * plan->each;
	int *fds = calloc(all, sizeof(*fds)), epoll = epoll_create1(EPOLL_CLOEXEC);
	uint32_t how;

	if (!fds)
		die("calloc");
	hold_open(plan, epoll, fds);
	how = signal_wait();
	for (unsigned i = 0; i < all; i++)
		hold_end(fds[i], how);
	return 0;
}

/* --- churn --- */

struct churn {
	const struct plan *plan;
	int epoll;
	unsigned opened; /* established so far */
	unsigned started;
	int live[DESCRIPTORS]; /* established and to be ended */
	unsigned live_count;
	unsigned connecting;
	unsigned random;
};

static unsigned churn_random(struct churn *churn)
{
	churn->random ^= churn->random << 13;
	churn->random ^= churn->random >> 17;
	churn->random ^= churn->random << 5;
	return churn->random;
}

/* Asked for, the server's end comes as an event. */
static void churn_end_one(struct churn *churn)
{
	unsigned at = churn_random(churn) % churn->live_count;
	int fd = churn->live[at];
	unsigned how = churn_random(churn);

	churn->live[at] = churn->live[--churn->live_count];
	if (how % STAY_ONE_IN == 0) {
		(void)send(fd, "W", 1, MSG_NOSIGNAL);
		(void)close(fd);
	} else if (how & 1 << 16) {
		(void)send(fd, how & 1 << 17 ? "C" : "R", 1, MSG_NOSIGNAL);
		watch(churn->epoll, fd, EPOLLIN);
	} else if (how & 1 << 17) {
		reset(fd);
	} else {
		(void)close(fd);
	}
}

/* A connection that came to nothing is tried again: 10,000 in flight may fill a queue. */
static void churn_event(struct churn *churn, const struct epoll_event *event)
{
	int fd = event->data.fd;

	if (event->events & EPOLLIN && !(event->events & EPOLLOUT)) {
		(void)close(fd);
		return;
	}
	churn->connecting--;
	if (!is_established(fd)) {
		(void)close(fd);
		churn->started--;
		return;
	}
	(void)epoll_ctl(churn->epoll, EPOLL_CTL_DEL, fd, NULL);
	churn->live[churn->live_count++] = fd;
	if (++churn->opened % PROGRESS == 0) {
		printf("%u\n", churn->opened);
		(void)fflush(stdout);
	}
}

static void churn_open(struct churn *churn)
{
	const struct plan *plan = churn->plan;

	while (churn->started < plan->total &&
	       churn->live_count + churn->connecting < plan->at_once + plan->kept) {
		int fd = open_one(plan, churn_random(churn) % plan->sources);

		if (fd < 0)
			return;
		watch(churn->epoll, fd, EPOLLOUT);
		churn->connecting++;
		churn->started++;
	}
}

static _Noreturn void churn(const struct plan *plan)
{
	static struct churn churn;
	struct epoll_event events[EVENTS];

	churn.plan = plan;
	churn.random = 2463534242U;
	churn.epoll = epoll_create1(EPOLL_CLOEXEC);
	while (churn.opened < plan->total || churn.live_count > plan->kept) {
		int count;

		churn_open(&churn);
		count = epoll_wait(churn.epoll, events, EVENTS, 10);
		for (int i = 0; i < count; i++)
			churn_event(&churn, &events[i]);
		for (unsigned i = churn_random(&churn) % (2 * EVENTS);
		     i && churn.live_count > plan->kept; i--)
			churn_end_one(&churn);
	}
	say("done");
	for (;;)
		(void)pause();
}

static int usage(void)
{
	fputs("usage: connections serve [-k] [-n] PORT\n"
	      "       connections hold|churn [OPTIONS] HOST PORT\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct plan plan = { .sources = 1, .each = 1, .at_once = 256, .total = 1, .accepts = true };
	const char *source = NULL, *what = argc > 1 ? argv[1] : "";
	const struct rlimit many = { DESCRIPTORS, DESCRIPTORS };
	socklen_t size = 0;
	int letter;

	(void)setrlimit(RLIMIT_NOFILE, &many);
	argc--;
	argv++;
	while ((letter = getopt(argc, argv, strcmp(what, "serve") ? "s:a:n:c:k:" : "kn")) != -1) {
		bool serves = strcmp(what, "serve") == 0;

		switch (letter) {
		case 's':
			source = optarg;
			break;
		case 'a':
			plan.sources = number(optarg);
			break;
		case 'c':
			plan.at_once = number(optarg);
			break;
		case 'k':
			if (serves)
				plan.keepalive = true;
			else
				plan.kept = number(optarg);
			break;
		case 'n':
			if (serves)
				plan.accepts = false;
			else
				plan.each = plan.total = number(optarg);
			break;
		default:
			return usage();
		}
	}
	if (strcmp(what, "serve") == 0 && argc - optind == 1)
		serve(&plan, argv[optind]);
	if (argc - optind != 2)
		return usage();
	address_read(argv[optind], number(argv[optind + 1]), &plan.target, &plan.size);
	address_read(source                             ? source
		     : plan.target.ss_family == AF_INET ? "192.0.2.1"
							: "fd53::1",
		     0, &plan.source, &size);
	if (strcmp(what, "hold") == 0)
		return hold(&plan);
	if (strcmp(what, "churn") == 0)
		churn(&plan);
	return usage();
}
