/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anvil's window: what it counts, when it lapses, what shares a count, and how drops are counted.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"

#define DROPS_EXACT 64U /* as promised */

static const struct sa_service *only_service(const struct lab *lab)
{
	return &lab->settings.services[0];
}

static void test_limit(void **state)
{
	struct lab *lab = *state;

	for (unsigned i = 1; i <= LAB_LIMIT; i++) {
		lab_assert_judgement("within", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
				     SA_REASON_WITHIN_LIMIT);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), i);
	}
	for (unsigned i = 0; i < 10; i++) {
		lab_assert_judgement("over", lab_attempt(lab, CLIENT_IPV4, 25), LAB_DROP,
				     SA_REASON_RATE);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), LAB_LIMIT + 1);
	}
}

/*
 * Judges one attempt of a source that is over its limit since a window that started ms ago. The
 * clock of the packet path stands still between two of its steps: if it moved, once more.
 */
static uint32_t verdict_at_age(struct lab *lab, int64_t age_ms, uint64_t *ret_now)
{
	uint32_t verdict;

	do {
		*ret_now = lab_now_ms();
		lab_set_window(lab, CLIENT_IPV4, only_service(lab), *ret_now - (uint64_t)age_ms,
			       LAB_LIMIT + 1);
		verdict = lab_attempts(lab, CLIENT_IPV4, 25, 1) ? LAB_PASS : LAB_DROP;
	} while (lab_now_ms() != *ret_now);
	return verdict;
}

static void test_lapse(void **state)
{
	static const int64_t lasting[] = { 0, 1, LAB_UNIT_MS / 2, LAB_UNIT_MS - 1, -1, -50, -5000 };
	static const int64_t lapsed[] = { LAB_UNIT_MS, LAB_UNIT_MS + 1, 10LL * LAB_UNIT_MS,
					  1LL << 32 };
	struct lab *lab = *state;
	struct sa_source source;
	uint64_t now;

	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 1);
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		assert_int_equal(verdict_at_age(lab, lasting[i], &now), LAB_DROP);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), LAB_LIMIT + 1);
	}
	for (size_t i = 0; i < sizeof(lapsed) / sizeof(lapsed[0]); i++) {
		if ((uint64_t)lapsed[i] > lab_now_ms())
			continue; /* before this machine started */
		assert_int_equal(verdict_at_age(lab, lapsed[i], &now), LAB_PASS);
		assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
		assert_int_equal(source.window, now << SA_COUNT_BITS | 1);
	}
}

/* The window starts with its first attempt, and later attempts do not move it. */
static void test_window_start(void **state)
{
	struct lab *lab = *state;
	uint64_t before = lab_now_ms(), after, start;
	struct sa_source source;

	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 1);
	after = lab_now_ms();
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	start = source.window >> SA_COUNT_BITS;
	assert_in_range(start, before, after);
	while (lab_now_ms() == after)
		continue;
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), LAB_LIMIT - 1);
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	assert_int_equal(source.window >> SA_COUNT_BITS, start);
}

static void test_no_limit(void **state)
{
	struct lab *lab = *state;

	lab->settings.services[0].rate_limit = 0;
	lab_apply(lab);
	for (unsigned i = 1; i <= 50; i++) {
		lab_assert_judgement("unlimited", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
				     SA_REASON_UNLIMITED);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), i);
	}
}

/* A limit that changes holds for the next attempt, with what was counted before. */
static void test_limit_changes(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), LAB_LIMIT);
	lab->settings.services[0].rate_limit = 10;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 20), 10 - (LAB_LIMIT + 1));
	lab->settings.services[0].rate_limit = 5;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 20), 0);
	assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), 11);
}

/* The highest count means "this many or more": it neither wraps nor touches the start. */
static void test_saturation(void **state)
{
	struct lab *lab = *state;
	uint64_t start = lab_now_ms();
	struct sa_source source;

	lab->settings.services[0].rate_limit = 0;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 1);
	lab_set_window(lab, CLIENT_IPV4, only_service(lab), start, SA_COUNT_MAX - 2);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	assert_int_equal(source.window, start << SA_COUNT_BITS | SA_COUNT_MAX);

	lab->settings.services[0].rate_limit = SA_RATE_LIMIT_MAX;
	lab_apply(lab);
	lab_set_window(lab, CLIENT_IPV4, only_service(lab), start, SA_COUNT_MAX - 2);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 1);
	assert_int_equal(lab_count(lab, CLIENT_IPV4, only_service(lab)), SA_COUNT_MAX);
}

