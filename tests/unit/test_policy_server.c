/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy service from the outside: peers connect, send, dawdle and go, the loop runs, replies
 * come back; sockets come and go by a changed policy_listen.
 */
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

static void answer(void *context, const struct policy_request *request,
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

static void closed(void *context, uint64_t connection)
{
	struct lab *lab = context;

	assert_true(connection > 0);
	lab->closed++;
}

static const struct policy_handler handler = { answer, closed };

static void server_new(struct lab *lab, const struct policy_server_limits *limits)
{
	lab->server = policy_server_free(lab->server);
	assert_int_equal(policy_server_new(lab->loop, limits, &handler, lab, &lab->server), 0);
}

static int setup(void **state)
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

static int teardown(void **state)
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

static int plan(struct lab *lab, const char *list, struct policy_listener **ret_fresh)
{
	struct explanation why = { 0 };

	return policy_server_plan(lab->server, list, ret_fresh, &why);
}

static void listen_on(struct lab *lab, const char *list)
{
	struct policy_listener *fresh;

	assert_int_equal(plan(lab, list, &fresh), 0);
	assert_int_equal(policy_server_switch(lab->server, fresh), 0);
}

static void turn(const struct lab *lab)
{
	assert_true(event_base_loop(lab->loop, EVLOOP_NONBLOCK) >= 0);
}

static int dial(const struct lab *lab, int which)
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

static int dial_tcp(const struct lab *lab, uint16_t port)
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

static void say(const struct lab *lab, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(lab);
}

/* All that has come by now is wanted. */
static void hear(const struct lab *lab, int fd, const char *wanted)
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

static void assert_gone(const struct lab *lab, int fd)
{
	char byte;

	turn(lab);
	assert_true(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET);
	(void)close(fd);
}

static const struct policy_server_stats *stats(const struct lab *lab)
{
	return policy_server_stats(lab->server);
}

/* A port that nobody listens on now. */
static uint16_t free_port(void)
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

/* --- requests --- */

static void test_many_requests_on_one_connection(void **state)
{
	struct lab *lab = *state;
	int fd;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	say(lab, fd, REQUEST);
	hear(lab, fd, REPLY);
	say(lab, fd, "protocol_state=RC");
	hear(lab, fd, "");
	say(lab, fd, "PT\n\n" REQUEST);
	hear(lab, fd, "action=450 4.7.1 Error: too many recipients\n\n" REPLY);
	assert_int_equal(stats(lab)->requests[POLICY_DATA], 2);
	assert_int_equal(stats(lab)->requests[POLICY_RCPT], 1);
	assert_int_equal(stats(lab)->sessions, 1);
	(void)close(fd);
	turn(lab);
	assert_int_equal(stats(lab)->sessions, 0);
	assert_int_equal(lab->closed, 1);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_TRUNCATED], 0);
}

static void test_broken_framing_disconnects(void **state)
{
	struct lab *lab = *state;
	int fd, other;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	other = dial(lab, 0);
	say(lab, fd, REQUEST "EHLO there\r\n" REQUEST);
	hear(lab, fd, REPLY);
	assert_gone(lab, fd);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_MALFORMED_LINE], 1);
	say(lab, other, REQUEST);
	hear(lab, other, REPLY);
	fd = dial(lab, 0);
	say(lab, fd, "size=1\n");
	(void)close(fd);
	turn(lab);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_TRUNCATED], 1);
	(void)close(other);
}

static void test_connections_have_numbers(void **state)
{
	struct lab *lab = *state;
	uint64_t first;
	int fd;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	say(lab, fd, REQUEST);
	first = lab->last_asker;
	say(lab, fd, REQUEST);
	assert_int_equal(lab->last_asker, first);
	(void)close(fd);
	fd = dial(lab, 0);
	say(lab, fd, REQUEST);
	assert_int_not_equal(lab->last_asker, first);
	(void)close(fd);
}

/* A peer that never reads: what it asks is left unread, others are served. */
static void test_replies_not_taken(void **state)
{
	struct lab *lab = *state;
	unsigned before, stuck = 0;
	int fd, other;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	other = dial(lab, 0);
	while (stuck < 100) {
		before = lab->answered;
		(void)send(fd, REQUEST REQUEST REQUEST, 3 * strlen(REQUEST), MSG_NOSIGNAL);
		turn(lab);
		stuck = lab->answered == before ? stuck + 1 : 0;
	}
	say(lab, other, REQUEST);
	hear(lab, other, REPLY);
	assert_int_equal(stats(lab)->sessions, 2);
	(void)close(fd);
	(void)close(other);
}

