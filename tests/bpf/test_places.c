/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source may hold: its live connections and the places of those on their way, against its
 * limit. In what order the reasons go, and what a full service lets in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "lab_live.h"

#define HOLD  5U
#define BURST 100U

static struct sa_service *only_service(struct lab *lab)
{
	return &lab->settings.services[0];
}

static void set_limits(struct lab *lab, uint32_t rate, uint32_t connections, uint32_t processes)
{
	only_service(lab)->rate_limit = rate;
	only_service(lab)->connection_limit = connections;
	only_service(lab)->process_limit = processes;
	lab_apply(lab);
}

/*
 * Places lapse with the clock's slots. What is checked right after attempts holds if no slot began
 * meanwhile: wait until there is room for it.
 */
static void in_one_slot(void)
{
	uint64_t now_ms;

	do
		now_ms = lab_now_ms();
	while (SA_PENDING_SLOT(now_ms) != SA_PENDING_SLOT(now_ms + 500));
}

static unsigned places(struct lab *lab)
{
	return lab_places(lab, CLIENT_IPV4, only_service(lab));
}

struct row {
	const char *name;
	uint32_t rate, connections, processes; /* limits */
	uint32_t live, service_live;
	unsigned before; /* attempts that come first; all of them pass */
	uint32_t verdict;
	int reason;
	unsigned places; /* after it */
};

#define PASSES(why) .verdict = LAB_PASS, .reason = SA_REASON_##why
#define DROPS(why)  .verdict = LAB_DROP, .reason = SA_REASON_##why

/* A new source at a service with connections. */
static const struct row rows[] = {
	{ "nothing is limited: nothing is noted", .live = 9, .service_live = 9, PASSES(UNLIMITED),
	  .places = 0 },
	{ "the first", .connections = HOLD, PASSES(UNLIMITED), .places = 1 },
	{ "the last of its places", .connections = HOLD, .before = 4, PASSES(UNLIMITED),
	  .places = 5 },
	{ "all places are taken", .connections = HOLD, .before = 5, DROPS(CONCURRENCY),
	  .places = 5 },
	{ "room beside live ones", .connections = HOLD, .live = 4, PASSES(UNLIMITED), .places = 1 },
	{ "live ones alone", .connections = HOLD, .live = 5, DROPS(CONCURRENCY) },
	{ "more live ones than the limit", .connections = HOLD, .live = 9, DROPS(CONCURRENCY) },
	{ "live ones and places", .connections = HOLD, .live = 3, .before = 2, DROPS(CONCURRENCY),
	  .places = 2 },
	{ "a limit of one", .connections = 1, PASSES(UNLIMITED), .places = 1 },
	{ "a limit of one, taken", .connections = 1, .before = 1, DROPS(CONCURRENCY), .places = 1 },
	{ "rate and room", .rate = 3, .connections = HOLD, PASSES(WITHIN_LIMIT), .places = 1 },
	{ "concurrency goes before rate", .rate = 3, .connections = 3, .before = 3,
	  DROPS(CONCURRENCY), .places = 3 },
	{ "over the rate: the place is given back", .rate = 3, .connections = HOLD, .before = 3,
	  DROPS(RATE), .places = 3 },
	{ "rate goes before process_limit", .rate = 3, .processes = 20, .before = 3, DROPS(RATE),
	  .places = 3 },
	{ "the service is full", .processes = 20, .service_live = 20, DROPS(PROCESS_LIMIT) },
	{ "more than full", .processes = 20, .service_live = 25, DROPS(PROCESS_LIMIT) },
	{ "full, and the source holds one", .processes = 20, .live = 1, .service_live = 20,
	  DROPS(CONCURRENCY) },
	{ "one process is free: for who has none", .processes = 20, .service_live = 19,
	  PASSES(UNLIMITED), .places = 1 },
	{ "one process is free: not for who has one", .processes = 20, .live = 1,
	  .service_live = 19, DROPS(CONCURRENCY) },
	{ "a source has no more than is left", .processes = 20, .live = 9, .service_live = 10,
	  PASSES(UNLIMITED), .places = 1 },
	{ "and no other one when it has that", .processes = 20, .live = 10, .service_live = 10,
	  DROPS(CONCURRENCY) },
	{ "places count in the share", .processes = 20, .live = 8, .service_live = 10, .before = 2,
	  DROPS(CONCURRENCY), .places = 2 },
	{ "the limit where the share is larger", .connections = HOLD, .processes = 20, .live = 5,
	  .service_live = 5, DROPS(CONCURRENCY) },
	{ "one process in all", .processes = 1, PASSES(UNLIMITED), .places = 1 },
};

