/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats.c, outcomes.c, metrics_format.c, http_request.c: sums over the counters, and the page that
 * shows them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_request.h"
#include "metrics_format.h"
#include "stats.h"
#include "tables_double.h"

#define GOLDEN "tests/golden/metrics.txt"

/* Metrics need two names of interfaces.c, which needs netlink. */
const char *interface_mode_name(enum interface_mode mode)
{
	static const char *const names[] = { NULL, "native", "generic" };

	return names[mode];
}

struct lab {
	struct config config;
	struct sa_settings settings;
	struct interfaces interfaces;
	struct metrics_input input;
	struct policy_server_stats requests;
	struct stats *stats;
};

static const uint64_t milter_messages[] = { 1000, 20, 3, 0, 4 };

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	tables_double_reset();
	lab->config.enforce = true;
	lab->settings.rate_unit_ms = 60000;
	lab->config.service_count = 2;
	lab->config.services[0] =
		(struct config_service){ .any_address = true, .port = 25, .label = "25" };
	lab->config.services[1] =
		(struct config_service){ .port = 587, .label = "[2001:db8::1]:587" };
	lab->settings.service_count = 2;
	/* The other way round than in the configuration. */
	lab->settings.services[1] = (struct sa_service){
		.port_be = __builtin_bswap16(25), .any_address = 1, .id = 1, .slot = 4
	};
	lab->settings.services[0] =
		(struct sa_service){ .port_be = __builtin_bswap16(587), .id = 2, .slot = 9 };
	lab->settings.interfaces[2] =
		(struct sa_interface){ .ifindex = 3, .slot = 2, .name = "eth0" };
	lab->interfaces.count = 2;
	lab->interfaces.items[0] = (struct interface){ .name = "eth0", .mode = INTERFACE_NATIVE };
	lab->interfaces.items[1] =
		(struct interface){ .name = "we\"ird\\", .mode = INTERFACE_DETACHED };
	lab->requests.requests[POLICY_DATA] = 20;
	lab->requests.requests[POLICY_END_OF_MESSAGE] = 16;
	lab->requests.sessions = 4;
	lab->requests.errors[POLICY_FAULT_MALFORMED_LINE] = 2;
	histogram_add(&lab->requests.durations, 50000, 30);
	histogram_add(&lab->requests.durations, 50001, 5);
	histogram_add(&lab->requests.durations, 2000000000, 1);
	lab->input = (struct metrics_input){
		.config = &lab->config,
		.settings = &lab->settings,
		.interfaces = &lab->interfaces,
		.process = { .cpu_seconds = 1.5,
			     .start_time_seconds = 1763796401.25,
			     .virtual_bytes = 1 << 20,
			     .resident_bytes = 1 << 19,
			     .open_fds = 12,
			     .max_fds = UINT64_MAX },
		.sources = 3,
		.sources_capacity = 1048576,
		.exceptions = 5,
		.blocks = 1,
		.policy = {
			.decisions = {
				[POLICY_DUNNO][POLICY_NONE] = 11,
				[POLICY_DEFER][POLICY_MESSAGE_RATE] = 12,
				[POLICY_WOULD_REJECT][POLICY_SIZE] = 13,
			},
			.queue_free_bytes = 20000000000,
			.queue_required_bytes = 15364096,
		},
		.requests = &lab->requests,
		.connections = { [4] = 17, [5] = 1000 },
		.connections_drift = 6,
		.connections_uncounted = 7,
		.connections_source = CONNECTIONS_SOCK_DIAG,
		.milter_messages = milter_messages,
		.reload_ok = true,
		.reload_succeeded_ms = 1763796401500,
	};
	tables_double.rows[SA_COUNTER_ROW(2, 4, SA_FAMILY_IPV4)].packets[SA_REASON_WITHIN_LIMIT] =
		30;
	tables_double.rows[SA_COUNTER_ROW(2, 4, SA_FAMILY_IPV4)].packets[SA_REASON_RATE] = 70;
	tables_double.rows[SA_COUNTER_ROW(2, 9, SA_FAMILY_IPV6)]
		.packets[SA_OUTCOME_WOULD(SA_REASON_RATE)] = 8;
	/* A service that is gone. */
	tables_double.rows[SA_COUNTER_ROW(2, 5, SA_FAMILY_IPV4)].packets[SA_REASON_RATE] = 1000;
	tables_double.totals.unparsed[2] = 2;
	tables_double.totals.source_inserts = 4;
	assert_int_equal(stats_read(NULL, &lab->stats), 0);
	lab->input.stats = lab->stats;
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	free(lab->stats);
	free(lab);
	return 0;
}

static void outcomes_are_all_that_can_occur(void **state)
{
	struct outcome outcomes[OUTCOMES_MAX];
	const size_t count = outcomes_list(outcomes);
	size_t passes = 0;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		passes += outcomes[i].action == OUTCOME_PASS;
		assert_int_equal(reason_drops(outcomes[i].reason),
				 outcomes[i].action != OUTCOME_PASS);
	}
	assert_int_equal(count, passes + 2 * (SA_REASONS - passes));
	assert_string_equal(reason_token(SA_REASON_PROCESS_LIMIT), "process_limit");
	assert_string_equal(reason_token(SA_REASONS), "unknown");
}

