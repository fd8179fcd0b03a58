/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c, peaks.c: the busiest window of each source over several sweeps; who delivered; what a
 * flood can and cannot push out; networks of IPv6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence.h"

#define SERVICE 7
#define UNIT_MS 60000
#define DAY_MS  PEAKS_PERIOD_MS
#define START   1000000000ULL

struct lab {
	struct evidence *evidence;
	struct sa_settings settings;
	struct mono_ms now;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->now.ms = START;
	lab->settings = (struct sa_settings){ .rate_unit_ms = UNIT_MS, .service_count = 1 };
	lab->settings.services[0].id = SERVICE;
	lab->settings.mask_ipv6.low_be = 1;
	*state = lab;
	return evidence_new(&lab->evidence);
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	(void)evidence_free(lab->evidence);
	free(lab);
	return 0;
}

static struct sa_source_key ipv4(uint32_t host)
{
	struct sa_source_key key = { .address = { [10] = 0xff, [11] = 0xff }, .service = SERVICE };

	for (int i = 0; i < 4; i++)
		key.address[12 + i] = (uint8_t)(host >> (24 - 8 * i));
	return key;
}

static struct sa_source_key ipv6(uint8_t network, uint8_t part)
{
	return (struct sa_source_key){
		.address = { 0x20, 0x01, 0x0d, 0xb8, [7] = network, [8] = part },
		.service = SERVICE,
	};
}

static void offer(struct lab *lab, struct sa_source_key key, uint64_t began_ms, uint32_t attempts)
{
	evidence_offer(lab->evidence, &key, began_ms << SA_COUNT_BITS | attempts, lab->now);
}

static void deliver(struct lab *lab, struct sa_source_key key)
{
	evidence_delivered(lab->evidence, &key, lab->now);
}

static void begin(struct lab *lab)
{
	evidence_begin(lab->evidence, &lab->settings);
}

static const struct evidence_service *finish(struct lab *lab)
{
	const struct evidence_service *service;

	while (evidence_finish(lab->evidence, lab->now)) {
	}
	service = evidence_of(lab->evidence, SERVICE);
	assert_non_null(service);
	return service;
}

static uint64_t sources(const struct advice *advice)
{
	struct advice_candidate all;

	advice_total(advice, &all);
	return all.sources_over;
}

static uint64_t delivering(const struct advice *advice)
{
	struct advice_candidate all;

	advice_total(advice, &all);
	return all.delivering_sources_over;
}

static void nothing_before_the_first_sweep(void **state)
{
	struct lab *lab = *state;

	assert_null(evidence_of(lab->evidence, SERVICE));
	begin(lab);
	assert_null(evidence_of(lab->evidence, SERVICE));
	assert_int_equal(sources(&finish(lab)->sources), 0);
	assert_null(evidence_of(lab->evidence, SERVICE + 1));
}

static void lapsed_windows_count_for_a_day(void **state)
{
	struct lab *lab = *state;

	lab->now.ms = START + DAY_MS;
	begin(lab);
	offer(lab, ipv4(1), START + 1, 9);
	offer(lab, ipv4(2), START, 9);
	offer(lab, ipv4(3), START + DAY_MS - 1, 3);
	assert_int_equal(sources(&finish(lab)->sources), 2);
}

static void the_busiest_window_counts(void **state)
{
	struct lab *lab = *state;

	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 50);
	(void)finish(lab);
	lab->now.ms += UNIT_MS;
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 2);
	assert_int_equal(finish(lab)->sources.busiest, 50);
	/* It is forgotten a day after it began, not a day after it was last seen. */
	lab->now.ms = START + DAY_MS;
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 2);
	assert_int_equal(finish(lab)->sources.busiest, 2);
}

static void a_source_read_twice_counts_once(void **state)
{
	struct lab *lab = *state;

	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 50);
	offer(lab, ipv4(1), lab->now.ms, 50);
	assert_int_equal(sources(&finish(lab)->sources), 1);
}

static void delivering_sources_are_known_by_service(void **state)
{
	struct lab *lab = *state;
	struct sa_source_key other = ipv4(2);

	other.service = SERVICE + 1;
	deliver(lab, ipv4(1));
	deliver(lab, other);
	deliver(lab, ipv4(3)); /* exempt: it has no attempts */
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 2);
	offer(lab, ipv4(2), lab->now.ms, 2);
	assert_int_equal(delivering(&finish(lab)->sources), 1);
	assert_int_equal(sources(&finish(lab)->sources), 2);
	lab->now.ms += DAY_MS;
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 2);
	assert_int_equal(delivering(&finish(lab)->sources), 0);
}

