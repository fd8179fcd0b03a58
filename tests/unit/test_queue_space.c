/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_space.c: Postfix' edge, and a look that is never too old.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_space.h"

#define DEFAULT_SIZE 10240000

static bool lacks(uint64_t block, uint64_t free, uint64_t minfree, uint64_t size)
{
	const struct queue_room room = { block, free };
	const struct queue_demand demand = { minfree, size };

	return queue_room_lacks(&room, &demand);
}

/* 10240000 bytes are 2500 blocks of 4096; 3751 is the first that is more than 1.5 times that. */
static void edges_are_those_of_postfix(void **state)
{
	(void)state;
	assert_true(lacks(4096, 3750, 0, DEFAULT_SIZE));
	assert_false(lacks(4096, 3751, 0, DEFAULT_SIZE));
	assert_true(lacks(4096, 100, 100 * 4096, 0));
	assert_false(lacks(4096, 101, 100 * 4096, 0));
	/* Whole blocks count: all but one byte of the 101st is no block. */
	assert_false(lacks(4096, 101, 101 * 4096 - 1, 0));
	assert_true(lacks(4096, 101, 101 * 4096, 0));
	assert_true(lacks(4096, 0, 0, 0));
	assert_false(lacks(4096, 1, 0, 0));
	assert_false(lacks(4096, 1, 0, 4095));
	assert_true(lacks(4096, 1, 0, 4096));
	assert_false(lacks(4096, UINT64_MAX, 0, DEFAULT_SIZE));
	assert_true(lacks(4096, 3751, UINT64_MAX, 0));
}

static void required_is_the_first_that_is_enough(void **state)
{
	static const uint64_t blocks[] = { 512, 1000, 4096 };

	(void)state;
	for (size_t b = 0; b < 3; b++)
		for (uint64_t minfree = 0; minfree < 20000; minfree += 997)
			for (uint64_t size = 0; size < 20000; size += 501) {
				const struct queue_room room = { blocks[b], 1 };
				const struct queue_demand demand = { minfree, size };
				const uint64_t bytes = queue_room_required(&room, &demand);

				assert_int_equal(bytes % blocks[b], 0);
				assert_false(lacks(blocks[b], bytes / blocks[b], minfree, size));
				assert_true(lacks(blocks[b], bytes / blocks[b] - 1, minfree, size));
			}
	assert_int_equal(queue_room_required(&(struct queue_room){ 4096, 1 },
					     &(struct queue_demand){ 0, DEFAULT_SIZE }),
			 15364096);
}

static void looks_at_most_once_a_second(void **state)
{
	const struct queue_demand demand = { 0, DEFAULT_SIZE };
	const struct queue_room plenty = { 4096, 1000000 };
	struct queue_space space = { 0 };

	(void)state;
	assert_true(queue_space_due(&space, &demand, 5000));
	assert_false(queue_space_lacks(&space, &demand));
	assert_false(queue_space_learn(&space, &plenty, 5000));
	assert_false(queue_space_due(&space, &demand, 5000));
	assert_false(queue_space_due(&space, &demand, 5999));
	assert_true(queue_space_due(&space, &demand, 6000));
}

/* 3751 + 10 blocks: ten are over what is needed. */
static void looks_again_before_it_could_be_wrong(void **state)
{
	const struct queue_demand demand = { 0, DEFAULT_SIZE };
	const struct queue_room room = { 4096, 3761 }, scarce = { 4096, 3750 };
	struct queue_space space = { 0 };

	(void)state;
	(void)queue_space_learn(&space, &room, 5000);
	queue_space_admit(&space, 5 * 4096);
	assert_false(queue_space_due(&space, &demand, 5001));
	queue_space_admit(&space, 5 * 4096);
	assert_false(queue_space_due(&space, &demand, 5001));
	queue_space_admit(&space, 1);
	assert_true(queue_space_due(&space, &demand, 5001));
	(void)queue_space_learn(&space, &room, 5001);
	assert_false(queue_space_due(&space, &demand, 5001));
	queue_space_admit(&space, UINT64_MAX);
	queue_space_admit(&space, UINT64_MAX);
	assert_true(queue_space_due(&space, &demand, 5002));
	/* Once there is too little, what is let in changes nothing. */
	(void)queue_space_learn(&space, &scarce, 5002);
	queue_space_admit(&space, UINT64_MAX);
	assert_false(queue_space_due(&space, &demand, 6001));
	assert_true(queue_space_lacks(&space, &demand));
	assert_true(queue_space_due(&space, &demand, 6002));
}

static void unreadable_is_told_once_and_refuses_nothing(void **state)
{
	const struct queue_demand demand = { 0, DEFAULT_SIZE };
	const struct queue_room room = { 4096, 1 }, senseless = { 0, 1000 };
	struct queue_space space = { 0 };

	(void)state;
	assert_true(queue_space_learn(&space, NULL, 5000));
	assert_false(queue_space_lacks(&space, &demand));
	assert_false(queue_space_due(&space, &demand, 5999));
	assert_true(queue_space_due(&space, &demand, 6000));
	assert_false(queue_space_learn(&space, NULL, 6000));
	assert_true(queue_space_learn(&space, &room, 7000));
	assert_true(queue_space_lacks(&space, &demand));
	assert_false(queue_space_learn(&space, &room, 8000));
	assert_true(queue_space_learn(&space, &senseless, 9000));
	assert_false(queue_space_lacks(&space, &demand));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_are_those_of_postfix),
		cmocka_unit_test(required_is_the_first_that_is_enough),
		cmocka_unit_test(looks_at_most_once_a_second),
		cmocka_unit_test(looks_again_before_it_could_be_wrong),
		cmocka_unit_test(unreadable_is_told_once_and_refuses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
