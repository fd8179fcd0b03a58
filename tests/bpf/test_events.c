/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: one for each source, service and window that goes over its limit, one a time unit for a
 * blocked source, with what they say; too many in a second are counted instead.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab_live.h"
#include "storms.h"

#define EVENTS_MAX  16384U
#define FLOOD       3000U

#define DROPS_EXACT 64U /* as promised */

struct seen {
	struct sa_event events[EVENTS_MAX];
	size_t count;
};

static int take(void *context, void *data, size_t size)
{
	struct seen *seen = context;

	assert_int_equal(size, sizeof(struct sa_event));
	assert_true(seen->count < EVENTS_MAX);
	memcpy(&seen->events[seen->count++], data, size);
	return 0;
}

/* All that came since the last call. */
static size_t events_take(const struct lab *lab, struct seen *seen)
{
	struct ring_buffer *ring = ring_buffer__new(lab->tables.events, take, seen, NULL);

	assert_non_null(ring);
	seen->count = 0;
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return seen->count;
}

static struct seen *events_new(struct lab *lab)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(seen);
	(void)events_take(lab, seen);
	return seen;
}

static const struct sa_service *only_service(const struct lab *lab)
{
	return &lab->settings.services[0];
}

static void assert_event(const struct sa_event *event, const char *address,
			 const struct sa_event *wanted, uint64_t since_ms)
{
	const struct sa_address full = address_of(address);

	assert_memory_equal(&event->address, &full, sizeof(full));
	assert_int_equal(event->service, wanted->service);
	assert_int_equal(event->count, wanted->count);
	assert_int_equal(event->limit, wanted->limit);
	assert_int_equal(event->reason, wanted->reason);
	assert_int_equal(event->would_drop, wanted->would_drop);
	assert_int_equal(event->confirmed, wanted->confirmed);
	assert_int_equal(event->is_share, wanted->is_share);
	assert_in_range(event->time_ms, since_ms, lab_now_ms());
}

/* The clock moves first: no two windows begin in one moment. */
static void lapse(struct lab *lab, const char *address)
{
	uint64_t now = lab_now_ms();

	while (lab_now_ms() == now)
		continue;
	lab_set_window(lab, address, only_service(lab), lab_now_ms() - LAB_UNIT_MS, LAB_LIMIT + 1);
}

static void check_rate(struct lab *lab, const char *address, uint8_t would_drop)
{
	const struct sa_event wanted = { .service = only_service(lab)->id,
					 .count = LAB_LIMIT + 1,
					 .limit = LAB_LIMIT,
					 .reason = SA_REASON_RATE,
					 .would_drop = would_drop };
	struct seen *seen = events_new(lab);

	for (unsigned window = 0; window < 3; window++) {
		uint64_t since_ms = lab_now_ms();

		(void)lab_attempts(lab, address, 25, LAB_LIMIT);
		assert_int_equal(events_take(lab, seen), 0);
		(void)lab_attempts(lab, address, 25, 1);
		assert_int_equal(events_take(lab, seen), 1);
		assert_event(&seen->events[0], address, &wanted, since_ms);
		(void)lab_attempts(lab, address, 25, 200);
		assert_int_equal(events_take(lab, seen), 0);
		lapse(lab, address);
	}
	free(seen);
}

static void test_rate(void **state)
{
	check_rate(*state, CLIENT_IPV4, 0);
	check_rate(*state, "2001:db8:1:2:3:4:5:6", 0);
}

static void test_rate_monitored(void **state)
{
	struct lab *lab = *state;

	lab->settings.enforcement = SA_MONITOR;
	lab_apply(lab);
	check_rate(lab, CLIENT_IPV4, 1);
	check_rate(lab, "2001:db8:1:2:3:4:5:6", 1);
}

/* One a window, whichever of its limits a source exceeds first. */
static void test_connections(void **state)
{
	struct lab *lab = *state;
	struct sa_service *service = &lab->settings.services[0];
	struct sa_event wanted = {
		.count = 3, .limit = 2, .reason = SA_REASON_CONCURRENCY, .confirmed = 1
	};
	struct seen *seen = events_new(lab);

	wanted.service = service->id;
	service->connection_limit = 2;
	lab_apply(lab);
	for (unsigned window = 0; window < 3; window++) {
		uint64_t since_ms = lab_now_ms();

		lab_set_live(lab, CLIENT_IPV4, service, 2);
		(void)lab_attempts(lab, CLIENT_IPV4, 25, 1);
		assert_int_equal(events_take(lab, seen), 1);
		assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
		(void)lab_attempts(lab, CLIENT_IPV4, 25, 50);
		lab_set_live(lab, CLIENT_IPV4, service, 0);
		(void)lab_attempts(lab, CLIENT_IPV4, 25, 50);
		assert_int_equal(events_take(lab, seen), 0);
		lapse(lab, CLIENT_IPV4);
	}
	lab_set_live(lab, CLIENT_IPV4, service, 0);
	free(seen);
}