/* What was not taken comes later, whole, and the rest of the requests is answered. */
static void test_replies_taken_late(void **state)
{
	struct lab *lab = *state;
	size_t asked = 0, taken = 0;
	char text[8192];
	int fd, quiet = 0;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	while (quiet < 100) {
		if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) == (ssize_t)strlen(REQUEST)) {
			asked++;
			quiet = 0;
		} else {
			quiet++;
		}
		turn(lab);
	}
	assert_true(lab->answered < asked);
	for (quiet = 0; quiet < 100;) {
		const ssize_t size = recv(fd, text, sizeof(text), 0);

		for (ssize_t i = 0; i < size; i++)
			assert_int_equal(text[i], REPLY[(taken + (size_t)i) % strlen(REPLY)]);
		taken += size > 0 ? (size_t)size : 0;
		quiet = size > 0 ? 0 : quiet + 1;
		turn(lab);
	}
	assert_int_equal(lab->answered, asked);
	assert_int_equal(taken, asked * strlen(REPLY));
	(void)close(fd);
}

/* The clock of the loop is real, so patience is a second here and the test waits for the closing.
 */
static void test_patience(void **state)
{
	const struct policy_server_limits limits = { 8, 1, POLICY_MEMORY_MAX };
	struct lab *lab = *state;
	int idle, half;
	struct pollfd wait;

	server_new(lab, &limits);
	listen_on(lab, lab->listen[0]);
	idle = dial(lab, 0);
	say(lab, idle, "size=1\n");
	say(lab, idle, "\n");
	half = dial(lab, 0);
	say(lab, half, "size=1\n");
	wait = (struct pollfd){ .fd = half, .events = POLLIN };
	while (poll(&wait, 1, 0) == 0)
		assert_true(event_base_loop(lab->loop, EVLOOP_ONCE) >= 0);
	assert_gone(lab, half);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_TOO_SLOW], 1);
	/* The one that owes nothing is still there. */
	hear(lab, idle, REPLY);
	say(lab, idle, REQUEST);
	hear(lab, idle, REPLY);
	(void)close(idle);
}

static void test_too_many_connections(void **state)
{
	const struct policy_server_limits limits = { 2, 100, POLICY_MEMORY_MAX };
	struct lab *lab = *state;
	int fds[3];

	server_new(lab, &limits);
	listen_on(lab, lab->listen[0]);
	for (int i = 0; i < 3; i++)
		fds[i] = dial(lab, 0);
	assert_gone(lab, fds[2]);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_TOO_MANY_SESSIONS], 1);
	assert_int_equal(stats(lab)->sessions, 2);
	(void)close(fds[0]);
	fds[0] = dial(lab, 0);
	say(lab, fds[0], REQUEST);
	hear(lab, fds[0], REPLY);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_memory_of_all(void **state)
{
	const struct policy_server_limits limits = { 100, 100, 4096 };
	struct lab *lab = *state;
	char line[3000];
	int first, second;

	server_new(lab, &limits);
	listen_on(lab, lab->listen[0]);
	memset(line, 'a', sizeof(line));
	memcpy(line, "sender=", 7);
	line[sizeof(line) - 1] = '\0';
	first = dial(lab, 0);
	say(lab, first, line);
	second = dial(lab, 0);
	say(lab, second, line);
	assert_gone(lab, second);
	assert_int_equal(stats(lab)->errors[POLICY_FAULT_NO_MEMORY], 1);
	say(lab, first, "\n\n");
	hear(lab, first, REPLY);
	/* What it needed is free again. */
	second = dial(lab, 0);
	say(lab, second, line);
	say(lab, second, "\n\n");
	hear(lab, second, REPLY);
	(void)close(first);
	(void)close(second);
}

static void test_thousands_idle(void **state)
{
	struct lab *lab = *state;
	const struct rlimit wanted = { 10000, 10000 };
	struct rlimit before;
	int *fds = calloc(4096, sizeof(*fds));

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ wanted.rlim_cur, before.rlim_max })) {
		free(fds);
		skip();
	}
	listen_on(lab, lab->listen[0]);
	for (int i = 0; i < 4096; i++)
		fds[i] = dial(lab, 0);
	/* 32 are accepted in a turn. */
	for (int i = 0; i < 256; i++)
		turn(lab);
	assert_int_equal(stats(lab)->sessions, 4096);
	for (int i = 0; i < 4096; i += 64) {
		say(lab, fds[i], REQUEST);
		hear(lab, fds[i], REPLY);
	}
	for (int i = 0; i < 4096; i++)
		(void)close(fds[i]);
	for (int i = 0; i < 4; i++)
		turn(lab);
	free(fds);
}

/* --- sockets --- */

