/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd [-n CONNECTIONS] [-t SECONDS] [-u UID] ENDPOINT...: many bad clients of a server at once,
 * from one thread. ENDPOINT is HOST:PORT (IPv4) or the path of a socket, with "=" and what a good
 * client would say, where \n and \r stand for themselves. Each connection behaves in one of these
 * ways, in turn, and begins anew once it has ended:
 *
 *   silent     says nothing
 *   slow       says its request a byte a second
 *   deaf       says its request, and takes nothing of the answer
 *   garbage    says random bytes, for as long as the server takes them
 *   half       says half a request, and that nothing more will come
 *   leaver     says its request and leaves with a reset
 *
 * Prints "opened=N ended=N refused=N" at the end. Gives nobody the processor: it looks at its
 * connections in passes of at least 5 ms each.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

#define ENDPOINTS_MAX 8
#define PASS_MS       5
#define NEW_A_PASS    100

enum way { SILENT, SLOW, DEAF, GARBAGE, HALF, LEAVER, WAYS };

struct client {
	const struct endpoint *endpoint;
	enum way way;
	int fd; /* -1: to be opened */
	size_t said;
	uint64_t next_ms;
};

struct crowd {
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t endpoint_count;
	struct client *clients;
	size_t count;
	uint64_t opened, ended, refused;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void client_end(struct crowd *crowd, struct client *client)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (client->way == LEAVER)
		(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(client->fd);
	client->fd = -1;
	crowd->ended++;
}

static void client_open(struct crowd *crowd, struct client *client, uint64_t now)
{
	const int little = 4096;

	client->fd = socket(client->endpoint->address.any.sa_family,
			    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	client->said = 0;
	client->next_ms = now;
	if (client->fd < 0)
		return;
	if (client->way == DEAF)
		(void)setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	if (connect(client->fd, &client->endpoint->address.any, client->endpoint->size) < 0 &&
	    errno != EINPROGRESS) {
		(void)close(client->fd);
		client->fd = -1;
		crowd->refused++;
		return;
	}
	crowd->opened++;
}

/* 0 as long as the server holds on. */
static bool server_left(const struct client *client)
{
	char byte;

	if (client->way == DEAF)
		return false;
	const ssize_t got = recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != ENOTCONN);
}

/* Sends size bytes of what the client says next; false once the server has gone. */
static bool say(struct client *client, const char *text, size_t size)
{
	const ssize_t put = send(client->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put < 0)
		return errno == EAGAIN || errno == ENOTCONN;
	client->said += (size_t)put;
	return true;
}

static bool say_garbage(struct client *client)
{
	char junk[1024];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)rand();
	return say(client, junk, sizeof(junk));
}

/* One step; false ends the connection. */
static bool client_step(struct client *client, uint64_t now)
{
	const struct endpoint *endpoint = client->endpoint;
	const size_t left = endpoint->length - client->said;

	client->next_ms = now + 1000;
	switch (client->way) {
	case SLOW:
		return client->said >= endpoint->length ||
		       say(client, endpoint->request + client->said, 1);
	case DEAF:
		return client->said >= endpoint->length ||
		       say(client, endpoint->request + client->said, left);
	case GARBAGE:
		client->next_ms = now + 100;
		return say_garbage(client);
	case HALF:
		if (client->said)
			return true;
		if (!say(client, endpoint->request, endpoint->length / 2))
			return false;
		(void)shutdown(client->fd, SHUT_WR);
		return true;
	case LEAVER:
		(void)say(client, endpoint->request, endpoint->length);
		return false;
	case SILENT:
	default:
		return true;
	}
}

static void pass(struct crowd *crowd, uint64_t now)
{
	unsigned fresh = 0;

	for (size_t i = 0; i < crowd->count; i++) {
		struct client *client = &crowd->clients[i];

		if (client->fd < 0) {
			if (now >= client->next_ms && fresh++ < NEW_A_PASS)
				client_open(crowd, client, now);
			continue;
		}
		if (now < client->next_ms)
			continue;
		if (server_left(client) || !client_step(client, now)) {
			client_end(crowd, client);
			client->next_ms = now + 500;
		}
	}
}

static void run(struct crowd *crowd, unsigned seconds)
{
	const struct timespec rest = { .tv_nsec = PASS_MS * 1000000L };
	const uint64_t end = now_ms() + seconds * 1000ULL;

	for (uint64_t now = now_ms(); now < end; now = now_ms()) {
		pass(crowd, now);
		(void)nanosleep(&rest, NULL);
	}
	printf("opened=%ju ended=%ju refused=%ju\n", (uintmax_t)crowd->opened,
	       (uintmax_t)crowd->ended, (uintmax_t)crowd->refused);
}

static bool crowd_fill(struct crowd *crowd)
{
	const struct rlimit files = { crowd->count + 64, crowd->count + 64 };

	crowd->clients = calloc(crowd->count, sizeof(*crowd->clients));
	if (!crowd->clients || setrlimit(RLIMIT_NOFILE, &files) < 0)
		return false;
	for (size_t i = 0; i < crowd->count; i++)
		crowd->clients[i] = (struct client){
			.endpoint = &crowd->endpoints[i % crowd->endpoint_count],
			.way = (enum way)(i / crowd->endpoint_count % WAYS),
			.fd = -1,
		};
	return true;
}

int main(int argc, char **argv)
{
	struct crowd crowd = { .count = 1000 };
	unsigned seconds = 10, user = 0;
	int option;

	while ((option = getopt(argc, argv, "n:t:u:")) != -1) {
		if (option == 'n')
			crowd.count = strtoul(optarg, NULL, 10);
		else if (option == 't')
			seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'u')
			user = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	for (; optind < argc && crowd.endpoint_count < ENDPOINTS_MAX; optind++)
		if (!endpoint_parse(argv[optind], &crowd.endpoints[crowd.endpoint_count++]))
			return 2;
	if (!crowd.endpoint_count || !crowd.count || !crowd_fill(&crowd)) {
		perror("crowd");
		return 2;
	}
	if (user && setuid(user) < 0) {
		perror("crowd: setuid");
		return 1;
	}
	run(&crowd, seconds);
	return 0;
}