/* What SYNs alone take can be forged: nobody may be blamed for it. */
static void test_places(void **state)
{
	struct lab *lab = *state;
	struct sa_service *service = &lab->settings.services[0];
	struct sa_event wanted = { .count = 3, .limit = 2, .reason = SA_REASON_CONCURRENCY };
	struct seen *seen = events_new(lab);
	uint64_t since_ms = lab_now_ms();

	wanted.service = service->id;
	service->connection_limit = 2;
	lab_apply(lab);
	lab_set_live(lab, CLIENT_IPV4, service, 1);
	(void)lab_attempts(lab, CLIENT_IPV4, 25, 2);
	assert_int_equal(events_take(lab, seen), 1);
	assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
	lab_set_live(lab, CLIENT_IPV4, service, 0);
	free(seen);
}

/* Less than its limit, and told so: nobody would find that number in the configuration. */
static void test_share(void **state)
{
	struct lab *lab = *state;
	struct sa_service *service = &lab->settings.services[0];
	struct sa_event wanted = { .count = 3,
				   .limit = 2,
				   .reason = SA_REASON_CONCURRENCY,
				   .confirmed = 1,
				   .is_share = 1 };
	struct seen *seen = events_new(lab);
	uint64_t since_ms = lab_now_ms();

	wanted.service = service->id;
	service->connection_limit = 50;
	service->process_limit = 20;
	lab_apply(lab);
	lab_set_service_live(lab, service, 18);
	lab_set_live(lab, CLIENT_IPV4, service, 2);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 0);
	assert_int_equal(events_take(lab, seen), 1);
	assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
	lab_set_live(lab, CLIENT_IPV4, service, 0);
	lab_set_service_live(lab, service, 0);
	free(seen);
}

static void test_full_service(void **state)
{
	struct lab *lab = *state;
	struct sa_service *service = &lab->settings.services[0];
	struct sa_event wanted = { .count = 21, .limit = 20, .reason = SA_REASON_PROCESS_LIMIT };
	struct seen *seen = events_new(lab);
	uint64_t since_ms = lab_now_ms();

	wanted.service = service->id;
	service->process_limit = 20;
	lab_apply(lab);
	lab_set_service_live(lab, service, 20);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 50), 0);
	assert_int_equal(events_take(lab, seen), 1);
	assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
	lab->settings.enforcement = SA_MONITOR;
	wanted.would_drop = 1;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV6, 25, 50), 50);
	assert_int_equal(events_take(lab, seen), 1);
	assert_event(&seen->events[0], CLIENT_IPV6, &wanted, since_ms);
	lab_set_service_live(lab, service, 0);
	free(seen);
}

/* Attempts that a reload has put over the limit are told of too, once a window. */
static void check_lowered(struct lab *lab, uint32_t limit)
{
	const struct sa_event wanted = {
		.service = only_service(lab)->id,
		.count = lab->settings.enforcement == SA_ENFORCE ? LAB_LIMIT - 1 : LAB_LIMIT,
		.limit = limit,
		.reason = SA_REASON_RATE,
		.would_drop = lab->settings.enforcement == SA_MONITOR,
	};
	struct seen *seen = events_new(lab);
	uint64_t since_ms = lab_now_ms();

	(void)lab_attempts(lab, CLIENT_IPV4, 25, LAB_LIMIT - 1);
	assert_int_equal(events_take(lab, seen), 0);
	lab->settings.services[0].rate_limit = limit;
	lab_apply(lab);
	(void)lab_attempts(lab, CLIENT_IPV4, 25, 100);
	assert_int_equal(events_take(lab, seen), 1);
	assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
	free(seen);
}

static void test_lowered(void **state)
{
	check_lowered(*state, LAB_LIMIT - 2);
}

static void test_lowered_monitored(void **state)
{
	struct lab *lab = *state;

	lab->settings.enforcement = SA_MONITOR;
	lab_apply(lab);
	check_lowered(lab, LAB_LIMIT - 2);
}

static void test_services_apart(void **state)
{
	struct lab *lab = *state;
	const struct sa_service *other = lab_service(lab, NULL, 587, 1);
	struct seen *seen = events_new(lab);

	lab_apply(lab);
	(void)lab_attempts(lab, CLIENT_IPV4, 25, 10);
	(void)lab_attempts(lab, CLIENT_IPV4, 587, 10);
	assert_int_equal(events_take(lab, seen), 2);
	assert_int_equal(seen->events[1].service, other->id);
	assert_int_equal(seen->events[1].count, 2);
	assert_int_equal(seen->events[1].limit, 1);
	free(seen);
}

static void block(struct lab *lab, const char *address)
{
	const struct sa_address full = address_of(address);
	struct block_entry entry = { .expires_ms = ~0ULL };

	prefix_of(&full, 128, &entry.prefix);
	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, &entry, 1), 0);
}

