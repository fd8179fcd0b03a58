/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a connection may last, whatever its peer does meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "session.h"

#define REPLY_SIZE 8000000UL
#define STEP_SIZE  20000UL
#define STEP_MS    40

struct lab {
	struct event_base *loop;
	struct session_server *server;
	char *reply;
	int peer;
};

static void received(struct session *session, struct evbuffer *input, void *context)
{
	const struct lab *lab = context;

	(void)input;
	session_reply(session, lab->reply, REPLY_SIZE);
}

static const struct session_handler handler = { .received = received };

/* A server whose one peer has connected; the kernel chooses the name. */
static void lab_begin(struct lab *lab, const struct session_limits *limits)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(sa_family_t);
	const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*lab = (struct lab){ .loop = event_base_new(), .reply = calloc(1, REPLY_SIZE) };
	assert_non_null(lab->loop);
	assert_non_null(lab->reply);
	assert_int_equal(bind(listening, (const struct sockaddr *)&name, size), 0);
	assert_int_equal(listen(listening, 1), 0);
	size = sizeof(name);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&name, &size), 0);
	assert_int_equal(
		session_server_new(lab->loop, listening, limits, &handler, lab, &lab->server), 0);
	lab->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(lab->peer, (const struct sockaddr *)&name, size), 0);
}

static void lab_end(struct lab *lab)
{
	session_server_free(lab->server, NULL);
	event_base_free(lab->loop);
	(void)close(lab->peer);
	free(lab->reply);
}

/* Asks, then takes a little every STEP_MS until the connection ends; how much it got. */
static size_t take_slowly(struct lab *lab)
{
	static char bytes[STEP_SIZE];
	size_t taken = 0;

	assert_int_equal(send(lab->peer, "?", 1, 0), 1);
	for (;;) {
		ssize_t got;

		(void)event_base_loop(lab->loop, EVLOOP_NONBLOCK);
		got = recv(lab->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return taken;
		taken += got > 0 ? (size_t)got : 0;
		(void)poll(NULL, 0, STEP_MS);
	}
}

static void test_slow_reader(void **state)
{
	const struct session_limits limits = { .connections = 4,
					       .seconds = 60,
					       .reply_seconds = 1 };
	struct lab lab;

	(void)state;
	lab_begin(&lab, &limits);
	/* What it takes in a second, and what lies in the kernel by then. */
	assert_in_range(take_slowly(&lab), 1, REPLY_SIZE / 2);
	lab_end(&lab);
}

static void test_silent_peer(void **state)
{
	const struct session_limits limits = { .connections = 4, .seconds = 1 };
	struct lab lab;
	ssize_t got;
	char byte;

	(void)state;
	lab_begin(&lab, &limits);
	do {
		(void)event_base_loop(lab.loop, EVLOOP_ONCE);
		got = recv(lab.peer, &byte, 1, MSG_DONTWAIT);
	} while (got < 0 && errno == EAGAIN);
	assert_int_equal(got, 0);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_silent_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