static void test_tcp(void **state)
{
	struct lab *lab = *state;
	const uint16_t port = free_port();
	char list[64];
	int fd;

	(void)snprintf(list, sizeof(list), "inet:127.0.0.1:%u", port);
	listen_on(lab, list);
	fd = dial_tcp(lab, port);
	assert_true(fd >= 0);
	say(lab, fd, REQUEST);
	for (int i = 0; i < 100 && !lab->answered; i++)
		turn(lab);
	hear(lab, fd, REPLY);
	listen_on(lab, "");
	assert_gone(lab, fd);
	assert_int_equal(dial_tcp(lab, port), -1);
}

/* Those that stay listed keep their connections, the others go with theirs. */
static void test_listeners_change(void **state)
{
	struct lab *lab = *state;
	char both[256];
	int kept, gone;

	(void)snprintf(both, sizeof(both), "%s, %s", lab->listen[0], lab->listen[1]);
	listen_on(lab, both);
	kept = dial(lab, 1);
	gone = dial(lab, 0);
	listen_on(lab, lab->listen[1]);
	assert_gone(lab, gone);
	assert_int_equal(access(lab->path[0], F_OK), -1);
	say(lab, kept, REQUEST);
	hear(lab, kept, REPLY);
	listen_on(lab, both);
	say(lab, kept, REQUEST);
	hear(lab, kept, REPLY);
	gone = dial(lab, 0);
	say(lab, gone, REQUEST);
	hear(lab, gone, REPLY);
	(void)close(kept);
	(void)close(gone);
}

/* A plan that fails, or is given up, changes nothing. */
static void test_plan_undone(void **state)
{
	struct lab *lab = *state;
	struct policy_listener *fresh;
	char list[256];
	int fd;

	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	(void)snprintf(list, sizeof(list), "%s unix:/nowhere/at/all", lab->listen[1]);
	assert_int_equal(plan(lab, list, &fresh), -ENOENT);
	assert_int_equal(access(lab->path[1], F_OK), -1);
	assert_int_equal(plan(lab, lab->listen[1], &fresh), 0);
	policy_server_discard(fresh);
	assert_int_equal(access(lab->path[1], F_OK), -1);
	say(lab, fd, REQUEST);
	hear(lab, fd, REPLY);
	(void)close(fd);
	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void test_unix_socket(void **state)
{
	struct lab *lab = *state;
	struct policy_listener *fresh;
	struct stat status;
	int fd;

	/* Listed twice is one. */
	char twice[256];

	(void)snprintf(twice, sizeof(twice), "%s,%s", lab->listen[0], lab->listen[0]);
	listen_on(lab, twice);
	assert_int_equal(stat(lab->path[0], &status), 0);
	assert_int_equal(status.st_mode & 07777, 0666);
	/* Its name was removed by somebody: a reload makes it anew. */
	assert_int_equal(unlink(lab->path[0]), 0);
	assert_int_equal(dial(lab, 0), -1);
	listen_on(lab, lab->listen[0]);
	fd = dial(lab, 0);
	assert_true(fd >= 0);
	(void)close(fd);
	/* Something else is there. */
	fd = open(lab->path[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	assert_int_equal(plan(lab, lab->listen[1], &fresh), -EEXIST);
	assert_int_equal(unlink(lab->path[1]), 0);
	assert_int_equal(plan(lab, "inet:127.0.0.1:no-such-service", &fresh), -EINVAL);
}

static void test_address_in_use(void **state)
{
	struct lab *lab = *state;
	struct policy_listener *fresh;
	struct explanation why = { 0 };
	const uint16_t port = free_port();
	struct policy_server *second;
	char list[64];

	(void)snprintf(list, sizeof(list), "inet:127.0.0.1:%u", port);
	listen_on(lab, list);
	assert_int_equal(policy_server_new(lab->loop, &(struct policy_server_limits){ 1, 1, 1 },
					   &handler, lab, &second),
			 0);
	assert_int_equal(policy_server_plan(second, list, &fresh, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, "inet:127.0.0.1:"));
	assert_non_null(strstr(why.text, "in use"));
	assert_string_equal(why.parameter, "policy_listen");
	(void)policy_server_free(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_many_requests_on_one_connection),
		TEST(test_broken_framing_disconnects),
		TEST(test_connections_have_numbers),
		TEST(test_replies_not_taken),
		TEST(test_replies_taken_late),
		TEST(test_patience),
		TEST(test_too_many_connections),
		TEST(test_memory_of_all),
		TEST(test_thousands_idle),
		TEST(test_tcp),
		TEST(test_listeners_change),
		TEST(test_plan_undone),
		TEST(test_unix_socket),
		TEST(test_address_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
