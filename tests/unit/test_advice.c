/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.c: candidates against a plain count over all sources, and the rule of the recommended
 * limit at its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "advice.h"
#include "random.h"
#include "synanvil/limits.h"

static uint32_t recommend(const struct advice *advice, enum advice_basis want)
{
	enum advice_basis basis;
	const uint32_t limit = advice_recommend(advice, &basis);

	assert_int_equal(basis, want);
	return limit;
}

static void count_many(struct advice *advice, size_t sources, uint32_t attempts, bool delivering)
{
	for (size_t i = 0; i < sources; i++)
		advice_count(advice, attempts, delivering);
}

struct sample {
	uint32_t attempts;
	bool delivering;
};

static void compare(const struct advice *advice, const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < advice->edge_count; i++) {
		struct advice_candidate want = { .limit = advice->edges[i] }, got;

		for (size_t s = 0; s < count; s++) {
			if (samples[s].attempts <= want.limit)
				continue;
			want.sources_over++;
			want.attempts_over += samples[s].attempts - want.limit;
			want.delivering_sources_over += samples[s].delivering;
		}
		advice_candidate(advice, i, &got);
		assert_int_equal(got.limit, want.limit);
		assert_int_equal(got.sources_over, want.sources_over);
		assert_int_equal(got.attempts_over, want.attempts_over);
		assert_int_equal(got.delivering_sources_over, want.delivering_sources_over);
	}
}

static void candidates_equal_a_plain_count(void **state)
{
	static const uint32_t limits[] = { 0, 1, 5, 6, 30, 31, 10000000, SA_RATE_LIMIT_MAX };
	struct random random = { 5 };
	struct sample samples[2000];
	struct advice advice;

	(void)state;
	for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
		advice_begin(&advice, limits[l]);
		for (size_t i = 0; i < 2000; i++) {
			samples[i].attempts =
				(uint32_t)random_below(&random, i % 7 == 0 ? SA_COUNT_MAX + 1UL
								: i % 3    ? 12
									   : 3000);
			samples[i].delivering = random_below(&random, 3) == 0;
			advice_count(&advice, samples[i].attempts, samples[i].delivering);
		}
		compare(&advice, samples, 2000);
	}
}

static void limits_ascend_and_have_the_one_in_force(void **state)
{
	static const uint32_t limits[] = { 0, 1, 5, 8, 100, 10000001, SA_RATE_LIMIT_MAX };

	(void)state;
	for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
		struct advice advice;
		bool found = limits[l] == 0;

		advice_begin(&advice, limits[l]);
		assert_true(advice.edge_count <= ADVICE_EDGES_MAX);
		for (size_t i = 0; i < advice.edge_count; i++) {
			assert_true(i == 0 || advice.edges[i] > advice.edges[i - 1]);
			found = found || advice.edges[i] == limits[l];
		}
		assert_true(found);
		assert_int_equal(advice.edges[advice.edge_count - 1], SA_COUNT_MAX);
	}
}

static void too_little_is_no_advice(void **state)
{
	struct advice advice;

	(void)state;
	advice_begin(&advice, 0);
	assert_int_equal(recommend(&advice, ADVICE_NONE), 0);
	count_many(&advice, ADVICE_SOURCES_MIN - 1, 3, false);
	assert_int_equal(recommend(&advice, ADVICE_NONE), 0);
	advice_count(&advice, 0, true); /* a source without attempts is none */
	assert_int_equal(recommend(&advice, ADVICE_NONE), 0);
	advice_count(&advice, 3, false);
	assert_int_equal(recommend(&advice, ADVICE_FROM_SOURCES), ADVICE_LEAST);
}

static void who_delivers_decides(void **state)
{
	struct advice advice;

	(void)state;
	advice_begin(&advice, 0);
	count_many(&advice, ADVICE_DELIVERING_MIN - 1, 2, true);
	count_many(&advice, 5000, 900, false); /* a botnet */
	assert_int_equal(recommend(&advice, ADVICE_FROM_SOURCES), 2000);
	advice_count(&advice, 26, true);
	/* Twice 26 is 52; the series goes on with 70. */
	assert_int_equal(recommend(&advice, ADVICE_FROM_DELIVERING), 70);
	advice_count(&advice, 25, true);
	assert_int_equal(recommend(&advice, ADVICE_FROM_DELIVERING), 70);
	advice_count(&advice, 35, true);
	assert_int_equal(recommend(&advice, ADVICE_FROM_DELIVERING), 70);
	advice_count(&advice, 36, true);
	assert_int_equal(recommend(&advice, ADVICE_FROM_DELIVERING), 100);
}

static void one_in_a_thousand_may_be_over(void **state)
{
	struct advice advice;

	(void)state;
	advice_begin(&advice, 0);
	count_many(&advice, 1998, 9, false);
	count_many(&advice, 2, 4000, false);
	assert_int_equal(recommend(&advice, ADVICE_FROM_SOURCES), 20);
	advice_count(&advice, 4000, false);
	assert_int_equal(recommend(&advice, ADVICE_FROM_SOURCES), 10000);
}

/* Above the series there is still a limit that nobody is over. */
static void the_end_of_the_counters(void **state)
{
	struct advice advice;
	struct advice_candidate last;

	(void)state;
	advice_begin(&advice, SA_RATE_LIMIT_MAX);
	count_many(&advice, 100, SA_COUNT_MAX, true);
	assert_int_equal(recommend(&advice, ADVICE_FROM_DELIVERING), SA_RATE_LIMIT_MAX);
	advice_candidate(&advice, advice.edge_count - 1, &last);
	assert_int_equal(last.sources_over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_equal_a_plain_count),
		cmocka_unit_test(limits_ascend_and_have_the_one_in_force),
		cmocka_unit_test(too_little_is_no_advice),
		cmocka_unit_test(who_delivers_decides),
		cmocka_unit_test(one_in_a_thousand_may_be_over),
		cmocka_unit_test(the_end_of_the_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
