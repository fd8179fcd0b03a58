/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of socket cookies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cookie_set.h"

static void sets_hold_what_was_put_in(void **state)
{
	struct cookie_set set = {};

	(void)state;
	assert_false(cookie_set_has(&set, 1));
	for (int round = 0; round < 2; round++) {
		for (uint64_t cookie = 1; cookie < 20000; cookie += 3) {
			assert_int_equal(cookie_set_add(&set, cookie << (cookie % 40)), 0);
			assert_int_equal(cookie_set_add(&set, cookie << (cookie % 40)), 0);
		}
		for (uint64_t cookie = 1; cookie < 20000; cookie += 3)
			assert_true(cookie_set_has(&set, cookie << (cookie % 40)));
		assert_false(cookie_set_has(&set, 3));
		assert_true(set.count <= 6667 && set.count > 6000);
		cookie_set_clear(&set);
		assert_false(cookie_set_has(&set, 1ULL << 1));
	}
	cookie_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_hold_what_was_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
