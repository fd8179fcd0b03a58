/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy service from the outside: peers connect, send, dawdle and go, the loop runs, replies
 * come back.
 */
#include "policy_server_lab.h"

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

int main(void)
{
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
