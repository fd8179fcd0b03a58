/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy service with a loop of its own and peers that connect, send and hear.
 */
#ifndef UNIT_POLICY_SERVER_LAB_H
#define UNIT_POLICY_SERVER_LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "policy.h"
#include "policy_listener.h"
#include "policy_server.h"

#define REQUEST "protocol_state=DATA\ninstance=1\n\n"
#define REPLY   "action=DUNNO\n\n"

struct lab {
	char directory[64];
	char path[2][96]; /* of UNIX sockets */
	char listen[2][104];
	struct event_base *loop;
	struct policy_server *server;
	unsigned answered;
	unsigned closed;
	uint64_t last_asker;
};

static inline void answer(void *context, const struct policy_request *request,
			  const struct policy_asker *asker, struct mono_ms now,
			  char text[static POLICY_ANSWER_SIZE])
{
	struct lab *lab = context;

	assert_true(now.ms > 0);
	assert_true(asker->connection > 0 && asker->fd >= 0);
	lab->answered++;
	lab->last_asker = asker->connection;
	(void)snprintf(text, POLICY_ANSWER_SIZE, "%s",
		       request->state == POLICY_RCPT ? "450 4.7.1 Error: too many recipients"
						     : "DUNNO");
}

static inline void closed(void *context, uint64_t connection)
{
	struct lab *lab = context;

	assert_true(connection > 0);
	lab->closed++;
}

static const struct policy_handler handler = { answer, closed };

static inline void server_new(struct lab *lab, const struct policy_server_limits *limits)
{
	lab->server = policy_server_free(lab->server);
	assert_int_equal(policy_server_new(lab->loop, limits, &handler, lab, &lab->server), 0);
}

static inline int setup(void **state)
{
	const struct policy_server_limits limits = { 8192, 100, POLICY_MEMORY_MAX };
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	strcpy(lab->directory, "/tmp/synanvil-policy-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(lab->path[i], sizeof(lab->path[i]), "%s/socket%d", lab->directory,
			       i);
		(void)snprintf(lab->listen[i], sizeof(lab->listen[i]), "unix:%s", lab->path[i]);
	}
	log_set_level(LOG_LEVEL_ERROR);
	lab->loop = event_base_new();
	server_new(lab, &limits);
	*state = lab;
	return 0;
}

static inline int teardown(void **state)
{
	struct lab *lab = *state;

	(void)policy_server_free(lab->server);
	event_base_free(lab->loop);
	/* Names of sockets are gone, so the directory is empty. */
	assert_int_equal(rmdir(lab->directory), 0);
	free(lab);
	return 0;
}

/* --- what the tests do --- */

static inline int plan(struct lab *lab, const char *list, struct policy_listener **ret_fresh)
{
	struct explanation why = { 0 };

	return policy_server_plan(lab->server, list, ret_fresh, &why);
}

static inline void listen_on(struct lab *lab, const char *list)
{
	struct policy_listener *fresh;

	assert_int_equal(plan(lab, list, &fresh), 0);
	assert_int_equal(policy_server_switch(lab->server, fresh), 0);
}

static inline void turn(const struct lab *lab)
{
	assert_true(event_base_loop(lab->loop, EVLOOP_NONBLOCK) >= 0);
}

static inline int dial(const struct lab *lab, int which)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, lab->path[which]);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		if (errno != EAGAIN) {
			(void)close(fd);
			return -1;
		}
		turn(lab); /* the backlog is full */
	}
	turn(lab);
	return fd;
}

static inline int dial_tcp(const struct lab *lab, uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		(void)close(fd);
		return -1;
	}
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	turn(lab);
	return fd;
}

static inline void say(const struct lab *lab, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(lab);
}

/* All that has come by now is wanted. */
static inline void hear(const struct lab *lab, int fd, const char *wanted)
{
	char text[4096];
	ssize_t size;

	turn(lab);
	size = recv(fd, text, sizeof(text) - 1, 0);
	if (size < 0 && errno == EAGAIN)
		size = 0;
	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, wanted);
}

static inline void assert_gone(const struct lab *lab, int fd)
{
	char byte;

	turn(lab);
	assert_true(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET);
	(void)close(fd);
}

static inline const struct policy_server_stats *stats(const struct lab *lab)
{
	return policy_server_stats(lab->server);
}

/* A port that nobody listens on now. */
static inline uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	(void)close(fd);
	return ntohs(address.sin_port);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