static void run_row(struct lab *lab, const struct row *row, const char *address)
{
	struct judgement found;

	set_limits(lab, row->rate, row->connections, row->processes);
	lab_set_live(lab, address, only_service(lab), row->live);
	lab_set_service_live(lab, only_service(lab), row->service_live);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, address, 25, row->before), row->before);
	found = lab_attempt(lab, address, 25);
	lab_assert_judgement(row->name, found, row->verdict, row->reason);
	if (lab_places(lab, address, only_service(lab)) != row->places)
		fail_msg("%s: %u places, not %u", row->name,
			 lab_places(lab, address, only_service(lab)), row->places);
	/* Whatever refuses it, an attempt is charged. */
	assert_int_equal(lab_count(lab, address, only_service(lab)), row->before + 1);
	lab_set_live(lab, address, only_service(lab), 0);
	lab_forget(lab);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_row(*state, &rows[i], CLIENT_IPV4);
		run_row(*state, &rows[i], CLIENT_IPV6);
	}
}

static void test_lists_go_first(void **state)
{
	struct lab *lab = *state;
	const struct sa_address address = address_of(CLIENT_IPV4);
	struct exception_entry exempt = { .value = SA_EXCEPTION_EXEMPT };
	struct block_entry block = { .expires_ms = ~0ULL };

	prefix_of(&address, 128, &exempt.prefix);
	prefix_of(&address, 128, &block.prefix);
	set_limits(lab, 0, 1, 1);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 7);
	lab_set_service_live(lab, only_service(lab), 7);
	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, &block, 1), 0);
	lab_assert_judgement("blocked", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_BLOCKED);
	assert_int_equal(tables_runtime_replace(&lab->tables, NULL, 0, &exempt, 1), 0);
	lab_assert_judgement("exempt", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
			     SA_REASON_EXEMPT);
	assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), 0);
}

static void test_burst(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, HOLD, 0);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, BURST), HOLD);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV6, 25, BURST), HOLD);
	assert_int_equal(places(lab), HOLD);
}

/* A connection that has gone makes room at once. */
static void test_freed(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, HOLD, 0);
	for (unsigned live = HOLD; live > 0; live--) {
		lab_set_live(lab, CLIENT_IPV4, only_service(lab), HOLD);
		assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 0);
		lab_set_live(lab, CLIENT_IPV4, only_service(lab), live - 1);
		in_one_slot();
		assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), HOLD - (live - 1));
		lab_forget(lab);
	}
}

static void test_lapse(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, HOLD, 0);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 3), 3);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 1);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 2);
	assert_int_equal(places(lab), HOLD);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 1);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 3);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 2);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), HOLD);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 100000);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), HOLD);
}

static struct judgement resend(struct lab *lab, char letter)
{
	const struct packet_spec spec = { SYN_IPV4, .sequence = (uint32_t)letter << 20 };

	return lab_judge_spec(lab, &spec);
}

static void passes(struct lab *lab, char letter, unsigned places_after)
{
	const char name[] = { letter, '\0' };

	lab_assert_judgement(name, resend(lab, letter), LAB_PASS, SA_REASON_UNLIMITED);
	assert_int_equal(places(lab), places_after);
}

/* The same attempt again keeps its place, and takes no other one. */
static void test_repeats(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, 2, 0);
	in_one_slot();
	passes(lab, 'A', 1);
	passes(lab, 'A', 1);
	passes(lab, 'B', 2);
	passes(lab, 'A', 2);
	passes(lab, 'B', 2);
	lab_assert_judgement("C", resend(lab, 'C'), LAB_DROP, SA_REASON_CONCURRENCY);
	lab_assert_judgement("C again", resend(lab, 'C'), LAB_DROP, SA_REASON_CONCURRENCY);
	passes(lab, 'A', 2);
	/* One of the two is established: the other's repeat still has its place. */
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 2);
	lab_assert_judgement("A beyond", resend(lab, 'A'), LAB_DROP, SA_REASON_CONCURRENCY);
}

/* A repeat keeps its place for as long as if it had been taken then; once lapsed, it takes one. */
static void test_repeats_renew(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, 1, 0);
	in_one_slot();
	passes(lab, 'A', 1);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 1);
	passes(lab, 'A', 1);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 1);
	passes(lab, 'A', 1);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 2);
	passes(lab, 'A', 1);
	lab_assert_judgement("B", resend(lab, 'B'), LAB_DROP, SA_REASON_CONCURRENCY);
}

/* What was refused is not remembered: sent again it is charged again. */
static void test_refused_again(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, 1, 0);
	passes(lab, 'A', 1);
	for (unsigned i = 2; i < 6; i++) {
		lab_assert_judgement("B", resend(lab, 'B'), LAB_DROP, SA_REASON_CONCURRENCY);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), i);
	}
}

/* The first attempt of a source as well, whose entry is made before it is refused. */
static void test_refused_first(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, 2, 0);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 2);
	for (unsigned i = 1; i < 4; i++) {
		lab_assert_judgement("A", resend(lab, 'A'), LAB_DROP, SA_REASON_CONCURRENCY);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), i);
		assert_int_equal(places(lab), 0);
	}
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 1);
	in_one_slot();
	passes(lab, 'A', 1);
	assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), 4);
}

