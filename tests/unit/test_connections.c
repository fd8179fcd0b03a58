/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connections_sync.c and connections_pass.c over tables in memory and lists that the test makes up:
 * what is filled in, what is drift and what is only a moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "connections_sync.h"
#include "kernel_double.h"
#include "tables_double.h"

struct lab {
	struct daemon daemon;
	struct connections_sync *sync;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	tables_double_reset();
	kernel_double = (struct kernel_double){ .counts = true };
	assert_non_null(lab);
	lab->daemon.loop = event_base_new();
	lab->daemon.settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.mask_ipv6 = { ~0ULL, ~0ULL },
		.epoch = 5,
		.service_count = 1,
		.services[0] = { .any_address = 1, .port_be = htons(25), .id = 3, .slot = 2 },
	};
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	lab->sync = connections_sync_free(lab->sync, DAEMON_DETACH);
	event_base_free(lab->daemon.loop);
	free(lab);
	return 0;
}

static void start(struct lab *lab)
{
	assert_int_equal(connections_sync_new(&lab->daemon, &lab->sync), 0);
}

/* The rest of a pass: what the kernel lists now, and the walk that follows. */
static void list(struct lab *lab)
{
	kernel_double.under_way = false;
	kernel_double.listener.done(kernel_double_list(), kernel_double.listener.context);
	assert_true(event_base_loop(lab->daemon.loop, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
}

/* Waits for the agent to begin a pass: soon after a start, else the test asks for it. */
static void pass(struct lab *lab)
{
	while (!kernel_double.under_way)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	list(lab);
}

static void listed(size_t count, const uint64_t *cookies)
{
	memcpy(kernel_double.listed, cookies, count * sizeof(*cookies));
	kernel_double.count = count;
}
#define LISTED(...)                                                    \
	listed(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), \
	       (const uint64_t[]){ __VA_ARGS__ })

static void counted_by_kernel(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	const struct sa_connection connection = { .slot = 2 };

	assert_int_equal(tables_connection_enter(NULL, &key, &connection), 0);
}

static void closed_by_kernel(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };

	assert_int_equal(tables_connection_leave(NULL, &key), 0);
}

static bool is_counted(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	struct sa_connection entry;

	return tables_connection_read(NULL, &key, &entry) == 0;
}

static void a_start_counts_what_was_there(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12, 13);
	counted_by_kernel(12, 5);
	start(lab);
	assert_int_equal(tables_double.connection_count, 3);
	assert_int_equal(tables_live_of_service(NULL, 2, 5), 3);
	assert_int_equal(tables_double.connections[1].source.service, 3);
	assert_int_equal(tables_double.looks_anew, 1);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_KERNEL);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void nothing_noted_holds_while_it_enters(void **state)
{
	struct lab *lab = *state;

	tables_double.notes_hold = true;
	LISTED(11, 12);
	start(lab);
	assert_int_equal(tables_double.connection_count, 2);
	assert_int_equal(tables_double.entered_while_notes_held, 0);
	assert_true(tables_double.notes_hold);
	lab->daemon.settings.epoch = 6;
	connections_sync_follow(lab->sync);
	kernel_double.listener.found(
		&(struct sock_diag_socket){ .cookie = 11, .local_port_be = htons(25) },
		kernel_double.listener.context);
	assert_int_equal(tables_double.connection_count, 3);
	assert_false(tables_double.notes_hold);
	/* Another reload breaks it off; what the next pass need not enter it does not. */
	lab->daemon.settings.epoch = 7;
	connections_sync_follow(lab->sync);
	counted_by_kernel(11, 7);
	LISTED(11);
	list(lab);
	assert_int_equal(tables_double.entered_while_notes_held, 0);
	assert_true(tables_double.notes_hold);
}

