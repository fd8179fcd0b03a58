/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers, booleans, times, ports: each accepted form with its value, each refused one.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parse.h"

#define REFUSED (-77L)

static const struct {
	const char *text;
	long value;
} numbers[] = {
	{ "0", 0 },
	{ "10", 10 },
	{ "010", 10 },
	{ "+5", 5 },
	{ "-1", -1 },
	{ " \t7", 7 },
	{ "9223372036854775807", LONG_MAX },
	{ "-9223372036854775808", LONG_MIN },
	{ "9223372036854775808", REFUSED },
	{ "-9223372036854775809", REFUSED },
	{ "", REFUSED },
	{ " ", REFUSED },
	{ "-", REFUSED },
	{ "10k", REFUSED },
	{ "10M", REFUSED },
	{ "0x10", REFUSED },
	{ "1e6", REFUSED },
	{ "10 20", REFUSED },
	{ "10 ", REFUSED },
	{ "1.5", REFUSED },
	{ "ten", REFUSED },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		long value = REFUSED;
		const int r = parse_long(numbers[i].text, &value);

		if (value != numbers[i].value || (r == 0) != (numbers[i].value != REFUSED))
			fail_msg("\"%s\": %d, %ld", numbers[i].text, r, value);
	}
}

static const struct {
	const char *text;
	char unit;
	long value;
} times[] = {
	{ "60s", 's', 60 },
	{ "60", 's', 60 },
	{ "10", 'm', 600 },
	{ "10s", 'm', 10 },
	{ "5m", 's', 300 },
	{ "2h", 's', 7200 },
	{ "1d", 's', 86400 },
	{ "1w", 's', 604800 },
	{ "10seconds", 's', 10 },
	{ "1h30m", 's', 3600 },
	{ "10sx", 's', 10 },
	{ "s", 's', 0 },
	{ "m", 's', 0 },
	{ "-0", 's', 0 },
	{ "+3", 's', 3 },
	{ " 5m", 's', 300 },
	{ "2147483647", 's', INT_MAX },
	{ "2147483648", 's', REFUSED },
	{ "4294967296", 's', REFUSED },
	{ "35791393m", 's', 35791393L * 60 },
	{ "35791394m", 's', REFUSED },
	{ "99999999999999999999", 's', REFUSED },
	{ "", 's', REFUSED },
	{ "-1", 's', REFUSED },
	{ "10 s", 's', REFUSED },
	{ "1.5h", 's', REFUSED },
	{ "10S", 's', REFUSED },
	{ "1y", 's', REFUSED },
	{ "x", 's', REFUSED },
};

static void test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int value = (int)REFUSED;
		const int r = parse_time(times[i].text, times[i].unit, &value);

		if (value != times[i].value || (r == 0) != (times[i].value != REFUSED))
			fail_msg("\"%s\": %d, %d", times[i].text, r, value);
	}
}

static void test_booleans(void **state)
{
	static const char *const refused[] = { "", "y", "true", "1", "yes ", "noo" };
	bool value = false;

	(void)state;
	assert_int_equal(parse_bool("yes", &value), 0);
	assert_true(value);
	assert_int_equal(parse_bool("NO", &value), 0);
	assert_false(value);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_not_equal(parse_bool(refused[i], &value), 0);
}

static void test_ports(void **state)
{
	static const char *const refused[] = { "",    "0",   "65536", "99999999999999999999",
					       "25x", "-25", "+25",   " 25" };
	uint16_t port = 0;

	(void)state;
	assert_int_equal(parse_port("25", 2, &port), 0);
	assert_int_equal(port, 25);
	assert_int_equal(parse_port("65535", 5, &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(parse_port("2525", 2, &port), 0);
	assert_int_equal(port, 25);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_not_equal(parse_port(refused[i], strlen(refused[i]), &port), 0);
	assert_int_equal(port, 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
