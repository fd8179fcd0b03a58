/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: who gets in, how much is taken, what becomes of a peer that stalls, and the
 * socket itself.
 */
#include "control_lab.h"

#include "control_protocol.h"

static void events_are_told_as_they_come(void **state)
{
	struct lab *lab = *state;
	const char request[] = "{\"version\":1,\"command\":\"events\",\"arguments\":{\"follow\":"
			       "true,\"address\":\"192.0.2.0/24\"}}\n";
	struct history_record record = {
		.wall_ms = wall_now().ms,
		.event = { .address = address("192.0.2.1"),
			   .count = 4,
			   .limit = 3,
			   .reason = SA_REASON_RATE },
		.prefix_length = 128,
		.service = { "25", "smtp" },
	};
	const int fd = dial(lab->path);

	agent_double_event(&record);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	receive_line(lab, fd);
	assert_has(lab, "\"result\":{\"events\":[{");
	record.event.address = address("198.51.100.1");
	agent_double_event(&record);
	record.event.address = address("192.0.2.77");
	agent_double_event(&record);
	receive_line(lab, fd);
	assert_has(lab, "\"address\":\"192.0.2.77\"");
	/* The peer goes: nobody follows any more. */
	(void)close(fd);
	while (agent_double.followers)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
}

static void a_peer_that_takes_nothing_is_closed(void **state)
{
	struct lab *lab = *state;
	const char request[] =
		"{\"version\":1,\"command\":\"events\",\"arguments\":{\"follow\":true}}\n";
	const struct history_record record = { .event = { .address = address("192.0.2.1") },
					       .prefix_length = 128 };
	const int fd = dial(lab->path);
	unsigned sent = 0;

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	while (!agent_double.followers)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	for (; agent_double.followers && sent < 1000000; sent++)
		agent_double_event(&record);
	assert_null(agent_double.followers);
	(void)close(fd);
}

static void move_control_socket(struct daemon *daemon)
{
	(void)control_server_free(daemon->control);
	daemon->control = NULL;
}

static void a_reload_that_takes_the_socket_still_answers(void **state)
{
	struct lab *lab = *state;

	agent_double.reload_hook = move_control_socket;
	ask(lab, "reload", "{}");
	assert_has(lab, "\"ok\":true");
	assert_int_equal(access(lab->path, F_OK), -1);
}

static void bad_requests_get_an_error(void **state)
{
	static const char *const requests[] = { "\n", "{}\n", "[1]\n", "\xff\n",
						"{\"version\":2,\"command\":\"status\"}\n" };
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const int fd = dial(lab->path);

		assert_int_equal(send(fd, requests[i], strlen(requests[i]), 0),
				 strlen(requests[i]));
		finish(lab, fd);
		assert_has(lab, "\"ok\":false");
	}
}

static void requests_are_bounded(void **state)
{
	struct lab *lab = *state;
	const int fd = dial(lab->path);
	static char junk[65536];
	size_t sent = 0;

	memset(junk, 'x', sizeof(junk));
	while (sent <= CONTROL_REQUEST_MAX) {
		const ssize_t put = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);

		if (put > 0)
			sent += (size_t)put;
		else
			assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
	finish(lab, fd);
	assert_has(lab, "the request is too long");
}

static void connections_are_bounded(void **state)
{
	struct lab *lab = *state;
	int fds[257];

	for (size_t i = 0; i < 257; i++) {
		fds[i] = dial(lab->path);
		(void)event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK);
	}
	finish(lab, fds[256]);
	assert_has(lab, "too many connections");
	/* One goes, the next is welcome. */
	(void)close(fds[0]);
	(void)event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK);
	ask(lab, "advise", "{}");
	assert_has(lab, "\"ok\":true");
	for (size_t i = 1; i < 256; i++)
		(void)close(fds[i]);
}

static void the_socket_appears_whole(void **state)
{
	struct lab *lab = *state;
	struct control_server *second;
	struct stat status;
	char other[128];
	int fd;

	assert_int_equal(stat(lab->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_int_equal(control_server_new(&lab->daemon, lab->path, lab->group, &second),
			 -EADDRINUSE);
	assert_int_equal(control_server_new(&lab->daemon, lab->path, "no-such-group", &second),
			 -ESRCH);
	(void)snprintf(other, sizeof(other), "%s/none/socket", lab->directory);
	assert_int_equal(control_server_new(&lab->daemon, other, lab->group, &second), -ENOENT);
	(void)snprintf(other, sizeof(other), "%s/file", lab->directory);
	fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	assert_int_equal(control_server_new(&lab->daemon, other, lab->group, &second), -EEXIST);
	assert_int_equal(access(other, F_OK), 0);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct lab *lab = *state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct control_server *second;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/stale", lab->directory);
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	(void)close(fd);
	assert_int_equal(control_server_new(&lab->daemon, name.sun_path, lab->group, &second), 0);
	fd = dial(name.sun_path);
	(void)close(fd);
	(void)control_server_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_are_told_as_they_come),
		TEST(a_peer_that_takes_nothing_is_closed),
		TEST(a_reload_that_takes_the_socket_still_answers),
		TEST(bad_requests_get_an_error),
		TEST(requests_are_bounded),
		TEST(connections_are_bounded),
		TEST(the_socket_appears_whole),
		TEST(a_stale_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
