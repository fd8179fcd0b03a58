/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.c, service_names.c: the ring of the last events, what matches a question, the log line,
 * the gate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "history.h"

static struct sa_address address(const char *text)
{
	struct sa_address parsed;

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static struct history_record record(const char *client, enum sa_reason reason, uint32_t count)
{
	return (struct history_record){
		.wall_ms = 1763796401500,
		.event = { .address = address(client),
			   .count = count,
			   .limit = 30,
			   .reason = (uint8_t)reason },
		.prefix_length = 128,
		.service = { "25", "smtp" },
	};
}

static void the_last_are_kept_in_order(void **state)
{
	struct history history = { 0 };

	(void)state;
	for (uint32_t i = 0; i < HISTORY_CAPACITY + 777; i++) {
		const struct history_record one = record("192.0.2.1", SA_REASON_RATE, i);

		assert_int_equal(history_add(&history, &one), 0);
		assert_int_equal(history_get(&history, history.count - 1)->event.count, i);
	}
	assert_int_equal(history.count, HISTORY_CAPACITY);
	assert_int_equal(history.size, HISTORY_CAPACITY);
	for (uint32_t i = 0; i < HISTORY_CAPACITY; i++)
		assert_int_equal(history_get(&history, i)->event.count, i + 777);
	history_done(&history);
}

static void filter_by_address_and_time(void **state)
{
	const struct history_record one = record("192.0.2.1", SA_REASON_RATE, 31);
	struct history_filter filter = { 0 };
	struct prefix *prefix = &filter.prefix;

	(void)state;
	assert_true(history_matches(&filter, &one));
	filter.since_ms = one.wall_ms;
	assert_true(history_matches(&filter, &one));
	filter.since_ms++;
	assert_false(history_matches(&filter, &one));
	filter = (struct history_filter){ .within = true };
	assert_int_equal(prefix_parse("192.0.2.0/24", 12, PREFIX_ANY, prefix), PREFIX_OK);
	assert_true(history_matches(&filter, &one));
	assert_int_equal(prefix_parse("192.0.2.2", 9, PREFIX_ANY, prefix), PREFIX_OK);
	assert_false(history_matches(&filter, &one));
	assert_int_equal(prefix_parse("::/0", 4, PREFIX_ANY, prefix), PREFIX_OK);
	assert_false(history_matches(&filter, &one));
}

static void log_lines_read_as_documented(void **state)
{
	static const struct {
		enum sa_reason reason;
		const char *line;
	} rows[] = {
		{ SA_REASON_RATE, "SYN rate limit exceeded: 31 from unknown[2001:db8::1] for "
				  "service smtp (source unverified)" },
		{ SA_REASON_CONCURRENCY, "Connection concurrency limit exceeded: 31 from "
					 "unknown[2001:db8::1] for service smtp "
					 "(source unverified)" },
		{ SA_REASON_BLOCKED, "SYN from blocked client: unknown[2001:db8::1] for service "
				     "smtp (source unverified)" },
		{ SA_REASON_PROCESS_LIMIT, "SYN refused: the service has no process left: "
					   "unknown[2001:db8::1] for service smtp" },
	};
	struct history_record one;
	char line[HISTORY_LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		one = record("2001:db8::1", rows[i].reason, 31);

		history_line(&one, NULL, line);
		assert_string_equal(line, rows[i].line);
	}
	one = record("2001:db8::1", SA_REASON_CONCURRENCY, 31);
	one.event.confirmed = 1;
	history_line(&one, NULL, line);
	assert_string_equal(line, "Connection concurrency limit exceeded: 31 from "
				  "unknown[2001:db8::1] for service smtp");
	one.event.is_share = 1;
	history_line(&one, NULL, line);
	assert_string_equal(line, "Connection concurrency limit exceeded: 31 from "
				  "unknown[2001:db8::1] for service smtp (share of a service that "
				  "fills up)");
	one.refusal = POLICY_MESSAGE_RATE;
	one.count = 7;
	history_line(&one, "mx.example", line);
	assert_string_equal(line, "Message delivery request rate limit exceeded: 7 from "
				  "mx.example[2001:db8::1] for service smtp");
	one.event.confirmed = 0;
	one.refusal = POLICY_RECIPIENT_RATE;
	history_line(&one, NULL, line);
	assert_string_equal(line, "Recipient address rate limit exceeded: 7 from "
				  "unknown[2001:db8::1] for service smtp (source unverified)");
}

static void json_has_the_documented_keys(void **state)
{
	struct history_record one = record("2001:db8::1:2", SA_REASON_RATE, 31);
	char *text;
	json_t *object;

	(void)state;
	one.prefix_length = 84;
	object = history_json(&one);
	text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_string_equal(text,
			    "{\"time\":\"2025-11-22T07:26:41Z\",\"address\":\"2001:db8::1:2\","
			    "\"prefix\":\"2001:db8::/84\",\"service\":\"25\",\"reason\":\"rate\","
			    "\"count\":31,\"limit\":30,\"would_drop\":false}");
	free(text);
	json_decref(object);
}

static void gate_counts_what_it_keeps_out(void **state)
{
	struct log_gate gate = { 0 };
	unsigned passed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		passed += log_gate_open(&gate, 5000 + (uint64_t)i);
	assert_int_equal(passed, LOG_GATE_LINES);
	assert_int_equal(log_gate_flush(&gate, 5999), 0);
	assert_int_equal(log_gate_flush(&gate, 6000), 1000 - LOG_GATE_LINES);
	assert_int_equal(log_gate_flush(&gate, 7000), 0);
	assert_true(log_gate_open(&gate, 7001));
}

static void names_of_services(void **state)
{
	struct config config = { .service_count = 1 };
	struct sa_settings settings = { .service_count = 1 };
	struct service_name name;

	(void)state;
	config.services[0] = (struct config_service){
		.any_address = true, .port = 25, .label = "25", .name = "smtp"
	};
	settings.services[0] =
		(struct sa_service){ .port_be = __builtin_bswap16(25), .any_address = 1, .id = 7 };
	service_name_of(&config, &settings, 7, &name);
	assert_string_equal(name.label, "25");
	assert_string_equal(name.name, "smtp");
	service_name_of(&config, &settings, 8, &name);
	assert_string_equal(name.label, "[8]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_are_kept_in_order),
		cmocka_unit_test(filter_by_address_and_time),
		cmocka_unit_test(log_lines_read_as_documented),
		cmocka_unit_test(json_has_the_documented_keys),
		cmocka_unit_test(gate_counts_what_it_keeps_out),
		cmocka_unit_test(names_of_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
