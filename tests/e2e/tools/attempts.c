/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes TCP connections to a mail service from chosen source addresses and says how each ended.
 *
 * One connection is one SYN: Linux sends an unanswered SYN again after one second, and a limiter
 * that counts SYNs would see two attempts where the test made one. So a connection that is not
 * established before CONNECT_MS (under a second) is closed. Should the machine stall beyond that,
 * "resent" tells how many SYNs went out twice. Once established, the greeting may take long: a busy
 * machine starts its mail processes one by one.
 *
 * Prints one line: attempts=N banner=N refused_421=N closed=N silent=N resent=N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPTS_MAX 20000

enum outcome { CONNECTING, WAITING, LEAVING, BANNER, REFUSED_421, CLOSED, SILENT, OUTCOMES };

static const char *const outcome_names[OUTCOMES] = {
	[BANNER] = "banner", [REFUSED_421] = "refused_421", [CLOSED] = "closed", [SILENT] = "silent"
};

struct attempt {
	int fd;
	enum outcome outcome;
	int64_t started_ms;
	char greeting[4];
	size_t greeting_size;
};

struct plan {
	struct sockaddr_storage source;
	struct sockaddr_storage target;
	socklen_t size;
	unsigned sources; /* consecutive source addresses */
	unsigned count;   /* attempts from each */
	int connect_ms;
	int banner_ms;
	int interval_ms;
	bool verbose;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int parse_number(const char *text, int minimum, int maximum)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < minimum || value > maximum) {
		fprintf(stderr, "attempts: bad number: %s\n", text);
		exit(2);
	}
	return (int)value;
}

static socklen_t parse_address(const char *text, uint16_t port,
			       struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		return sizeof(*ipv4);
	}
	if (inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		return sizeof(*ipv6);
	}
	fprintf(stderr, "attempts: bad address: %s\n", text);
	exit(2);
}

/* The address that is offset beyond base. */
static struct sockaddr_storage source_at(const struct plan *plan, unsigned offset)
{
	struct sockaddr_storage source = plan->source;
	uint32_t low;

	if (source.ss_family == AF_INET) {
		struct sockaddr_in *ipv4 = (struct sockaddr_in *)&source;

		ipv4->sin_addr.s_addr = htonl(ntohl(ipv4->sin_addr.s_addr) + offset);
	} else {
		struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&source;

		memcpy(&low, &ipv6->sin6_addr.s6_addr[12], sizeof(low));
		low = htonl(ntohl(low) + offset);
		memcpy(&ipv6->sin6_addr.s6_addr[12], &low, sizeof(low));
	}
	return source;
}