static void blocked_key(const struct lab *lab, const char *address, struct sa_source_key *ret_key)
{
	const struct sa_address full = address_of(address);

	memcpy(ret_key->address, &full, sizeof(full));
	ret_key->service = only_service(lab)->id;
}

static void test_blocked(void **state)
{
	struct lab *lab = *state;
	const struct sa_event wanted = { .service = only_service(lab)->id,
					 .reason = SA_REASON_BLOCKED };
	struct sa_blocked_source source;
	struct seen *seen = events_new(lab);
	struct sa_source_key key;

	block(lab, CLIENT_IPV4);
	blocked_key(lab, CLIENT_IPV4, &key);
	for (unsigned unit = 0; unit < 3; unit++) {
		uint64_t since_ms = lab_now_ms();

		assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 100), 0);
		assert_int_equal(events_take(lab, seen), 1);
		assert_event(&seen->events[0], CLIENT_IPV4, &wanted, since_ms);
		assert_int_equal(tables_blocked_source_read(&lab->tables, &key, &source), 0);
		source.event_ms -= LAB_UNIT_MS;
		assert_int_equal(
			bpf_map_update_elem(lab->tables.blocked_sources, &key, &source, BPF_EXIST),
			0);
	}
	assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), 0);
	free(seen);
}

static void test_blocked_drops(void **state)
{
	struct lab *lab = *state;
	struct sa_blocked_source source;
	struct sa_source_key key;

	block(lab, CLIENT_IPV4);
	blocked_key(lab, CLIENT_IPV4, &key);
	for (unsigned i = 1; i <= DROPS_EXACT; i++) {
		assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 0);
		assert_int_equal(tables_blocked_source_read(&lab->tables, &key, &source), 0);
		assert_int_equal(source.dropped, i);
	}
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 100000 - DROPS_EXACT), 0);
	assert_int_equal(tables_blocked_source_read(&lab->tables, &key, &source), 0);
	assert_in_range(source.dropped, 75000, 125000);
}

/* What earlier tests emitted counts towards the share of their second. */
static void wait_for_next_second(void)
{
	uint64_t second = lab_now_ms() / 1000;

	while (lab_now_ms() / 1000 == second)
		continue;
}

static uint64_t events_lost(const struct lab *lab)
{
	struct sa_totals totals;

	assert_int_equal(tables_totals_read(&lab->tables, &totals), 0);
	return totals.events_lost;
}

/* Every event is either there or counted as lost, and no CPU emits more than its share a second. */
static void test_too_many(void **state)
{
	const struct storm_plan plan = { .source = STORM_ADDRESS(10, 0, 0, 0),
					 .sources = FLOOD,
					 .in_a_row = 2 };
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	struct seen *seen = events_new(lab);
	uint64_t lost = events_lost(lab), since_ms, seconds;

	lab->settings.services[0].rate_limit = 1;
	lab_apply(lab);
	wait_for_next_second();
	since_ms = lab_now_ms();
	storms_plan(storms, 0, &plan, FLOOD * 2);
	storms_go(storms);
	storms_wait(storms);
	seconds = lab_now_ms() / 1000 - since_ms / 1000 + 1;
	lost = events_lost(lab) - lost;
	(void)events_take(lab, seen);
	assert_int_equal(seen->count + lost, FLOOD);
	assert_in_range(seen->count, SA_EVENTS_PER_SECOND, SA_EVENTS_PER_SECOND * seconds);
	free(seen);
	storms_free(storms);
}

/* More than the ring has room for, while nobody reads: no verdict changes, no event goes unnoticed.
 */
static void test_nobody_reads(void **state)
{
	struct lab *lab = *state;
	struct seen *seen = events_new(lab);
	uint64_t lost = events_lost(lab);
	const struct sa_event event = { 0 };
	const size_t fits = SA_EVENTS_BYTES / (sizeof(event) + 8);

	for (size_t i = 0; i <= fits; i++) {
		char address[64];

		(void)snprintf(address, sizeof(address), "10.%zu.%zu.%zu", i >> 16, i >> 8 & 255,
			       i & 255);
		assert_int_equal(lab_attempts(lab, address, 25, LAB_LIMIT + 1), LAB_LIMIT);
	}
	(void)events_take(lab, seen);
	assert_int_equal(seen->count + events_lost(lab) - lost, fits + 1);
	free(seen);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_rate),
		LAB_TEST(test_rate_monitored),
		LAB_TEST(test_lowered),
		LAB_TEST(test_lowered_monitored),
		LAB_LIVE_TEST(test_connections),
		LAB_LIVE_TEST(test_places),
		LAB_LIVE_TEST(test_share),
		LAB_LIVE_TEST(test_full_service),
		LAB_TEST(test_services_apart),
		LAB_TEST(test_blocked),
		LAB_TEST(test_blocked_drops),
		LAB_TEST(test_too_many),
		LAB_TEST(test_nobody_reads),
	};

	return LAB_RUN("events", tests);
}
