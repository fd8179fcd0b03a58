/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h: counts that several threads move at once, in a bucket that is as full as it gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "synanvil/live.h"

#define SOURCES 6
#define THREADS 4
#define TURNS   20000

static struct sa_source_key key_of(uint8_t last, uint32_t service)
{
	return (struct sa_source_key){
		.address = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = last }, .service = service
	};
}

static void counts_go_up_and_down(void **state)
{
	struct sa_live_bucket bucket = {};

	(void)state;
	for (uint32_t i = 1; i <= 5000; i++) {
		assert_int_equal(sa_live_add(&bucket, 7), 1);
		assert_int_equal(sa_live_count(&bucket, 7), i);
	}
	assert_int_equal(sa_live_count(&bucket, 8), 0);
	for (uint32_t i = 5000; i-- > 0;) {
		assert_int_equal(sa_live_remove(&bucket, 7), 1);
		assert_int_equal(sa_live_count(&bucket, 7), i);
	}
	for (int i = 0; i < SA_LIVE_WAYS; i++)
		assert_true(bucket.words[i] == 0);
	assert_int_equal(sa_live_remove(&bucket, 7), 0);
}

static void a_full_bucket_says_so_and_keeps_all(void **state)
{
	struct sa_live_bucket bucket = {};

	(void)state;
	for (uint64_t digest = 1; digest <= SA_LIVE_WAYS; digest++)
		assert_int_equal(sa_live_add(&bucket, digest), 1);
	assert_int_equal(sa_live_add(&bucket, 100), 0);
	assert_int_equal(sa_live_count(&bucket, 100), 0);
	assert_int_equal(sa_live_add(&bucket, 5), 1);
	for (uint64_t digest = 1; digest <= SA_LIVE_WAYS; digest++)
		assert_int_equal(sa_live_count(&bucket, digest), digest == 5 ? 2 : 1);
	assert_int_equal(sa_live_remove(&bucket, 9), 1);
	assert_int_equal(sa_live_add(&bucket, 100), 1);
	assert_int_equal(sa_live_count(&bucket, 100), 1);
}

/* What two CPUs may make of one new source. */
static void words_of_one_source_add_up(void **state)
{
	struct sa_live_bucket bucket = { .words = {
						 [2] = 7ULL << SA_LIVE_COUNT_BITS | 3,
						 [9] = 7ULL << SA_LIVE_COUNT_BITS | 1,
					 } };

	(void)state;
	assert_int_equal(sa_live_count(&bucket, 7), 4);
	for (uint32_t i = 4; i-- > 0;) {
		assert_int_equal(sa_live_remove(&bucket, 7), 1);
		assert_int_equal(sa_live_count(&bucket, 7), i);
	}
}

static struct sa_live_bucket shared;
static __u64 shared_total;

/* Each thread ends with as many connections of each source as it has begun. */
static void *storm(void *context)
{
	const unsigned thread = *(const unsigned *)context;

	for (unsigned i = 0; i < TURNS; i++) {
		const uint64_t digest = 1 + (i * 7 + thread) % SOURCES;

		if (!sa_live_add(&shared, digest) || !sa_live_service_add(&shared_total, 1) ||
		    !sa_live_remove(&shared, digest) || !sa_live_service_remove(&shared_total, 1))
			return context;
	}
	for (uint64_t digest = 1; digest <= SOURCES; digest++)
		if (!sa_live_add(&shared, digest))
			return context;
	return NULL;
}

static void threads_lose_nothing(void **state)
{
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, storm, &numbers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (uint64_t digest = 1; digest <= SOURCES; digest++)
		assert_int_equal(sa_live_count(&shared, digest), THREADS);
	assert_int_equal(sa_live_service_count(shared_total, 1), 0);
}

static void a_total_belongs_to_its_epoch(void **state)
{
	__u64 word = 0;

	(void)state;
	assert_int_equal(sa_live_service_add(&word, 4), 1);
	assert_int_equal(sa_live_service_add(&word, 4), 1);
	assert_int_equal(sa_live_service_count(word, 4), 2);
	assert_int_equal(sa_live_service_count(word, 5), 0);
	/* The next one begins at 1; whoever still counts for the one before is too late. */
	assert_int_equal(sa_live_service_add(&word, 5), 1);
	assert_int_equal(sa_live_service_count(word, 5), 1);
	assert_int_equal(sa_live_service_add(&word, 4), 0);
	assert_int_equal(sa_live_service_remove(&word, 4), 0);
	assert_int_equal(sa_live_service_count(word, 5), 1);
	assert_int_equal(sa_live_service_remove(&word, 5), 1);
	assert_int_equal(sa_live_service_remove(&word, 5), 0);
	assert_int_equal(sa_live_service_count(word, 5), 0);
}

/* Sources, services and epochs are told apart, and neighbours spread over the buckets. */
static void places_differ(void **state)
{
	static uint8_t used[SA_LIVE_BUCKETS];
	const struct sa_source_key one = key_of(1, 1), other_service = key_of(1, 2);
	struct sa_live_place place = sa_live_place(99, &one, 1), other;
	unsigned crowded = 0;

	(void)state;
	other = sa_live_place(99, &other_service, 1);
	assert_true(place.digest != other.digest);
	other = sa_live_place(99, &one, 2);
	assert_true(place.digest != other.digest);
	other = sa_live_place(98, &one, 1);
	assert_true(place.digest != other.digest);
	for (uint32_t i = 0; i < SA_LIVE_BUCKETS; i++) {
		struct sa_source_key key = key_of((uint8_t)i, 1);

		key.address[14] = (uint8_t)(i >> 8);
		other = sa_live_place(99, &key, 1);
		assert_true(other.bucket < SA_LIVE_BUCKETS && other.digest &&
			    !(other.digest >> (64 - SA_LIVE_COUNT_BITS)));
		crowded += ++used[other.bucket] > 10;
	}
	/* By chance ten in a bucket are one in ten million. */
	assert_int_equal(crowded, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_go_up_and_down),
		cmocka_unit_test(a_full_bucket_says_so_and_keeps_all),
		cmocka_unit_test(words_of_one_source_add_up),
		cmocka_unit_test(threads_lose_nothing),
		cmocka_unit_test(a_total_belongs_to_its_epoch),
		cmocka_unit_test(places_differ),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