static void start(const struct plan *plan, unsigned number, struct attempt *attempt)
{
	struct sockaddr_storage source = source_at(plan, number / plan->count);
	int on = 1;

	attempt->fd = socket(plan->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		perror("attempts: socket");
		exit(1);
	}
	(void)setsockopt(attempt->fd, SOL_IP, IP_FREEBIND, &on, sizeof(on));
	(void)setsockopt(attempt->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (plan->source.ss_family && bind(attempt->fd, (struct sockaddr *)&source, plan->size)) {
		perror("attempts: bind");
		exit(1);
	}
	attempt->started_ms = now_ms();
	attempt->outcome = CONNECTING;
	if (connect(attempt->fd, (const struct sockaddr *)&plan->target, plan->size) &&
	    errno != EINPROGRESS) {
		perror("attempts: connect");
		exit(1);
	}
}

static unsigned syns_resent(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return 0;
	return info.tcpi_total_retrans;
}

static void finish(struct attempt *attempt, enum outcome outcome)
{
	if (attempt->fd >= 0)
		close(attempt->fd);
	attempt->fd = -1;
	attempt->outcome = outcome;
}

/* A greeting is judged by its code; who was greeted takes leave, so that the server sees no broken
 * connection. */
static void greeted(struct attempt *attempt)
{
	static const char quit[] = "QUIT\r\n";

	if (!memcmp(attempt->greeting, "421", 3)) {
		finish(attempt, REFUSED_421);
		return;
	}
	if (memcmp(attempt->greeting, "220", 3)) {
		finish(attempt, CLOSED);
		return;
	}
	attempt->outcome = LEAVING;
	if (send(attempt->fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL) < 0)
		finish(attempt, BANNER);
}

static void readable(struct attempt *attempt)
{
	char buffer[512];
	ssize_t got = recv(attempt->fd, buffer, sizeof(buffer), 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		finish(attempt, attempt->outcome == LEAVING ? BANNER : CLOSED);
		return;
	}
	if (attempt->outcome == LEAVING)
		return;
	for (ssize_t i = 0; i < got && attempt->greeting_size < 3; i++)
		attempt->greeting[attempt->greeting_size++] = buffer[i];
	if (attempt->greeting_size == 3)
		greeted(attempt);
}

static void advance(struct attempt *attempt, short events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (attempt->outcome == CONNECTING) {
		if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error)
			finish(attempt, CLOSED);
		else
			attempt->outcome = WAITING;
		return;
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		readable(attempt);
}

/* A machine that held this process up may have answered long ago. */
static bool is_answered(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	return poll(&one, 1, 0) > 0;
}

/* Ends what has waited too long. Returns the milliseconds until the next one has, or -1 if none
 * waits. */
static int expire(const struct plan *plan, struct attempt *attempts, unsigned started,
		  unsigned *resent)
{
	int64_t now = now_ms();
	int64_t next = -1;

	for (unsigned i = 0; i < started; i++) {
		struct attempt *attempt = &attempts[i];
		int64_t left;

		if (attempt->fd >= 0 && attempt->outcome == CONNECTING &&
		    attempt->started_ms + plan->connect_ms <= now && is_answered(attempt->fd))
			advance(attempt, POLLOUT);
		if (attempt->fd < 0)
			continue;
		left = attempt->started_ms +
		       (attempt->outcome == CONNECTING ? plan->connect_ms : plan->banner_ms) - now;
		if (left > 0) {
			next = next < 0 || left < next ? left : next;
			continue;
		}
		if (attempt->outcome == CONNECTING)
			*resent += syns_resent(attempt->fd);
		finish(attempt, attempt->outcome == LEAVING ? BANNER : SILENT);
	}
	return (int)next;
}

static void poll_all(struct attempt *attempts, unsigned started, struct pollfd *polls, int timeout)
{
	for (unsigned i = 0; i < started; i++) {
		polls[i].fd = attempts[i].fd;
		polls[i].events = attempts[i].outcome == CONNECTING ? POLLOUT : POLLIN;
		polls[i].revents = 0;
	}
	if (poll(polls, started, timeout) <= 0)
		return;
	for (unsigned i = 0; i < started; i++)
		if (polls[i].revents && attempts[i].fd >= 0)
			advance(&attempts[i], polls[i].revents);
}

static unsigned run(const struct plan *plan, struct attempt *attempts, struct pollfd *polls,
		    unsigned total)
{
	int64_t next_start = now_ms();
	unsigned started = 0;
	unsigned resent = 0;

	for (;;) {
		int wait = expire(plan, attempts, started, &resent);
		int64_t until;

		if (started == total && wait < 0)
			return resent;
		until = next_start - now_ms();
		if (started < total && until <= 0) {
			start(plan, started, &attempts[started]);
			started++;
			next_start += plan->interval_ms;
			/* With no interval all start first: the SYNs of one burst belong together.
			 */
			if (!plan->interval_ms && started < total)
				continue;
			until = plan->interval_ms;
		}
		if (started < total && (wait < 0 || until < wait))
			wait = (int)until;
		poll_all(attempts, started, polls, wait);
	}
}

static void report(const struct plan *plan, const struct attempt *attempts, unsigned total,
		   unsigned resent)
{
	unsigned counts[OUTCOMES] = { 0 };

	for (unsigned i = 0; i < total; i++) {
		counts[attempts[i].outcome]++;
		if (plan->verbose)
			printf("%u %s\n", i + 1, outcome_names[attempts[i].outcome]);
	}
	printf("attempts=%u", total);
	for (int outcome = BANNER; outcome < OUTCOMES; outcome++)
		printf(" %s=%u", outcome_names[outcome], counts[outcome]);
	printf(" resent=%u\n", resent);
}

static void usage(void)
{
	fprintf(stderr, "usage: attempts [-v] [-s SOURCE] [-a SOURCES] [-n ATTEMPTS_EACH] [-c "
			"CONNECT_MS] [-b BANNER_MS]\n"
			"                [-i INTERVAL_MS] ADDRESS PORT\n");
	exit(2);
}

static struct plan parse_arguments(int argc, char **argv)
{
	struct plan plan = { .sources = 1, .count = 1, .connect_ms = 500, .banner_ms = 20000 };
	const char *source = NULL;
	int option;

	while ((option = getopt(argc, argv, "s:a:n:c:b:i:v")) != -1) {
		if (option == 's')
			source = optarg;
		else if (option == 'a')
			plan.sources = (unsigned)parse_number(optarg, 1, ATTEMPTS_MAX);
		else if (option == 'n')
			plan.count = (unsigned)parse_number(optarg, 1, ATTEMPTS_MAX);
		else if (option == 'c')
			plan.connect_ms = parse_number(optarg, 1, 950);
		else if (option == 'b')
			plan.banner_ms = parse_number(optarg, 1, 600000);
		else if (option == 'i')
			plan.interval_ms = parse_number(optarg, 0, 60000);
		else if (option == 'v')
			plan.verbose = true;
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	plan.size = parse_address(argv[optind], (uint16_t)parse_number(argv[optind + 1], 1, 65535),
				  &plan.target);
	if (source)
		(void)parse_address(source, 0, &plan.source);
	return plan;
}

int main(int argc, char **argv)
{
	struct plan plan = parse_arguments(argc, argv);
	unsigned total = plan.sources * plan.count;
	struct attempt *attempts;
	struct pollfd *polls;

	if (total > ATTEMPTS_MAX)
		usage();
	attempts = calloc(total, sizeof(*attempts));
	polls = calloc(total, sizeof(*polls));
	if (!attempts || !polls) {
		perror("attempts");
		return 1;
	}
	report(&plan, attempts, total, run(&plan, attempts, polls, total));
	free(attempts);
	free(polls);
	return 0;
}