/* Forged attempts of however many sources take nothing from the service's total. */
static void test_forged_flood(void **state)
{
	struct lab *lab = *state;
	char address[32];

	set_limits(lab, 0, 0, 3);
	lab_set_service_live(lab, only_service(lab), 2);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(address, sizeof(address), "10.7.%u.%u", i >> 8, i & 255);
		assert_int_equal(lab_attempts(lab, address, 25, 3), 1);
	}
	lab_assert_judgement("a newcomer", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
			     SA_REASON_UNLIMITED);
}

/* What connects there are proxies, with everybody's connections. */
static void test_behind_proxy(void **state)
{
	struct lab *lab = *state;

	only_service(lab)->behind_proxy = 1;
	set_limits(lab, 0, 0, 20);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 19);
	lab_set_service_live(lab, only_service(lab), 19);
	lab_assert_judgement("no share", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
			     SA_REASON_UNLIMITED);
	lab_set_service_live(lab, only_service(lab), 20);
	lab_assert_judgement("full", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_PROCESS_LIMIT);
}

/* Nothing is dropped, and since all pass all hold a place. */
static void test_monitor(void **state)
{
	struct lab *lab = *state;

	lab->settings.enforcement = SA_MONITOR;
	set_limits(lab, 0, 2, 0);
	in_one_slot();
	for (unsigned i = 1; i <= 6; i++) {
		lab_assert_judgement("monitored", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
				     i <= 2 ? SA_REASON_UNLIMITED
					    : SA_OUTCOME_WOULD(SA_REASON_CONCURRENCY));
		assert_int_equal(places(lab), i);
	}
	set_limits(lab, 0, 0, 4);
	lab_set_service_live(lab, only_service(lab), 4);
	lab_assert_judgement("full", lab_attempt(lab, "192.0.2.9", 25), LAB_PASS,
			     SA_OUTCOME_WOULD(SA_REASON_PROCESS_LIMIT));
}

/* Counts that come from a list, some time later: no places, and no limits by an old list. */
static void test_counts_that_lag(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, 2, 0);
	lab_hold_live(lab, lab_now_ms() + 5000);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 1);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
	assert_int_equal(places(lab), 0);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 2);
	lab_assert_judgement("at the limit", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_CONCURRENCY);
	lab_hold_live(lab, lab_now_ms());
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
	lab_hold_live(lab, 0);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
	assert_int_equal(places(lab), 0);
}

/* The table may have forgotten a source that still has connections. */
static void test_forgotten_source(void **state)
{
	struct lab *lab = *state;
	struct sa_source source;

	set_limits(lab, 0, HOLD, 0);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), HOLD);
	lab_assert_judgement("new entry", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_CONCURRENCY);
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	assert_int_equal(source.dropped, 1);
	assert_in_range(source.last_dropped_s, lab_now_ms() / 1000 - 1, lab_now_ms() / 1000);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 9), 0);
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	assert_int_equal(source.dropped, 10);
}

/*
 * A source that was found to have no connection is not looked up again, until one opens
 * (test_connections.c) or somebody says that counts have changed.
 */
static void test_noted(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 0, HOLD, 0);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 2), 2);
	lab_count_live(lab, CLIENT_IPV4, only_service(lab), HOLD);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), HOLD - 2);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 2);
	lab_look_anew(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 0);
	/* What it has is not noted. */
	lab_count_live(lab, CLIENT_IPV4, only_service(lab), HOLD - 1);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 1);
	lab_count_live(lab, CLIENT_IPV4, only_service(lab), HOLD);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 2);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 0);
}

/* Over its rate and noted, its places still count: concurrency goes first. */
static void test_noted_and_spent(void **state)
{
	struct lab *lab = *state;

	set_limits(lab, 3, HOLD, 0);
	in_one_slot();
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 6), 3);
	lab_assert_judgement("over its rate", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_RATE);
	set_limits(lab, 3, 3, 0);
	lab_assert_judgement("no room", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_CONCURRENCY);
	lab_age_places(lab, CLIENT_IPV4, only_service(lab), 2);
	lab_assert_judgement("room again", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_RATE);
	lab_set_live(lab, CLIENT_IPV4, only_service(lab), 3);
	lab_assert_judgement("connections", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
			     SA_REASON_CONCURRENCY);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_LIVE_TEST(test_rows),
		LAB_LIVE_TEST(test_lists_go_first),
		LAB_LIVE_TEST(test_burst),
		LAB_LIVE_TEST(test_freed),
		LAB_LIVE_TEST(test_lapse),
		LAB_LIVE_TEST(test_repeats),
		LAB_LIVE_TEST(test_repeats_renew),
		LAB_LIVE_TEST(test_refused_again),
		LAB_LIVE_TEST(test_refused_first),
		LAB_LIVE_TEST(test_forged_flood),
		LAB_LIVE_TEST(test_behind_proxy),
		LAB_LIVE_TEST(test_monitor),
		LAB_LIVE_TEST(test_counts_that_lag),
		LAB_LIVE_TEST(test_forgotten_source),
		LAB_LIVE_TEST(test_noted),
		LAB_LIVE_TEST(test_noted_and_spent),
	};

	return LAB_RUN("places", tests);
}
