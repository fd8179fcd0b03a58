/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * good [-t SECONDS] [-i INTERVAL_MS] ENDPOINT WANTED: one client as it should be. Every INTERVAL_MS
 * it connects, says its request, and waits until the answer has WANTED in it. Prints
 *
 *   asked=N failed=N late=N median_ms=X p99_ms=X worst_ms=X
 *
 * where late are the answers after more than 100 ms, and failed those that did not come within 5 s.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

#define ASKED_MAX   1000000
#define ANSWER_MAX  65536
#define LATE_US     100000
#define PATIENCE_US 5000000

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Waits for one of events until the time is over. */
static bool wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd one = { .fd = fd, .events = events };
	const uint64_t now = now_us();

	return now < deadline && poll(&one, 1, (int)((deadline - now) / 1000 + 1)) > 0;
}

static bool answered(int fd, const char *wanted, uint64_t deadline)
{
	static char answer[ANSWER_MAX];
	size_t used = 0;

	while (used < sizeof(answer) && wait_for(fd, POLLIN, deadline)) {
		const ssize_t got = recv(fd, answer + used, sizeof(answer) - used, 0);

		if (got <= 0 && errno != EAGAIN)
			return false;
		used += got > 0 ? (size_t)got : 0;
		if (memmem(answer, used, wanted, strlen(wanted)))
			return true;
		if (got == 0)
			return false;
	}
	return false;
}

static bool ask(const struct endpoint *endpoint, const char *wanted)
{
	const uint64_t deadline = now_us() + PATIENCE_US;
	const int fd = socket(endpoint->address.any.sa_family,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool good = false;

	if (fd < 0)
		return false;
	/* A full backlog of a local socket: again, as a patient client does. */
	while (connect(fd, &endpoint->address.any, endpoint->size) < 0 && errno == EAGAIN &&
	       now_us() < deadline)
		(void)usleep(1000);
	if (wait_for(fd, POLLOUT, deadline) && send(fd, endpoint->request, endpoint->length,
						    MSG_NOSIGNAL) == (ssize_t)endpoint->length)
		good = answered(fd, wanted, deadline);
	(void)close(fd);
	return good;
}

static int compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void report(uint64_t *times, size_t good, size_t failed)
{
	size_t late = 0;

	qsort(times, good, sizeof(*times), compare);
	for (size_t i = 0; i < good; i++)
		late += times[i] > LATE_US;
	printf("asked=%zu failed=%zu late=%zu median_ms=%.1f p99_ms=%.1f worst_ms=%.1f\n",
	       good + failed, failed, late, good ? (double)times[good / 2] / 1e3 : 0,
	       good ? (double)times[good * 99 / 100] / 1e3 : 0,
	       good ? (double)times[good - 1] / 1e3 : 0);
}

int main(int argc, char **argv)
{
	static uint64_t times[ASKED_MAX];
	struct endpoint endpoint = { .length = 0 };
	unsigned seconds = 10, interval_ms = 50;
	size_t good = 0, failed = 0;
	uint64_t end;
	int option;

	while ((option = getopt(argc, argv, "t:i:")) != -1) {
		if (option == 't')
			seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'i')
			interval_ms = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 2 || !endpoint_parse(argv[optind], &endpoint))
		return 2;
	end = now_us() + seconds * 1000000ULL;
	while (now_us() < end && good + failed < ASKED_MAX) {
		const uint64_t began = now_us();

		if (ask(&endpoint, argv[optind + 1]))
			times[good++] = now_us() - began;
		else
			failed++;
		(void)usleep(interval_ms * 1000);
	}
	report(times, good, failed);
	return 0;
}