/* It was listed, closed, and only then entered. */
static void what_a_start_enters_too_late_goes_without_being_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	start(lab);
	LISTED(11);
	pass(lab);
	assert_true(is_counted(12, 5));
	pass(lab);
	assert_false(is_counted(12, 5));
	assert_true(is_counted(11, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void settle(struct lab *lab)
{
	start(lab);
	pass(lab);
	pass(lab);
	/* The next one is ten seconds away: what it waits for is the test's to say. */
	connections_sync_check(lab->sync);
}

static void one_look_proves_nothing(void **state)
{
	struct lab *lab = *state;

	LISTED(11);
	settle(lab);
	/* 20 opens behind the list, 21 closes behind it. */
	LISTED(11, 21);
	counted_by_kernel(20, 5);
	list(lab);
	assert_true(is_counted(20, 5));
	assert_false(is_counted(21, 5));
	connections_sync_check(lab->sync);
	LISTED(11, 20);
	list(lab);
	connections_sync_check(lab->sync);
	list(lab);
	assert_true(is_counted(20, 5));
	assert_int_equal(tables_double.connection_count, 2);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void two_looks_in_a_row_find_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	closed_by_kernel(12, 5);  /* though it is there */
	counted_by_kernel(30, 5); /* though it is not */
	list(lab);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
	connections_sync_check(lab->sync);
	list(lab);
	assert_true(is_counted(12, 5));
	assert_false(is_counted(30, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 2);
	/* The packet path hears of what was entered, and of nothing else. */
	assert_int_equal(tables_double.looks_anew, 2);
}

static void a_list_that_breaks_off_proves_nothing(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	for (int i = 0; i < 3; i++) {
		kernel_double.fail = -ENOBUFS;
		list(lab);
		connections_sync_check(lab->sync);
	}
	assert_true(is_counted(11, 5) && is_counted(12, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void another_epoch_counts_anew(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	list(lab);
	lab->daemon.settings.epoch = 6;
	lab->daemon.settings.services[0].slot = 4;
	counted_by_kernel(13, 6);
	LISTED(11, 12, 13);
	connections_sync_follow(lab->sync);
	assert_true(kernel_double.under_way);
	assert_int_equal(tables_double.epoch_kept, 5);
	list(lab);
	assert_int_equal(tables_double.epoch_kept, 6);
	assert_int_equal(tables_double.connection_count, 3);
	assert_int_equal(tables_live_of_service(NULL, 4, 6), 2);
	assert_false(is_counted(11, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
	/* The same settings again ask for nothing. */
	connections_sync_follow(lab->sync);
	assert_false(kernel_double.under_way);
}

/* Now and then the kernel's list leaves one out: so may the one that fills in. */
static void what_a_start_was_not_told_of_comes_without_being_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11);
	start(lab);
	LISTED(11, 12);
	pass(lab);
	assert_false(is_counted(12, 5));
	pass(lab);
	assert_true(is_counted(12, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

/* An earlier agent's program that still counts on these tables. */
static void goes_on(struct lab *lab)
{
	kernel_double.pinned = true;
	lab->daemon.adopted = true;
}

/* 12 has closed since the agent before was killed. */
static void what_nobody_looked_after_is_forgotten_at_once(void **state)
{
	struct lab *lab = *state;

	lab->daemon.adopted = true;
	counted_by_kernel(11, 5);
	counted_by_kernel(12, 5);
	tables_double.live_held = 1;
	LISTED(11);
	start(lab);
	assert_true(is_counted(11, 5));
	assert_false(is_counted(12, 5));
	assert_int_equal(tables_double.held_at_leave, 0);
	assert_int_equal(tables_double.live_held, SA_LIVE_ALWAYS);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void what_a_program_looks_after_takes_two_looks(void **state)
{
	struct lab *lab = *state;

	goes_on(lab);
	tables_double.live_held = SA_LIVE_ALWAYS;
	counted_by_kernel(11, 5);
	LISTED(12);
	start(lab);
	assert_true(is_counted(11, 5));
	pass(lab);
	assert_false(is_counted(11, 5));
	assert_int_equal(tables_double.held_at_leave, SA_LIVE_ALWAYS);
}

#define ROOM (sizeof(tables_double.connections) / sizeof(*tables_double.connections))

static void full_tables_are_told_of_once(void **state)
{
	struct lab *lab = *state;

	goes_on(lab);
	for (uint64_t i = 1; i < ROOM; i++)
		counted_by_kernel(1000 + i, 4);
	LISTED(11, 12, 13);
	start(lab);
	assert_int_equal(tables_double.uncounted, 2);
	assert_true(is_counted(11, 5));
	for (uint64_t i = 1; i < ROOM; i++)
		counted_by_kernel(1000 + i, 5);
	pass(lab);
	assert_int_equal(tables_double.uncounted, 2);
	for (uint64_t i = 1; i < ROOM; i++)
		closed_by_kernel(1000 + i, 5);
	pass(lab);
	assert_true(is_counted(12, 5) && is_counted(13, 5));
	assert_int_equal(tables_double.uncounted, 2);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

/* The kernel's program had no room for 12 and 13, of which 13 has closed; of 14 it knew nothing. */
static void what_waits_for_room_is_no_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11);
	settle(lab);
	list(lab);
	tables_double.uncounted += 2;
	LISTED(11, 12);
	for (int i = 0; i < 2; i++) {
		connections_sync_check(lab->sync);
		list(lab);
	}
	assert_true(is_counted(12, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
	LISTED(11, 12, 14);
	for (int i = 0; i < 2; i++) {
		connections_sync_check(lab->sync);
		list(lab);
	}
	assert_true(is_counted(14, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 1);
}

static void without_the_kernel_the_list_is_what_counts(void **state)
{
	struct lab *lab = *state;

	kernel_double.counts = false;
	LISTED(11, 12);
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_SOCK_DIAG);
	assert_int_equal(tables_double.connection_count, 2);
	connections_sync_check(lab->sync);
	LISTED(12, 13);
	list(lab);
	assert_false(is_counted(11, 5));
	assert_true(is_counted(12, 5) && is_counted(13, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void without_both_nothing_is_counted(void **state)
{
	struct lab *lab = *state;

	kernel_double.counts = false;
	kernel_double.fail = -EPERM;
	counted_by_kernel(11, 5);
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_OFF);
	assert_int_equal(tables_double.connection_count, 0);
	assert_int_equal(tables_double.live_held, 0);
}

/* Whether a time is set for the next pass. */
static bool waits(const struct lab *lab)
{
	return event_base_get_num_events(lab->daemon.loop, EVENT_BASE_COUNT_ADDED) == 1;
}

/* What keeps from listing may pass; a list that breaks off leaves nothing. */
static void without_both_it_is_tried_again(void **state)
{
	struct lab *lab = *state;

	kernel_double.counts = false;
	kernel_double.fail = -EPERM;
	start(lab);
	assert_true(waits(lab));
	LISTED(11, 12);
	kernel_double.fail = -ENOBUFS;
	connections_sync_check(lab->sync);
	list(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_OFF);
	assert_int_equal(tables_double.connection_count, 0);
	assert_int_equal(tables_double.live_held, 0);
	assert_true(waits(lab));
	connections_sync_check(lab->sync);
	list(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_SOCK_DIAG);
	assert_int_equal(tables_double.connection_count, 2);
	assert_true(tables_double.live_held > mono_now().ms);
}

static void an_earlier_program_goes_on_where_none_can_be_made(void **state)
{
	struct lab *lab = *state;

	kernel_double.counts = false;
	kernel_double.pinned = true;
	lab->daemon.adopted = true;
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_KERNEL);
	assert_true(kernel_double.pinned);
}

static void names_are_those_of_the_metric(void **state)
{
	(void)state;
	assert_string_equal(connections_source_name(CONNECTIONS_KERNEL), "kernel");
	assert_string_equal(connections_source_name(CONNECTIONS_SOCK_DIAG), "sock_diag");
	assert_string_equal(connections_source_name(CONNECTIONS_OFF), "off");
}

#define SYNC_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYNC_TEST(a_start_counts_what_was_there),
		SYNC_TEST(nothing_noted_holds_while_it_enters),
		SYNC_TEST(what_a_start_enters_too_late_goes_without_being_drift),
		SYNC_TEST(one_look_proves_nothing),
		SYNC_TEST(two_looks_in_a_row_find_drift),
		SYNC_TEST(what_a_start_was_not_told_of_comes_without_being_drift),
		SYNC_TEST(what_nobody_looked_after_is_forgotten_at_once),
		SYNC_TEST(what_a_program_looks_after_takes_two_looks),
		SYNC_TEST(full_tables_are_told_of_once),
		SYNC_TEST(what_waits_for_room_is_no_drift),
		SYNC_TEST(a_list_that_breaks_off_proves_nothing),
		SYNC_TEST(another_epoch_counts_anew),
		SYNC_TEST(without_the_kernel_the_list_is_what_counts),
		SYNC_TEST(without_both_nothing_is_counted),
		SYNC_TEST(without_both_it_is_tried_again),
		SYNC_TEST(an_earlier_program_goes_on_where_none_can_be_made),
		cmocka_unit_test(names_are_those_of_the_metric),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