static void who_delivers_later_keeps_its_peak_and_counts_once(void **state)
{
	struct lab *lab = *state;
	const struct evidence_service *service;

	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 50);
	(void)finish(lab);
	deliver(lab, ipv4(1));
	lab->now.ms += UNIT_MS;
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 3);
	service = finish(lab);
	assert_int_equal(service->sources.busiest_delivering, 50);
	assert_int_equal(sources(&service->sources), 1);
}

static void what_the_kernel_forgot_still_counts(void **state)
{
	struct lab *lab = *state;
	const struct evidence_service *service;

	deliver(lab, ipv4(1));
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 3);
	offer(lab, ipv4(2), lab->now.ms, 80);
	offer(lab, ipv4(3), lab->now.ms, 1);
	(void)finish(lab);
	begin(lab);
	service = finish(lab);
	assert_int_equal(sources(&service->sources), 2);
	assert_int_equal(delivering(&service->sources), 1);
	assert_int_equal(service->sources.busiest, 80);
}

/* 300,000 sources, all busier than the one that delivers. */
static void a_flood_does_not_push_out_who_delivers(void **state)
{
	struct lab *lab = *state;
	const struct evidence_service *service;

	deliver(lab, ipv4(1));
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 40);
	for (uint32_t i = 0; i < 300000; i++)
		offer(lab, ipv4(0x0b000000 + i), lab->now.ms, 100 + i % 7);
	service = finish(lab);
	assert_int_equal(sources(&service->sources), 300001);
	assert_int_equal(service->sources.busiest_delivering, 40);
	lab->now.ms += UNIT_MS;
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 1);
	assert_int_equal(finish(lab)->sources.busiest_delivering, 40);
}

/* Where more deliver than there is room for, the longest silent go first. */
static void recent_deliveries_stay(void **state)
{
	struct lab *lab = *state;

	for (uint32_t i = 0; i < 200000; i++) {
		lab->now.ms++;
		deliver(lab, ipv4(i));
	}
	begin(lab);
	for (uint32_t i = 199000; i < 200000; i++)
		offer(lab, ipv4(i), lab->now.ms, 1);
	assert_int_equal(delivering(&finish(lab)->sources), 1000);
}

static void networks_of_ipv6_add_up(void **state)
{
	struct lab *lab = *state;
	const struct evidence_service *service;

	deliver(lab, ipv6(1, 3));
	begin(lab);
	for (uint8_t i = 0; i < 10; i++)
		offer(lab, ipv6(1, i), lab->now.ms, 4);
	/* A lapsed window is not of the same time, but may itself have been the busiest. */
	offer(lab, ipv6(2, 0), lab->now.ms - UNIT_MS, 30);
	offer(lab, ipv6(2, 1), lab->now.ms, 20);
	offer(lab, ipv4(1), lab->now.ms, 99);
	service = finish(lab);
	assert_int_equal(sources(&service->sources), 13);
	assert_int_equal(sources(&service->networks), 2);
	assert_int_equal(service->networks.busiest, 40);
	assert_int_equal(service->networks.busiest_delivering, 40);
	/* The next sweep does not add to the sum of the one before. */
	begin(lab);
	for (uint8_t i = 0; i < 10; i++)
		offer(lab, ipv6(1, i), lab->now.ms, 4);
	assert_int_equal(finish(lab)->networks.busiest, 40);
}

static void no_networks_where_sources_are_no_smaller(void **state)
{
	struct lab *lab = *state;
	const struct evidence_service *service;

	lab->settings.mask_ipv6.low_be = 0;
	begin(lab);
	offer(lab, ipv6(1, 0), lab->now.ms, 4);
	service = finish(lab);
	assert_int_equal(sources(&service->sources), 1);
	assert_int_equal(sources(&service->networks), 0);
	assert_false(lab->evidence->last_networks_too);
}

static void a_sweep_that_failed_leaves_the_last_result(void **state)
{
	struct lab *lab = *state;

	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 4);
	(void)finish(lab);
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 4);
	offer(lab, ipv4(2), lab->now.ms, 4);
	assert_int_equal(sources(&evidence_of(lab->evidence, SERVICE)->sources), 1);
	begin(lab);
	offer(lab, ipv4(1), lab->now.ms, 4);
	assert_int_equal(sources(&finish(lab)->sources), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_before_the_first_sweep),
		TEST(lapsed_windows_count_for_a_day),
		TEST(the_busiest_window_counts),
		TEST(a_source_read_twice_counts_once),
		TEST(delivering_sources_are_known_by_service),
		TEST(who_delivers_later_keeps_its_peak_and_counts_once),
		TEST(what_the_kernel_forgot_still_counts),
		TEST(a_flood_does_not_push_out_who_delivers),
		TEST(recent_deliveries_stay),
		TEST(networks_of_ipv6_add_up),
		TEST(no_networks_where_sources_are_no_smaller),
		TEST(a_sweep_that_failed_leaves_the_last_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