static void test_what_shares_a_count(void **state)
{
	struct lab *lab = *state;

	(void)lab_service(lab, NULL, 587, LAB_LIMIT);
	lab_apply(lab);
	/* Services and families apart. */
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), LAB_LIMIT);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 587, 10), LAB_LIMIT);
	assert_int_equal(lab_attempts(lab, "::192.0.2.1", 25, 10), LAB_LIMIT);
	assert_int_equal(lab_attempts(lab, "192.0.2.2", 25, 10), LAB_LIMIT);
	/* One /84 together. */
	assert_int_equal(lab_attempts(lab, "2001:db8:0:1::1", 25, 2), 2);
	assert_int_equal(lab_attempts(lab, "2001:db8:0:1:0:fff:ffff:ffff", 25, 10), LAB_LIMIT - 2);
	assert_int_equal(lab_attempts(lab, "2001:db8:0:1:0:1000::1", 25, 10), LAB_LIMIT);
	assert_int_equal(lab_attempts(lab, "2001:db8:0:2::1", 25, 10), LAB_LIMIT);
}

static void test_short_masks(void **state)
{
	static const uint8_t ipv4[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
					  255, 255, 255, 255, 255, 255, 255, 0 };
	struct lab *lab = *state;

	memcpy(&lab->settings.mask_ipv4, ipv4, sizeof(ipv4));
	lab->settings.mask_ipv6 = (struct sa_address){ 0 };
	lab->settings.cache_classification = 0;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, "192.0.2.1", 25, 2), 2);
	assert_int_equal(lab_attempts(lab, "192.0.2.255", 25, 10), LAB_LIMIT - 2);
	assert_int_equal(lab_attempts(lab, "192.0.3.1", 25, 10), LAB_LIMIT);
	assert_int_equal(lab_attempts(lab, "2001:db8::1", 25, 2), 2);
	assert_int_equal(lab_attempts(lab, "fe80::1", 25, 10), LAB_LIMIT - 2);
}

static void send_many(const struct lab *lab, const char *source, uint32_t count)
{
	const struct packet_spec spec = { SYN_IPV4, .source = source, .sequence = 0x66660000 };
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));

	assert_non_null(frame);
	frame_build(&spec, frame);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->size, .repeat = (int)count);
	assert_int_equal(bpf_prog_test_run_opts(lab->program, &options), 0);
}

static void test_dropped(void **state)
{
	struct lab *lab = *state;
	struct sa_source source;

	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, LAB_LIMIT), LAB_LIMIT);
	for (unsigned i = 1; i <= DROPS_EXACT; i++) {
		uint64_t before_s = lab_now_ms() / 1000;

		assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 1), 0);
		assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
		assert_int_equal(source.dropped, i);
		assert_in_range(source.last_dropped_s, before_s, lab_now_ms() / 1000);
	}
	send_many(lab, CLIENT_IPV4, 100000 - DROPS_EXACT);
	assert_true(lab_source(lab, CLIENT_IPV4, only_service(lab), &source));
	assert_in_range(source.dropped, 75000, 125000);
}

/* Sources that take turns must not fall into step with what chooses the drops that are noted. */
static void test_dropped_in_turns(void **state)
{
	static const char *const clients[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" };
	enum { CLIENTS = sizeof(clients) / sizeof(clients[0]), TURNS = 40000 };
	struct lab *lab = *state;

	for (unsigned turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < CLIENTS; i++)
			(void)lab_attempts(lab, clients[i], 25, 1);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct sa_source source;

		assert_true(lab_source(lab, clients[i], only_service(lab), &source));
		assert_in_range(source.dropped, TURNS * 3 / 4, TURNS * 5 / 4);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_limit),         LAB_TEST(test_lapse),
		LAB_TEST(test_window_start),  LAB_TEST(test_no_limit),
		LAB_TEST(test_limit_changes), LAB_TEST(test_saturation),
		LAB_TEST(test_short_masks),   LAB_TEST(test_what_shares_a_count),
		LAB_TEST(test_dropped),       LAB_TEST(test_dropped_in_turns),
	};

	return LAB_RUN("window", tests);
}