static void sums_leave_out_what_is_gone(void **state)
{
	const struct lab *lab = *state;

	assert_int_equal(stats_sum(lab->stats, &lab->settings, SA_REASON_RATE), 70);
	assert_int_equal(stats_sum(lab->stats, &lab->settings, SA_REASON_WITHIN_LIMIT), 30);
	assert_int_equal(stats_sum(lab->stats, &lab->settings, SA_OUTCOME_WOULD(SA_REASON_RATE)),
			 8);
	assert_false(stats_unnamed(lab->stats, &lab->settings));
	lab->stats->rows[SA_COUNTER_ROW(0, 9, SA_FAMILY_IPV4)].packets[SA_REASON_RATE] = 5;
	assert_true(stats_unnamed(lab->stats, &lab->settings));
	assert_int_equal(stats_sum(lab->stats, &lab->settings, SA_REASON_RATE), 75);
}

static void page_equals_the_golden_one(void **state)
{
	const struct lab *lab = *state;
	char *page, *golden = NULL;
	size_t size, golden_size = 0;
	FILE *file;

	assert_int_equal(metrics_format(&lab->input, &page, &size), 0);
	/* After a wanted change, to be read before it is committed. */
	if (getenv("SYNANVIL_WRITE_GOLDEN")) {
		file = fopen(GOLDEN, "we");
		assert_non_null(file);
		assert_int_equal(fwrite(page, 1, size, file), size);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(GOLDEN, "re");
	assert_non_null(file);
	assert_true(getdelim(&golden, &golden_size, '\0', file) > 0);
	(void)fclose(file);
	assert_string_equal(page, golden);
	free(golden);
	free(page);
}

static void promtool_finds_nothing(void **state)
{
	const struct lab *lab = *state;
	char *page;
	size_t size;
	FILE *pipe;

	if (system("command -v promtool >/dev/null") != 0)
		skip();
	lab->stats->rows[SA_COUNTER_ROW(0, 9, SA_FAMILY_IPV4)].packets[SA_REASON_RATE] = 5;
	assert_int_equal(metrics_format(&lab->input, &page, &size), 0);
	pipe = popen("promtool check metrics", "w");
	assert_non_null(pipe);
	assert_int_equal(fwrite(page, 1, size, pipe), size);
	assert_int_equal(pclose(pipe), 0);
	free(page);
}

static void process_reads_itself(void **state)
{
	struct process_stats process;

	(void)state;
	process_stats_read(&process);
	assert_true(process.open_fds >= 3 && process.open_fds < 100);
	assert_true(process.resident_bytes > 100000 &&
		    process.virtual_bytes >= process.resident_bytes);
	assert_true(process.start_time_seconds > 1.6e9);
	assert_true(process.max_fds > 0);
}

static void requests_are_judged(void **state)
{
	static const struct {
		const char *text;
		enum http_status status;
	} rows[] = {
		{ "", HTTP_MORE },
		{ "GET /metrics HTTP/1.1\r\n", HTTP_MORE },
		{ "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_METRICS },
		{ "GET /metrics HTTP/1.0\n\n", HTTP_METRICS },
		{ "GET /metrics?a=b HTTP/1.1\r\n\r\n", HTTP_METRICS },
		{ "POST /metrics HTTP/1.1\r\n\r\n", HTTP_METHOD_NOT_ALLOWED },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", HTTP_METHOD_NOT_ALLOWED },
		{ "GET / HTTP/1.1\r\n\r\n", HTTP_NOT_FOUND },
		{ "GET /metrics/ HTTP/1.1\r\n\r\n", HTTP_NOT_FOUND },
		{ "POST /other HTTP/1.1\r\n\r\n", HTTP_NOT_FOUND },
		{ "GET /metrics\r\n\r\n", HTTP_BAD_REQUEST },
		{ "GET /metrics HTTP/2\r\n\r\n", HTTP_BAD_REQUEST },
		{ "\r\n", HTTP_BAD_REQUEST },
	};
	static char long_one[HTTP_REQUEST_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(http_request_judge(rows[i].text, strlen(rows[i].text)),
				 rows[i].status);
	memset(long_one, 'a', sizeof(long_one));
	assert_int_equal(http_request_judge(long_one, HTTP_REQUEST_MAX), HTTP_MORE);
	assert_int_equal(http_request_judge(long_one, HTTP_REQUEST_MAX + 1), HTTP_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_are_all_that_can_occur),
		cmocka_unit_test_setup_teardown(sums_leave_out_what_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(page_equals_the_golden_one, setup, teardown),
		cmocka_unit_test_setup_teardown(promtool_finds_nothing, setup, teardown),
		cmocka_unit_test(process_reads_itself),
		cmocka_unit_test(requests_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
