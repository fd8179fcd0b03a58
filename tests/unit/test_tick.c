/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path's clock from jiffies: exact for every tick length that Linux can be built with,
 * and measured alike each time on this machine.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <time.h>
#include <unistd.h>

#include "tick.h"

#define YEAR_MS (365ULL * 86400 * 1000)

static uint64_t clock_by(const struct tick *tick, uint64_t jiffies)
{
	return (jiffies * tick->scale >> 24) + tick->offset_ms;
}

/* Linux starts to count five minutes before its counter's lower half turns. */
static void check_tick(uint64_t tick_ns, uint64_t tolerance_ms)
{
	const uint64_t first = (1ULL << 32) - 300 * (1000000000 / tick_ns), time_ns = 12345678901;
	struct tick tick = tick_from_reading(time_ns, first, tick_ns);
	const uint64_t ticks = YEAR_MS * 1000000 / tick_ns;

	assert_int_equal(clock_by(&tick, first), time_ns / 1000000);
	assert_in_range(clock_by(&tick, first + ticks),
			(time_ns + ticks * tick_ns) / 1000000 - tolerance_ms,
			(time_ns + ticks * tick_ns) / 1000000);
}

static void test_whole_milliseconds(void **state)
{
	(void)state;
	check_tick(1000000, 0);
	check_tick(4000000, 0);
	check_tick(10000000, 0);
}

/* A tick of 1/300 s has no exact scale: a second a year at most, which no window notices. */
static void test_third_of_milliseconds(void **state)
{
	(void)state;
	check_tick(3333333, 1000);
}

static uint64_t coarse_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC_COARSE, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Measured twice, the offset is the same to the rounding of a tick that is no whole millisecond. */
static void test_measured(void **state)
{
	struct tick first, second;
	struct timespec resolution;
	uint64_t before;

	(void)state;
	if (geteuid() != 0 || tick_measure(&first) != 0)
		skip();
	before = coarse_ms();
	while (coarse_ms() == before)
		continue;
	assert_int_equal(tick_measure(&second), 0);
	assert_int_equal(clock_getres(CLOCK_MONOTONIC_COARSE, &resolution), 0);
	assert_int_equal(first.scale, ((uint64_t)resolution.tv_nsec << 24) / 1000000);
	assert_int_equal(first.scale, second.scale);
	assert_in_range(second.offset_ms - first.offset_ms + 1, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_milliseconds),
		cmocka_unit_test(test_third_of_milliseconds),
		cmocka_unit_test(test_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
