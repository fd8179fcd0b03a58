/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c, sweep.c: the topmost against a full sort; a whole sweep on the loop; windows and clocks.
 */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence.h"
#include "log.h"
#include "random.h"
#include "source_counts.h"
#include "sweep.h"
#include "tables_double.h"

#define UNIT_MS 60000
#define KNOWN   3 /* the service that the settings have */

static uint64_t window(uint64_t start_ms, uint32_t count)
{
	return start_ms << SA_COUNT_BITS | count;
}

static void window_counts_until_it_lapses(void **state)
{
	uint32_t remaining;

	(void)state;
	assert_int_equal(window_attempts(window(1000, 7), 1000, UNIT_MS, &remaining), 7);
	assert_int_equal(remaining, UNIT_MS);
	assert_int_equal(window_attempts(window(1000, 7), 60999, UNIT_MS, &remaining), 7);
	assert_int_equal(remaining, 1);
	assert_int_equal(window_attempts(window(1000, 7), 61000, UNIT_MS, &remaining), 0);
	assert_int_equal(remaining, 0);
	/* Another CPU's clock was ahead. */
	assert_int_equal(window_attempts(window(1010, 7), 1000, UNIT_MS, &remaining), 7);
	assert_int_equal(remaining, UNIT_MS);
	assert_int_equal(window_attempts(0, 10, UNIT_MS, &remaining), 0);
}

static int by_dropped(const void *a, const void *b)
{
	const struct top_source *left = a, *right = b;

	if (left->dropped != right->dropped)
		return left->dropped < right->dropped ? 1 : -1;
	if (left->attempts != right->attempts)
		return left->attempts < right->attempts ? 1 : -1;
	return memcmp(&left->key, &right->key, sizeof(left->key));
}

static void top_equals_a_full_sort(void **state)
{
	struct random random = { 11 };
	const size_t count = 20000;
	struct top_source *all = calloc(count, sizeof(*all));
	struct top top;

	(void)state;
	assert_int_equal(top_init(&top, TOP_DROPPED), 0);
	for (int round = 0; round < 3; round++) {
		top.count = 0;
		for (size_t i = 0; i < count; i++) {
			memcpy(all[i].key.address, &i, sizeof(i));
			all[i].dropped = (uint32_t)random_below(&random, round ? 5000 : 3);
			all[i].attempts = 1 + (uint32_t)random_below(&random, 30);
			top_offer(&top, &all[i]);
		}
		top_finish(&top);
		qsort(all, count, sizeof(*all), by_dropped);
		assert_int_equal(top.count, TOP_CAPACITY);
		assert_memory_equal(top.items, all, TOP_CAPACITY * sizeof(*all));
	}
	top_done(&top);
	free(all);
}

static void a_source_read_twice_stands_once(void **state)
{
	struct top_source one = { .attempts = 5 };
	struct top top;

	(void)state;
	assert_int_equal(top_init(&top, TOP_ATTEMPTS), 0);
	top_offer(&top, &one);
	one.attempts = 6;
	top_offer(&top, &one);
	one.attempts = 0;
	one.key.service = 1;
	top_offer(&top, &one);
	top_finish(&top);
	assert_int_equal(top.count, 1);
	assert_int_equal(top.items[0].attempts, 6);
	top_done(&top);
}

static void top_by_connections(void **state)
{
	const struct top_source sources[] = {
		{ .key.service = 1, .attempts = 9, .connections = 1 },
		{ .key.service = 2, .connections = 3 },
		{ .key.service = 3, .dropped = 7, .connections = 3 },
		{ .key.service = 4 },
	};
	struct top top;

	(void)state;
	assert_int_equal(top_init(&top, TOP_CONNECTIONS), 0);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		top_offer(&top, &sources[i]);
	top_finish(&top);
	assert_int_equal(top.count, 3);
	assert_int_equal(top.items[0].key.service, 3);
	assert_int_equal(top.items[1].key.service, 2);
	assert_int_equal(top.items[2].key.service, 1);
	top_done(&top);
}

static void sources_are_counted(void **state)
{
	struct source_counts counts = { 0 };
	struct sa_source_key key = { 0 };

	(void)state;
	assert_int_equal(source_counts_get(&counts, &key), 0);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 20000; i++) {
			const uint32_t number = i % 5000;

			memcpy(key.address + 12, &number, sizeof(number));
			key.service = number % 2;
			assert_int_equal(source_counts_add(&counts, &key), 0);
		}
		assert_int_equal(counts.used, 5000);
		assert_int_equal(source_counts_get(&counts, &key), 4);
		key.service ^= 1;
		assert_int_equal(source_counts_get(&counts, &key), 0);
		source_counts_clear(&counts);
		assert_int_equal(counts.used, 0);
	}
	source_counts_done(&counts);
}

/* --- on the loop --- */

struct lab {
	struct daemon daemon;
	struct sweep *sweep;
};

