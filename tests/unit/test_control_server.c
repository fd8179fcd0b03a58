/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket and the metrics socket, from the outside: a client sends bytes, the loop runs,
 * bytes come back. What stands behind the tables is a double; the rest is the agent's own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
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

#include "agent_double.h"
#include "control_commands.h"
#include "control_protocol.h"
#include "control_server.h"
#include "log.h"
#include "metrics_server.h"
#include "show.h"
#include "state.h"
#include "tables_double.h"

#define REPLY_MAX (4 * 1024 * 1024)

struct lab {
	char directory[64];
	char path[96];
	struct daemon daemon;
	struct config config;
	struct config_pattern pattern;
	char *reply;
	const char *group; /* one that this process may give away to */
};

static struct sa_address address(const char *text)
{
	struct sa_address parsed;

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static void configure(struct lab *lab)
{
	struct config *config = &lab->config;

	lab->pattern = (struct config_pattern){ .is_prefix = true,
						.origin = { CONFIG_FROM_FILE, "/etc/x.cf", 7 } };
	assert_int_equal(prefix_parse("10.0.0.0/8", 10, PREFIX_ANY, &lab->pattern.prefix),
			 PREFIX_OK);
	*config = (struct config){
		.file = (char *)"/etc/x.cf",
		.exceptions = { &lab->pattern, 1 },
		.service_count = 1,
		.enforce = true,
		.ipv4_prefix_length = 32,
		.ipv6_prefix_length = 84,
		.services = { { .any_address = true,
				.port = 25,
				.label = "25",
				.name = "smtp",
				.connection_rate_limit = 3 } },
	};
	lab->daemon.config = config;
	lab->daemon.settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.mask_ipv6 = { ~0ULL, htobe64(0xfffff00000000000ULL) },
		.rate_unit_ms = 60000,
		.service_count = 1,
		.services = { { .port_be = htons(25),
				.any_address = 1,
				.id = 7,
				.slot = 1,
				.rate_limit = 3 } },
	};
	lab->daemon.tables.source_capacity = 1024;
	lab->daemon.interfaces.count = 1;
	lab->daemon.interfaces.items[0] =
		(struct interface){ .name = "eth0", .mode = INTERFACE_NATIVE };
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(getgrgid(getegid()));
	lab->group = getgrgid(getegid())->gr_name;
	strcpy(lab->directory, "/tmp/synanvil-control-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	(void)snprintf(lab->path, sizeof(lab->path), "%s/socket", lab->directory);
	lab->reply = calloc(1, REPLY_MAX);
	tables_double_reset();
	agent_double = (struct agent_double){ 0 };
	log_set_level(LOG_LEVEL_ERROR);
	configure(lab);
	lab->daemon.loop = event_base_new();
	assert_int_equal(state_new(&lab->daemon, lab->directory, &lab->daemon.state), 0);
	assert_int_equal(
		control_server_new(&lab->daemon, lab->path, lab->group, &lab->daemon.control), 0);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;
	char command[128];

	(void)metrics_server_free(lab->daemon.metrics);
	(void)control_server_free(lab->daemon.control);
	(void)state_free(lab->daemon.state);
	event_base_free(lab->daemon.loop);
	assert_null(agent_double.followers);
	history_done(&agent_double.history);
	/* The socket was unlinked. */
	assert_int_equal(access(lab->path, F_OK), -1);
	(void)snprintf(command, sizeof(command), "rm -rf %s", lab->directory);
	assert_int_equal(system(command), 0);
	free(lab->reply);
	free(lab);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(peer.sun_path, path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&peer, sizeof(peer)), 0);
	return fd;
}

