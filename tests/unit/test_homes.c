/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homes.h: which home a cookie has, and what its word says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synanvil/homes.h"

#define COOKIE_LAST ((1ULL << 48) - 1)

static void cookies_given_out_in_turn_have_homes_of_their_own(void **state)
{
	static uint8_t taken[SA_HOMES];

	(void)state;
	for (uint64_t cookie = 70000; cookie < 70000 + SA_HOMES; cookie++) {
		assert_in_range(sa_home_index(cookie), 0, SA_HOMES - 1);
		assert_int_equal(taken[sa_home_index(cookie)]++, 0);
	}
	assert_int_equal(sa_home_index(70000), sa_home_index(70000 + SA_HOMES));
}

static void what_does_not_fit_the_word_has_no_home(void **state)
{
	(void)state;
	assert_true(sa_home_fits(1));
	assert_true(sa_home_fits(COOKIE_LAST));
	assert_false(sa_home_fits(COOKIE_LAST + 1));
	assert_false(sa_home_fits(~0ULL)); /* the first that Linux counts down */
	assert_false(sa_home_fits(~0ULL - 1000000));
}

static void a_word_says_what_was_put_in(void **state)
{
	const uint64_t cookies[] = { 1, 65536, 123456789, COOKIE_LAST };

	(void)state;
	for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		for (uint32_t slot = 0; slot < SA_SERVICE_SLOTS; slot++) {
			for (uint32_t counted = 0; counted < 4; counted++) {
				const uint64_t word = sa_home_word(cookies[i], slot, counted);

				assert_true(word != 0);
				assert_true(sa_home_is_of(word, cookies[i]));
				assert_false(sa_home_is_of(word, cookies[i] + SA_HOMES));
				assert_int_equal(sa_home_slot(word), slot);
				assert_int_equal(sa_home_counted(word), counted);
				assert_int_equal(word & SA_HOME_BEING_MADE, 0);
			}
		}
	}
}

static void one_that_is_being_made_is_nothing_else(void **state)
{
	const uint64_t making = sa_home_making(4711);

	(void)state;
	assert_true(making & SA_HOME_BEING_MADE);
	assert_true(sa_home_is_of(making, 4711));
	assert_int_equal(sa_home_counted(making), 0);
	for (uint32_t slot = 0; slot < SA_SERVICE_SLOTS; slot++)
		for (uint32_t counted = 0; counted < 4; counted++)
			assert_true(sa_home_word(4711, slot, counted) != making);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookies_given_out_in_turn_have_homes_of_their_own),
		cmocka_unit_test(what_does_not_fit_the_word_has_no_home),
		cmocka_unit_test(a_word_says_what_was_put_in),
		cmocka_unit_test(one_that_is_being_made_is_nothing_else),
	};

	return cmocka_run_group_tests_name("homes", tests, NULL, NULL);
}
