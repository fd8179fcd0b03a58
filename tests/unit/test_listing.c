/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long lists over the control socket: whole however they are cut into parts, and true though the
 * list changes meanwhile.
 */
#include "control_lab.h"

#include <jansson.h>

#define MANY 1000

static void happen(uint32_t count, const char *client)
{
	const struct history_record record = {
		.wall_ms = wall_now().ms,
		.event = { .address = address(client), .count = count, .reason = SA_REASON_RATE },
		.prefix_length = 128,
		.service = { "25", "smtp" },
	};

	agent_double_event(&record);
}

/* Of the addresses 192.168.N.M, N * 250 + M from from to below to. */
static void rules_change(struct lab *lab, const char *command, unsigned from, unsigned to,
			 unsigned step)
{
	json_t *prefixes = json_array(), *request;
	char *line;
	int fd = dial(lab->path);

	for (unsigned i = from; i < to; i += step)
		(void)json_array_append_new(prefixes,
					    json_sprintf("192.168.%u.%u", i / 250, i % 250));
	request = json_pack("{s:i, s:s, s:{s:o}}", "version", 1, "command", command, "arguments",
			    "prefixes", prefixes);
	line = json_dumps(request, JSON_COMPACT);
	for (size_t sent = 0; sent < strlen(line);) {
		const ssize_t put = send(fd, line + sent, strlen(line) - sent, 0);

		sent += put > 0 ? (size_t)put : 0;
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK), 0);
	}
	assert_int_equal(send(fd, "\n", 1, 0), 1);
	finish(lab, fd);
	assert_has(lab, "\"ok\":true");
	json_decref(request);
	free(line);
}

/* The list of the reply; to be released. */
static json_t *list_of(const struct lab *lab, const char *name)
{
	json_t *reply = json_loads(lab->reply, JSON_REJECT_DUPLICATES, NULL), *list;

	assert_non_null(reply);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_true(json_is_array(json_object_get(reply, "warnings")));
	list = json_incref(json_object_get(json_object_get(reply, "result"), name));
	assert_true(json_is_array(list));
	json_decref(reply);
	return list;
}

static const char *prefix_at(const json_t *list, size_t index)
{
	return json_string_value(json_object_get(json_array_get(list, index), "prefix"));
}

static int say(const struct lab *lab, const char *command, const char *arguments)
{
	const int fd = dial(lab->path);
	char request[256];
	const int size = snprintf(request, sizeof(request),
				  "{\"version\":1,\"command\":\"%s\",\"arguments\":%s}\n", command,
				  arguments);

	assert_int_equal(send(fd, request, (size_t)size, 0), size);
	return fd;
}

/* Runs the loop until the first bytes of the answer are there, and takes none of them. */
static void begun(const struct lab *lab, int fd)
{
	char byte;

	while (recv(fd, &byte, 1, MSG_PEEK) != 1)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
}