/* Runs the loop until the server has closed; the reply is in lab->reply. */
static void finish(struct lab *lab, int fd)
{
	size_t used = 0;

	for (;;) {
		const ssize_t got = recv(fd, lab->reply + used, REPLY_MAX - used - 1, 0);

		if (got > 0) {
			used += (size_t)got;
			continue;
		}
		if (got == 0 || errno != EAGAIN)
			break;
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
	lab->reply[used] = '\0';
	(void)close(fd);
}

/* Runs the loop until a whole line was received. */
static void receive_line(struct lab *lab, int fd)
{
	size_t used = 0;

	while (!used || lab->reply[used - 1] != '\n') {
		const ssize_t got = recv(fd, lab->reply + used, 1, 0);

		if (got == 1)
			used++;
		else
			assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
	lab->reply[used] = '\0';
}

static void ask(struct lab *lab, const char *command, const char *arguments)
{
	const int fd = dial(lab->path);
	char request[1024];
	const int size = snprintf(request, sizeof(request),
				  "{\"version\":1,\"command\":\"%s\",\"arguments\":%s}\n", command,
				  arguments);

	assert_int_equal(send(fd, request, (size_t)size, 0), size);
	finish(lab, fd);
}

#define assert_has(lab, text)                                                 \
	do {                                                                  \
		if (!strstr((lab)->reply, text))                              \
			fail_msg("\"%s\" is not in: %s", text, (lab)->reply); \
	} while (0)

static void looking_commands_answer(void **state)
{
	static const struct {
		const char *command, *arguments, *answer;
	} rows[] = {
		{ "status", "{}",
		  "\"interfaces\":[{\"name\":\"eth0\",\"mode\":\"native\",\"attached\":true}]" },
		{ "status", "{}",
		  "\"sources\":{\"tracked\":0,\"capacity\":1024,\"age_seconds\":null}" },
		{ "status", "{}", "\"would_drop\":{\"blocked\":0," },
		{ "top", "{}", "{\"age_seconds\":null,\"sources\":[]}" },
		{ "top", "{\"by\":\"size\"}", "\"ok\":false" },
		{ "top", "{\"count\":0}", "\"error\":\"count: not a number from 1 to 1000\"" },
		{ "top", "{\"count\":\"5\"}", "\"ok\":false" },
		{ "show", "{\"address\":\"[2001:db8::1]\"}", "\"prefix\":\"2001:db8::/84\"" },
		{ "show", "{\"address\":\"10.1.1.1\"}",
		  "\"verdict\":\"pass\",\"reason\":\"exempt\"" },
		{ "show", "{\"address\":\"10.1.1\"}",
		  "\"error\":\"10.1.1: not an IPv4 or IPv6 address\"" },
		{ "show", "{}", "\"ok\":false" },
		{ "exception list", "{}",
		  "{\"prefix\":\"10.0.0.0/8\",\"exempt\":true,\"origin\":\"config\",\"file\":\"/"
		  "etc/x.cf\",\"line\":7}" },
		{ "block list", "{}", "{\"blocks\":[]}" },
		{ "events", "{}", "{\"events\":[]}" },
		{ "events", "{\"since\":-1}", "\"ok\":false" },
		{ "advise", "{}", "\"services\":[]}" },
		{ "no such", "{}", "\"error\":\"no such: unknown command\"" },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ask(lab, rows[i].command, rows[i].arguments);
		assert_has(lab, rows[i].answer);
	}
}

static void rules_are_added_and_deleted(void **state)
{
	struct lab *lab = *state;

	ask(lab, "exception add", "{\"prefixes\":[\"192.0.2.0/24\",\"2001:db8::/32\"]}");
	assert_has(lab, "\"ok\":true");
	ask(lab, "exception list", "{}");
	assert_has(lab, "{\"exceptions\":[{\"prefix\":\"192.0.2.0/"
			"24\",\"exempt\":true,\"origin\":\"runtime\"}");
	ask(lab, "block add",
	    "{\"prefixes\":[\"192.0.2.1\",\"198.51.100.0/24\",\"10.0.0.9\"],\"seconds\":60}");
	assert_has(lab, "192.0.2.1 is inside an exception added at run time");
	assert_has(lab, "10.0.0.9 is inside a configured exception");
	assert_null(strstr(lab->reply, "198.51.100.0"));
	ask(lab, "block list", "{}");
	assert_has(lab,
		   "{\"prefix\":\"192.0.2.1\",\"origin\":\"runtime\",\"remaining_seconds\":60}");
	ask(lab, "block add", "{\"prefixes\":[\"192.0.2.1\"]}");
	ask(lab, "block list", "{}");
	assert_has(lab,
		   "{\"prefix\":\"192.0.2.1\",\"origin\":\"runtime\",\"remaining_seconds\":null}");
	ask(lab, "show", "{\"address\":\"198.51.100.7\"}");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"blocked\"");
	ask(lab, "exception delete", "{\"prefixes\":[\"10.0.0.0/8\"]}");
	assert_has(lab, "/etc/x.cf:7: 10.0.0.0/8 is in the configuration");
	ask(lab, "block add", "{\"prefixes\":[\"192.0.2.1/24\"]}");
	assert_has(lab, "did you mean 192.0.2.0/24?");
	ask(lab, "block delete", "{\"prefixes\":[]}");
	assert_has(lab, "no prefixes are given");
}

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

static void reload_reports_what_it_found(void **state)
{
	struct lab *lab = *state;

	agent_double.reload_finding = "unknown parameter";
	ask(lab, "reload", "{}");
	assert_has(lab, "\"warnings\":[\"/etc/x.cf:3: warning: foo: unknown parameter\"]");
	agent_double.reload_result = -EINVAL;
	ask(lab, "reload", "{}");
	assert_has(lab, "\"error\":\"/etc/x.cf:3: error: foo: unknown parameter\"");
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

static void leaving_replies_first(void **state)
{
	struct lab *lab = *state;

	ask(lab, "restart", "{}");
	assert_has(lab, "\"ok\":true");
	assert_int_equal(agent_double.leave, DAEMON_KEEP);
	ask(lab, "detach", "{}");
	assert_has(lab, "\"ok\":true");
	assert_int_equal(agent_double.leave, DAEMON_DETACH);
	assert_int_equal(agent_double.stops, 2);
}

static void those_who_may_look_change_nothing(void **state)
{
	static const char *const looking[] = { "status",     "top",    "exception list",
					       "block list", "events", "advise" };
	static const char *const changing[] = { "exception add", "exception delete", "block add",
						"block delete",  "reload",           "restart",
						"detach" };
	const struct control_peer peer = { .may_change = false };
	struct lab *lab = *state;
	json_t *arguments = json_pack("{s:[s]}", "prefixes", "192.0.2.1");
	struct control_reply reply;

	for (size_t i = 0; i < sizeof(looking) / sizeof(*looking); i++) {
		control_command_run(&lab->daemon, &peer, looking[i], arguments, &reply);
		assert_null(reply.error);
		control_reply_done(&reply);
	}
	for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++) {
		control_command_run(&lab->daemon, &peer, changing[i], arguments, &reply);
		assert_non_null(
			strstr(reply.error, "only root and the agent's own user may do that"));
		control_reply_done(&reply);
	}
	assert_int_equal(state_exceptions(lab->daemon.state)->count, 0);
	assert_int_equal(state_blocks(lab->daemon.state)->count, 0);
	assert_int_equal(agent_double.stops, 0);
	json_decref(arguments);
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

static void show_reads_the_source(void **state)
{
	struct lab *lab = *state;
	struct sa_source source = { .dropped = 9,
				    .last_dropped_s = (uint32_t)(mono_now().ms / 1000) };
	const struct sa_address client = address("2001:db8::1:2");
	struct sa_source_key key;

	show_source_key(&lab->daemon.settings, &client, 7, &key);
	source.window = mono_now().ms << SA_COUNT_BITS | 4;
	tables_double.source_keys = &key;
	tables_double.sources = &source;
	tables_double.source_count = 1;
	tables_double.blocked_key = &key;
	tables_double.blocked.dropped = 5;
	/* Another address of the same /84. */
	ask(lab, "show", "{\"address\":\"2001:db8::7\"}");
	assert_has(lab, "\"attempts\":4,\"limit\":3,\"window_remaining_seconds\":60,\"dropped\":14,"
			"\"last_dropped\":\"20");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"rate\"");
	lab->config.enforce = false;
	ask(lab, "show", "{\"address\":\"2001:db8::7\"}");
	assert_has(lab, "\"verdict\":\"would_drop\",\"reason\":\"rate\"");
	ask(lab, "show", "{\"address\":\"2001:db9::7\"}");
	assert_has(lab, "\"attempts\":0,\"limit\":3,\"window_remaining_seconds\":0,\"dropped\":0,"
			"\"last_dropped\":null");
}

static void predictions_follow_the_order_of_reasons(void **state)
{
	struct show_facts facts = { .rate_limit = 3, .attempts = 2 };

	(void)state;
	assert_int_equal(show_predict(&facts), SA_REASON_WITHIN_LIMIT);
	facts.process_limit = 100;
	facts.service_connections = 100;
	assert_int_equal(show_predict(&facts), SA_REASON_PROCESS_LIMIT);
	facts.attempts = 3;
	assert_int_equal(show_predict(&facts), SA_REASON_RATE);
	facts.connection_limit = facts.connections = 5;
	assert_int_equal(show_predict(&facts), SA_REASON_CONCURRENCY);
	facts.blocked = true;
	assert_int_equal(show_predict(&facts), SA_REASON_BLOCKED);
	facts.exempt = true;
	assert_int_equal(show_predict(&facts), SA_REASON_EXEMPT);
	facts = (struct show_facts){ .attempts = 1000 };
	assert_int_equal(show_predict(&facts), SA_REASON_UNLIMITED);
	assert_int_equal(show_action(SA_REASON_EXEMPT, true), OUTCOME_PASS);
	assert_int_equal(show_action(SA_REASON_RATE, true), OUTCOME_DROP);
	assert_int_equal(show_action(SA_REASON_RATE, false), OUTCOME_WOULD_DROP);
}

/* --- metrics --- */

static int free_port(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(name);

	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	(void)close(fd);
	return ntohs(name.sin_port);
}

static int dial_port(int port)
{
	const struct sockaddr_in name = { .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void http(struct lab *lab, int port, const char *request)
{
	const int fd = dial_port(port);

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	finish(lab, fd);
}

static void metrics_are_served(void **state)
{
	struct lab *lab = *state;
	struct metrics_server *second;
	const int port = free_port();
	char listen[64];

	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, &lab->daemon.metrics), 0);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, &second), -EADDRINUSE);
	assert_int_equal(metrics_server_new(&lab->daemon, "::1:9925", &second), -EINVAL);
	assert_int_equal(metrics_server_new(&lab->daemon, "127.0.0.1", &second), -EINVAL);
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4");
	assert_has(lab, "synanvil_exceptions 1\n");
	http(lab, port, "POST /metrics HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 405 ");
	assert_has(lab, "Allow: GET\r\n");
	http(lab, port, "GET / HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 404 ");
}

