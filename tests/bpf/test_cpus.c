/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exactness: whatever number of CPUs work on one source at once, its limit passes and not one more
 * or less, across the turn of a window too.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "storms.h"

#define ROUNDS       100U
#define LIMIT        8000U
#define BURST        10000U
#define TURN_LIMIT   500U
#define TURN_LEAD_MS 12U /* how long before the end of the window the storms begin */

struct passed {
	uint64_t within;
	uint64_t over;
	uint64_t others;
};

static void set_limit(struct lab *lab, uint32_t limit)
{
	lab->settings.services[0].rate_limit = limit;
	lab_apply(lab);
}

static struct passed passed_since(const struct lab *lab, const struct lab_totals *before)
{
	struct lab_totals now;
	struct passed passed;

	lab_totals(lab, &now);
	passed.within =
		now.outcomes[SA_REASON_WITHIN_LIMIT] - before->outcomes[SA_REASON_WITHIN_LIMIT];
	passed.over = now.outcomes[SA_REASON_RATE] - before->outcomes[SA_REASON_RATE];
	passed.others = now.packets - before->packets - passed.within - passed.over;
	return passed;
}

static struct storm_plan round_plan(unsigned round)
{
	return (struct storm_plan){
		.source = STORM_ADDRESS(10, 0, 0, 0) + round,
		.sources = 1,
		.in_a_row = 1,
	};
}

static const char *round_address(unsigned round, char text[static 16])
{
	(void)snprintf(text, 16, "10.0.0.%u", round % 256);
	return text;
}

static void test_exact(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	struct lab_totals before;
	struct passed passed;
	char address[16];

	set_limit(lab, LIMIT);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct storm_plan plan = round_plan(round);

		lab_totals(lab, &before);
		storms_burst(storms, &plan, BURST);
		passed = passed_since(lab, &before);
		assert_int_equal(passed.within, LIMIT);
		assert_int_equal(passed.over, storms_count(storms) * BURST - LIMIT);
		assert_int_equal(passed.others, 0);
		assert_int_equal(
			lab_count(lab, round_address(round, address), &lab->settings.services[0]),
			LIMIT + 1);
	}
	storms_free(storms);
}

/* Where nothing is limited no attempt is lost either. */
static void test_exact_count(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	char address[16];

	set_limit(lab, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct storm_plan plan = round_plan(round);

		storms_burst(storms, &plan, BURST);
		assert_int_equal(
			lab_count(lab, round_address(round, address), &lab->settings.services[0]),
			storms_count(storms) * BURST);
	}
	storms_free(storms);
}

static void wait_made(const struct storms *storms, uint64_t packets)
{
	while (storms_made(storms) < packets)
		continue;
}

/*
 * One round with a window end in its middle; false if this machine was too slow to spend the limit
 * before that end, which shows nothing.
 */
static bool turn_round(struct lab *lab, struct storms *storms, unsigned round)
{
	const struct sa_service *service = &lab->settings.services[0];
	const struct storm_plan plan = round_plan(round);
	struct lab_totals before;
	struct passed passed;
	uint64_t end_ms;
	const char *address;
	char text[16];
	bool spent;

	address = round_address(round, text);
	assert_int_equal(lab_attempts(lab, address, 25, 1), 1);
	lab_totals(lab, &before);
	end_ms = lab_now_ms() + TURN_LEAD_MS;
	lab_set_window(lab, address, service, end_ms - LAB_UNIT_MS, 1);
	for (unsigned i = 0; i < storms_count(storms); i++)
		storms_plan(storms, i, &plan, INT32_MAX);
	storms_go(storms);
	wait_made(storms, TURN_LIMIT + storms_count(storms));
	spent = lab_now_ms() < end_ms;
	while (lab_now_ms() < end_ms)
		continue;
	wait_made(storms, storms_made(storms) + TURN_LIMIT + 2 * storms_count(storms));
	storms_cease(storms);
	storms_wait(storms);
	passed = passed_since(lab, &before);
	lab_forget(lab);
	if (!spent)
		return false;
	assert_int_equal(passed.within, 2 * TURN_LIMIT - 1);
	assert_int_equal(passed.others, 0);
	return true;
}

static void test_exact_at_turn(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	unsigned done = 0;

	set_limit(lab, TURN_LIMIT);
	for (unsigned round = 0; done < ROUNDS; round++) {
		if (round == 4 * ROUNDS)
			fail_msg("too slow: %u rounds of %u had a window end in them", done, round);
		done += turn_round(lab, storms, round);
	}
	storms_free(storms);
}

/* The verdicts themselves, not only the counters: one run of the program for each packet. */
struct judge {
	pthread_t thread;
	const struct lab *lab;
	struct frame frame;
	uint32_t sequence;
	unsigned passed;
};

static void *judge_main(void *argument)
{
	struct judge *judge = argument;

	for (uint32_t i = 0; i < BURST; i++) {
		frame_set_sequence(&judge->frame, judge->sequence + i);
		judge->passed += lab_send(judge->lab, &judge->frame) == LAB_PASS;
	}
	return NULL;
}

static unsigned judges_run(const struct lab *lab, struct judge *judges, unsigned count)
{
	const struct packet_spec spec = { SYN_IPV4, .source = "10.9.9.9" };
	unsigned passed = 0;

	for (unsigned i = 0; i < count; i++) {
		judges[i] = (struct judge){ .lab = lab, .sequence = i << 26 };
		frame_build(&spec, &judges[i].frame);
		assert_int_equal(pthread_create(&judges[i].thread, NULL, judge_main, &judges[i]),
				 0);
	}
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(pthread_join(judges[i].thread, NULL), 0);
		passed += judges[i].passed;
	}
	return passed;
}

static void test_exact_verdicts(void **state)
{
	enum { JUDGES = 4 };
	_cleanup_free_ struct judge *judges = calloc(JUDGES, sizeof(*judges));
	struct lab *lab = *state;

	assert_non_null(judges);
	set_limit(lab, LIMIT);
	for (unsigned round = 0; round < 10; round++) {
		assert_int_equal(judges_run(lab, judges, JUDGES), LIMIT);
		lab_forget(lab);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_exact),
		LAB_TEST(test_exact_count),
		LAB_TEST(test_exact_at_turn),
		LAB_TEST(test_exact_verdicts),
	};

	return LAB_RUN("several CPUs", tests);
}
