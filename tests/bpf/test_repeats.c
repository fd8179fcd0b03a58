/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same SYN again: free within its window, seven times at most, and only for the last four
 * attempts that passed.
 */
#include <stdlib.h>

#include "cleanup.h"
#include "lab.h"

#define WIDE_LIMIT   20U
#define FREE_REPEATS 7U /* as promised */

static const struct sa_service *only_service(const struct lab *lab)
{
	return &lab->settings.services[0];
}

static unsigned count(const struct lab *lab)
{
	return lab_count(lab, CLIENT_IPV4, only_service(lab));
}

/* The attempt of a letter: sent twice it is a repeat. */
static void send(struct lab *lab, char letter, uint32_t verdict, int outcome, unsigned count_after)
{
	const struct packet_spec spec = { SYN_IPV4, .sequence = (uint32_t)letter << 20 };
	const char name[] = { letter, '\0' };

	lab_assert_judgement(name, lab_judge_spec(lab, &spec), verdict, outcome);
	assert_int_equal(count(lab), count_after);
}

static void passes(struct lab *lab, char letter, unsigned count_after)
{
	send(lab, letter, LAB_PASS, SA_REASON_WITHIN_LIMIT, count_after);
}

static void drops(struct lab *lab, char letter, unsigned count_after)
{
	send(lab, letter, LAB_DROP, SA_REASON_RATE, count_after);
}

static void set_limit(struct lab *lab, uint32_t limit)
{
	lab->settings.services[0].rate_limit = limit;
	lab_apply(lab);
}

/* The window is over, and the clock moved since it began: no two windows begin in one moment. */
static void lapse(struct lab *lab)
{
	uint64_t now = lab_now_ms();

	while (lab_now_ms() == now)
		continue;
	lab_set_window(lab, CLIENT_IPV4, only_service(lab), now - LAB_UNIT_MS, count(lab));
}

static void test_seven_free(void **state)
{
	struct lab *lab = *state;

	passes(lab, 'A', 1);
	for (unsigned i = 0; i < FREE_REPEATS; i++)
		passes(lab, 'A', 1);
	passes(lab, 'A', 2);
	passes(lab, 'A', 3);
	drops(lab, 'A', 4);
	drops(lab, 'A', 4);
}

/* Seven in all, whatever attempts they repeat. */
static void test_seven_together(void **state)
{
	struct lab *lab = *state;

	set_limit(lab, WIDE_LIMIT);
	passes(lab, 'A', 1);
	passes(lab, 'B', 2);
	for (unsigned i = 0; i < FREE_REPEATS; i++)
		passes(lab, i % 2 ? 'A' : 'B', 2);
	passes(lab, 'B', 3);
	passes(lab, 'A', 4);
}

static void test_last_four(void **state)
{
	struct lab *lab = *state;

	set_limit(lab, WIDE_LIMIT);
	passes(lab, 'A', 1);
	passes(lab, 'B', 2);
	passes(lab, 'C', 3);
	passes(lab, 'D', 4);
	passes(lab, 'A', 4);
	passes(lab, 'E', 5);
	passes(lab, 'B', 5);
	passes(lab, 'C', 5);
	passes(lab, 'D', 5);
	passes(lab, 'E', 5);
	passes(lab, 'A', 6);
}

/* A client whose SYN-ACK was lost is not shut out by attempts of others that came after it. */
static void test_over_limit(void **state)
{
	struct lab *lab = *state;

	passes(lab, 'A', 1);
	passes(lab, 'B', 2);
	passes(lab, 'C', 3);
	drops(lab, 'D', 4);
	passes(lab, 'C', 4);
	passes(lab, 'A', 4);
	drops(lab, 'D', 4);
	drops(lab, 'E', 4);
	passes(lab, 'B', 4);
}

static void test_not_across_windows(void **state)
{
	struct lab *lab = *state;

	set_limit(lab, WIDE_LIMIT);
	passes(lab, 'A', 1);
	passes(lab, 'B', 2);
	passes(lab, 'C', 3);
	lapse(lab);
	passes(lab, 'D', 1);
	passes(lab, 'B', 2);
	passes(lab, 'C', 3);
	passes(lab, 'B', 3);
}

static void test_seven_in_each_window(void **state)
{
	struct lab *lab = *state;

	set_limit(lab, WIDE_LIMIT);
	for (unsigned window = 0; window < 3; window++) {
		for (unsigned i = 0; i <= FREE_REPEATS; i++)
			passes(lab, 'A', 1);
		passes(lab, 'A', 2);
		lapse(lab);
	}
}

static void test_no_limit(void **state)
{
	struct lab *lab = *state;

	set_limit(lab, 0);
	send(lab, 'A', LAB_PASS, SA_REASON_UNLIMITED, 1);
	for (unsigned i = 0; i < FREE_REPEATS; i++)
		send(lab, 'A', LAB_PASS, SA_REASON_UNLIMITED, 1);
	send(lab, 'A', LAB_PASS, SA_REASON_UNLIMITED, 2);
}

/* Port and sequence number together make the attempt. */
static void test_what_is_no_repeat(void **state)
{
	static const struct packet_spec others[] = {
		{ SYN_IPV4 },
		{ SYN_IPV4, .source_port = 40001 },
		{ SYN_IPV4, .sequence = 0x1001 },
		{ SYN_IPV4, .source_port = 40001, .sequence = 0x1001 },
	};
	struct lab *lab = *state;

	set_limit(lab, WIDE_LIMIT);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		lab_assert_judgement("another", lab_judge_spec(lab, &others[i]), LAB_PASS,
				     SA_REASON_WITHIN_LIMIT);
		assert_int_equal(count(lab), i + 1);
	}
}

/* Each service has its own memory: the same SYN to another port is an attempt there. */
static void test_services_apart(void **state)
{
	const struct packet_spec to_587 = { SYN_IPV4, .destination_port = 587,
					    .sequence = (uint32_t)'A' << 20 };
	struct lab *lab = *state;
	const struct sa_service *other = lab_service(lab, NULL, 587, LAB_LIMIT);

	lab_apply(lab);
	passes(lab, 'A', 1);
	for (unsigned i = 0; i <= FREE_REPEATS; i++) {
		lab_assert_judgement("other port", lab_judge_spec(lab, &to_587), LAB_PASS,
				     SA_REASON_WITHIN_LIMIT);
		assert_int_equal(lab_count(lab, CLIENT_IPV4, other), 1);
	}
	passes(lab, 'A', 1);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_seven_free),         LAB_TEST(test_seven_together),
		LAB_TEST(test_last_four),          LAB_TEST(test_over_limit),
		LAB_TEST(test_not_across_windows), LAB_TEST(test_seven_in_each_window),
		LAB_TEST(test_no_limit),           LAB_TEST(test_what_is_no_repeat),
		LAB_TEST(test_services_apart),
	};

	return LAB_RUN("repeats", tests);
}
