/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of the policy service, which come and go by a changed policy_listen.
 */
#include "policy_server_lab.h"

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
	policy_server_discard(lab->server, fresh);
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

static int listener_on(const char *address, uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, address, &name.sin_addr), 1);
	if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 1) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void assert_serves(struct lab *lab, uint16_t port)
{
	const unsigned before = lab->answered;
	const int fd = dial_tcp(lab, port);

	assert_true(fd >= 0);
	say(lab, fd, REQUEST);
	for (int i = 0; i < 100 && lab->answered == before; i++)
		turn(lab);
	hear(lab, fd, REPLY);
	(void)close(fd);
}

/* One address, then all of them, and back: each is refused to a socket while the other listens. */
static void test_overlap(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "0.0.0.0",          "127.0.0.1",
					     "[::]",      "127.0.0.1",        "[::ffff:127.0.0.1]",
					     "0.0.0.0",   "[::ffff:0.0.0.0]", "127.0.0.1" };
	struct lab *lab = *state;
	const uint16_t port = free_port();
	struct policy_listener *fresh;
	char list[96];

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		(void)snprintf(list, sizeof(list), "inet:%s:%u", hosts[i], port);
		listen_on(lab, list);
		assert_serves(lab, port);
		assert_int_equal(listener_on("127.0.0.1", port), -1);
	}
	/* Two that overlap with each other are as wrong as ever, in either order. */
	listen_on(lab, "");
	(void)snprintf(list, sizeof(list), "inet:127.0.0.1:%u", port);
	listen_on(lab, list);
	(void)snprintf(list, sizeof(list), "inet:127.0.0.1:%u inet:0.0.0.0:%u", port, port);
	assert_int_equal(plan(lab, list, &fresh), -EADDRINUSE);
	assert_serves(lab, port);
	(void)snprintf(list, sizeof(list), "inet:0.0.0.0:%u inet:127.0.0.1:%u", port, port);
	assert_int_equal(plan(lab, list, &fresh), -EADDRINUSE);
	assert_serves(lab, port);
}

/* The new one cannot be had, or is given up: the old one serves, with the connections it has. */
static void test_overlap_undone(void **state)
{
	struct lab *lab = *state;
	const uint16_t port = free_port();
	const int other = listener_on("127.0.0.9", port);
	struct policy_listener *fresh;
	char list[96];
	int fd;

	(void)snprintf(list, sizeof(list), "inet:127.0.0.1:%u", port);
	listen_on(lab, list);
	fd = dial_tcp(lab, port);
	(void)snprintf(list, sizeof(list), "inet:0.0.0.0:%u", port);
	assert_int_equal(plan(lab, list, &fresh), -EADDRINUSE);
	assert_serves(lab, port);
	(void)close(other);
	(void)snprintf(list, sizeof(list), "inet:0.0.0.0:%u unix:/nowhere/at/all", port);
	assert_int_equal(plan(lab, list, &fresh), -ENOENT);
	assert_serves(lab, port);
	(void)snprintf(list, sizeof(list), "inet:0.0.0.0:%u", port);
	assert_int_equal(plan(lab, list, &fresh), 0);
	policy_server_discard(lab->server, fresh);
	assert_serves(lab, port);
	say(lab, fd, REQUEST);
	hear(lab, fd, REPLY);
	(void)close(fd);
	listen_on(lab, list);
	assert_serves(lab, port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tcp),
		TEST(test_listeners_change),
		TEST(test_plan_undone),
		TEST(test_unix_socket),
		TEST(test_address_in_use),
		TEST(test_overlap),
		TEST(test_overlap_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