/* More than the server has places for: each that comes takes that of the one that waited longest.
 */
static void who_asks_is_served_however_many_hold_the_line(void **state)
{
	struct lab *lab = *state;
	const struct rlimit files = { 4096, 4096 };
	const int port = free_port();
	static int held[1200];
	char listen[64], byte;

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		skip();
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, &lab->daemon.metrics), 0);
	for (size_t i = 0; i < 1200; i++) {
		held[i] = dial_port(port);
		(void)event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK);
	}
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\n");
	/* The first had to go, the last is still there. */
	assert_int_equal(recv(held[0], &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(held[1199], &byte, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < 1200; i++)
		(void)close(held[i]);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(looking_commands_answer),
		TEST(rules_are_added_and_deleted),
		TEST(events_are_told_as_they_come),
		TEST(a_peer_that_takes_nothing_is_closed),
		TEST(reload_reports_what_it_found),
		TEST(a_reload_that_takes_the_socket_still_answers),
		TEST(leaving_replies_first),
		TEST(those_who_may_look_change_nothing),
		TEST(bad_requests_get_an_error),
		TEST(requests_are_bounded),
		TEST(connections_are_bounded),
		TEST(the_socket_appears_whole),
		TEST(a_stale_socket_is_replaced),
		TEST(show_reads_the_source),
		cmocka_unit_test(predictions_follow_the_order_of_reasons),
		TEST(metrics_are_served),
		TEST(who_asks_is_served_however_many_hold_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