static void sources_make(size_t count)
{
	tables_double.source_keys = calloc(count + 1, sizeof(*tables_double.source_keys));
	tables_double.sources = calloc(count + 1, sizeof(*tables_double.sources));
	tables_double.source_count = count;
	for (size_t i = 0; i < count; i++) {
		memcpy(tables_double.source_keys[i].address, &i, sizeof(i));
		tables_double.source_keys[i].service = i % 10 ? KNOWN : KNOWN + 1;
		tables_double.sources[i].window = window(mono_now().ms, (uint32_t)(i % 50 + 1));
		tables_double.sources[i].dropped = (uint32_t)i;
	}
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	tables_double_reset();
	lab->daemon.loop = event_base_new();
	assert_int_equal(evidence_new(&lab->daemon.evidence), 0);
	lab->daemon.settings = (struct sa_settings){ .rate_unit_ms = UNIT_MS, .service_count = 1 };
	lab->daemon.settings.services[0].id = KNOWN;
	log_set_level(LOG_LEVEL_ERROR);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	(void)sweep_free(lab->sweep);
	(void)evidence_free(lab->daemon.evidence);
	event_base_free(lab->daemon.loop);
	free(tables_double.source_keys);
	free(tables_double.sources);
	tables_double_reset();
	free(lab);
	return 0;
}

static const struct sweep_result *sweep_run(struct lab *lab, uint64_t not_before)
{
	for (;;) {
		const struct sweep_result *result = sweep_last(lab->sweep);

		if (result && result->completed.ms > not_before)
			return result;
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
}

static void a_sweep_reads_everything_in_slices(void **state)
{
	struct lab *lab = *state;
	const struct sweep_result *result;

	sources_make(10000);
	assert_int_equal(sweep_new(&lab->daemon, &lab->sweep), 0);
	assert_null(sweep_last(lab->sweep));
	result = sweep_run(lab, 0);
	assert_int_equal(result->sources, 10000);
	assert_true(tables_double.largest_batch <= 512);
	assert_int_equal(result->tops[TOP_DROPPED].count, TOP_CAPACITY);
	/* 9,999 is the greatest; 9,990 belongs to a service that is gone. */
	assert_int_equal(result->tops[TOP_DROPPED].items[0].dropped, 9999);
	assert_int_equal(result->tops[TOP_DROPPED].items[9].dropped, 9989);
	assert_int_equal(result->tops[TOP_ATTEMPTS].items[0].attempts, 50);
}

static void a_sweep_feeds_the_evidence(void **state)
{
	struct lab *lab = *state;
	struct advice_candidate all;
	const struct evidence_service *service;

	sources_make(2000);
	assert_int_equal(sweep_new(&lab->daemon, &lab->sweep), 0);
	(void)sweep_run(lab, 0);
	service = evidence_of(lab->daemon.evidence, KNOWN);
	assert_non_null(service);
	advice_total(&service->sources, &all);
	/* One in ten belongs to a service that is gone. */
	assert_int_equal(all.sources_over, 1800);
	assert_int_equal(service->sources.busiest, 50);
}

static void a_failed_read_is_tried_again(void **state)
{
	struct lab *lab = *state;

	sources_make(10);
	tables_double.fail_batch = -EAGAIN;
	assert_int_equal(sweep_new(&lab->daemon, &lab->sweep), 0);
	assert_int_equal(sweep_run(lab, 0)->sources, 10);
}

static void the_next_sweep_starts_from_nothing(void **state)
{
	struct lab *lab = *state;
	uint64_t completed;

	sources_make(2000);
	assert_int_equal(sweep_new(&lab->daemon, &lab->sweep), 0);
	completed = sweep_run(lab, 0)->completed.ms;
	tables_double.source_count = 5;
	assert_int_equal(sweep_run(lab, completed)->sources, 5);
	assert_int_equal(sweep_last(lab->sweep)->tops[TOP_DROPPED].count, 4);
}

static void connect_from(uint64_t cookie, uint8_t client, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	struct sa_connection connection = { .source.service = KNOWN };

	connection.source.address[15] = client;
	assert_int_equal(tables_connection_enter(NULL, &key, &connection), 0);
}

/* Also those of sources that the table does not know, and none of another epoch. */
static void a_sweep_counts_connections(void **state)
{
	struct lab *lab = *state;
	const struct sweep_result *result;
	const struct top *top;

	sources_make(3);
	lab->daemon.settings.epoch = 5;
	connect_from(1, 200, 5);
	connect_from(2, 201, 5);
	connect_from(3, 201, 5);
	connect_from(4, 200, 4);
	connect_from(5, 200, 4);
	assert_int_equal(sweep_new(&lab->daemon, &lab->sweep), 0);
	result = sweep_run(lab, 0);
	assert_int_equal(result->sources, 3);
	top = &result->tops[TOP_CONNECTIONS];
	assert_int_equal(top->count, 2);
	assert_int_equal(top->items[0].key.address[15], 201);
	assert_int_equal(top->items[0].connections, 2);
	assert_int_equal(top->items[1].connections, 1);
	tables_double.connection_count = 1;
	result = sweep_run(lab, result->completed.ms);
	assert_int_equal(result->tops[TOP_CONNECTIONS].count, 1);
	assert_int_equal(result->tops[TOP_CONNECTIONS].items[0].key.address[15], 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_counts_until_it_lapses),
		cmocka_unit_test(top_equals_a_full_sort),
		cmocka_unit_test(a_source_read_twice_stands_once),
		cmocka_unit_test(top_by_connections),
		cmocka_unit_test(sources_are_counted),
		cmocka_unit_test_setup_teardown(a_sweep_reads_everything_in_slices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_sweep_feeds_the_evidence, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_read_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sweep_counts_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_sweep_starts_from_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