static void all_events_are_told_in_order(void **state)
{
	struct lab *lab = *state;
	json_t *list;

	for (uint32_t i = 0; i < MANY; i++)
		happen(i, i % 2 ? "192.0.2.1" : "198.51.100.1");
	ask(lab, "events", "{}");
	list = list_of(lab, "events");
	assert_int_equal(json_array_size(list), MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(
			json_integer_value(json_object_get(json_array_get(list, i), "count")), i);
	json_decref(list);
	ask(lab, "events", "{\"address\":\"192.0.2.1\"}");
	list = list_of(lab, "events");
	assert_int_equal(json_array_size(list), MANY / 2);
	json_decref(list);
}

static void events_that_come_meanwhile_are_told_to_followers_alone(void **state)
{
	struct lab *lab = *state;
	const int once = say(lab, "events", "{}");
	const int follower = say(lab, "events", "{\"follow\":true}");
	json_t *list;

	for (uint32_t i = 0; i < MANY; i++)
		happen(i, "192.0.2.1");
	begun(lab, once);
	begun(lab, follower);
	for (uint32_t i = 0; i < MANY; i++)
		happen(MANY + i, "192.0.2.1");
	finish(lab, once);
	list = list_of(lab, "events");
	assert_int_equal(json_array_size(list), MANY);
	json_decref(list);
	receive_line(lab, follower);
	list = list_of(lab, "events");
	assert_int_equal(json_array_size(list), MANY);
	json_decref(list);
	for (uint32_t i = 0; i <= MANY; i++) {
		char count[32];

		/* The last one comes when it already follows. */
		if (i == MANY)
			happen(2 * MANY, "192.0.2.1");
		receive_line(lab, follower);
		(void)snprintf(count, sizeof(count), "\"count\":%u,", MANY + i);
		assert_has(lab, count);
	}
	(void)close(follower);
	while (agent_double.followers)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
}

static void events_forgotten_meanwhile_are_left_out(void **state)
{
	struct lab *lab = *state;
	int fd;
	json_t *list;

	for (uint32_t i = 0; i < HISTORY_CAPACITY; i++)
		happen(i, "192.0.2.1");
	fd = say(lab, "events", "{}");
	begun(lab, fd);
	for (uint32_t i = 0; i < HISTORY_CAPACITY; i++)
		happen(HISTORY_CAPACITY + i, "192.0.2.1");
	finish(lab, fd);
	list = list_of(lab, "events");
	assert_in_range(json_array_size(list), 1, HISTORY_CAPACITY - 1);
	json_decref(list);
}

/* The whole history for each would be more than all together may leave untaken. */
static void many_who_do_not_read_yet_are_kept(void **state)
{
	struct lab *lab = *state;
	int fds[40];

	for (uint32_t i = 0; i < HISTORY_CAPACITY; i++)
		happen(i, "192.0.2.1");
	for (size_t i = 0; i < 40; i++) {
		fds[i] = say(lab, "events", "{}");
		begun(lab, fds[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK), 0);
	for (size_t i = 0; i < 40; i++) {
		json_t *list;

		finish(lab, fds[i]);
		list = list_of(lab, "events");
		assert_int_equal(json_array_size(list), HISTORY_CAPACITY);
		json_decref(list);
	}
}

static void who_has_said_all_gets_all(void **state)
{
	struct lab *lab = *state;
	int fd;
	json_t *list;

	for (uint32_t i = 0; i < MANY; i++)
		happen(i, "192.0.2.1");
	fd = say(lab, "events", "{}");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	finish(lab, fd);
	list = list_of(lab, "events");
	assert_int_equal(json_array_size(list), MANY);
	json_decref(list);
}

static void rules_are_told_once_though_others_change(void **state)
{
	struct lab *lab = *state;
	const char *last = NULL;
	size_t even = 0;
	json_t *list;
	int fd;

	rules_change(lab, "block add", 0, MANY, 2);
	fd = say(lab, "block list", "{}");
	begun(lab, fd);
	rules_change(lab, "block add", 1, MANY, 4);
	rules_change(lab, "block delete", MANY / 2, MANY, 2);
	finish(lab, fd);
	list = list_of(lab, "blocks");
	for (size_t i = 0; i < json_array_size(list); i++) {
		unsigned high, low;

		assert_int_equal(sscanf(prefix_at(list, i), "192.168.%u.%u", &high, &low), 2);
		even += low % 2 == 0 && high * 250 + low < MANY / 2;
		assert_true(!last || strcmp(last, prefix_at(list, i)) != 0);
		last = prefix_at(list, i);
	}
	assert_int_equal(even, MANY / 4);
	json_decref(list);
}

static void a_reload_ends_the_list_of_exceptions(void **state)
{
	struct lab *lab = *state;
	struct config_pattern *patterns = calloc(MANY, sizeof(*patterns));
	json_t *list, *reply;
	int fd;

	for (size_t i = 0; i < MANY; i++)
		patterns[i] = lab->pattern;
	rules_change(lab, "exception add", 0, MANY, 1);
	lab->config.exceptions = (struct config_patterns){ patterns, MANY };
	ask(lab, "exception list", "{}");
	list = list_of(lab, "exceptions");
	assert_int_equal(json_array_size(list), 2 * MANY);
	assert_string_equal(prefix_at(list, MANY - 1), "192.168.3.249");
	assert_string_equal(prefix_at(list, MANY), "10.0.0.0/8");
	json_decref(list);
	/* Where it has told run-time rules only, nothing is amiss yet. */
	fd = say(lab, "exception list", "{}");
	begun(lab, fd);
	lab->daemon.reload_succeeded.ms++;
	finish(lab, fd);
	list = list_of(lab, "exceptions");
	assert_int_equal(json_array_size(list), 2 * MANY);
	json_decref(list);
	rules_change(lab, "exception delete", 0, MANY, 1);
	fd = say(lab, "exception list", "{}");
	begun(lab, fd);
	lab->daemon.reload_succeeded.ms++;
	finish(lab, fd);
	assert_has(lab, "\"ok\":false,\"error\":\"the configuration was reloaded meanwhile");
	reply = json_loads(lab->reply, 0, NULL);
	assert_non_null(reply);
	json_decref(reply);
	lab->config.exceptions = (struct config_patterns){ &lab->pattern, 1 };
	free(patterns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_events_are_told_in_order),
		TEST(events_that_come_meanwhile_are_told_to_followers_alone),
		TEST(events_forgotten_meanwhile_are_left_out),
		TEST(many_who_do_not_read_yet_are_kept),
		TEST(who_has_said_all_gets_all),
		TEST(rules_are_told_once_though_others_change),
		TEST(a_reload_ends_the_list_of_exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
