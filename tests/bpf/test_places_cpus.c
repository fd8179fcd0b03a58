/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sources may hold while their first attempts arrive on all CPUs at once: exactly what there
 * is room for, and no place stays for what was refused.
 */
#include <stdio.h>

#include "lab_live.h"
#include "storms.h"

#define HOLD   5U
#define BURST  100U
#define ROUNDS 200U

static struct sa_service *only_service(struct lab *lab)
{
	return &lab->settings.services[0];
}

static void set_limits(struct lab *lab, uint32_t connections, uint32_t processes)
{
	only_service(lab)->rate_limit = 0;
	only_service(lab)->connection_limit = connections;
	only_service(lab)->process_limit = processes;
	lab_apply(lab);
}

static uint64_t more(const struct lab_totals *after, const struct lab_totals *before, int outcome)
{
	return after->outcomes[outcome] - before->outcomes[outcome];
}

static bool is_in_slot(uint64_t now_ms, uint32_t slot)
{
	return SA_PENDING_SLOT(now_ms) == slot;
}

/*
 * A new source that has so many connections. False where a busy machine let places lapse, or kept
 * an attempt from the table for so long that it passed undecided.
 */
static bool burst_is_held(struct lab *lab, struct storms *storms, unsigned source, uint32_t live)
{
	const struct storm_plan plan = { .source = STORM_ADDRESS(10, 8, 0, 0) + source,
					 .sources = 1,
					 .in_a_row = 1 };
	struct lab_totals before, after;
	char address[32];
	uint32_t slot;

	(void)snprintf(address, sizeof(address), "10.8.%u.%u", source >> 8, source & 255);
	lab_set_live(lab, address, only_service(lab), live);
	do
		slot = SA_PENDING_SLOT(lab_now_ms());
	while (!is_in_slot(lab_now_ms() + 500, slot));
	lab_totals(lab, &before);
	storms_burst(storms, &plan, BURST);
	lab_totals(lab, &after);
	if (!is_in_slot(lab_now_ms(), slot) || more(&after, &before, SA_REASON_UNDECIDED))
		return false;
	assert_int_equal(more(&after, &before, SA_REASON_UNLIMITED), HOLD - live);
	assert_int_equal(more(&after, &before, SA_REASON_CONCURRENCY),
			 storms_count(storms) * BURST - (HOLD - live));
	assert_int_equal(lab_places(lab, address, only_service(lab)), HOLD - live);
	lab_set_live(lab, address, only_service(lab), 0);
	return true;
}

static void bursts(struct lab *lab, uint32_t live)
{
	struct storms *storms = storms_new(lab);
	unsigned round = 0;

	set_limits(lab, HOLD, 0);
	for (unsigned source = 0; round < ROUNDS && source < 10 * ROUNDS; source++)
		round += burst_is_held(lab, storms, source, live);
	assert_int_equal(round, ROUNDS);
	storms_free(storms);
}

static void test_room_for_all(void **state)
{
	bursts(*state, 0);
}

static void test_room_for_one(void **state)
{
	bursts(*state, HOLD - 1);
}

/* Each entry is made with a place, by whichever attempt comes first. */
static void test_room_for_none(void **state)
{
	bursts(*state, HOLD);
}

/* None of them holds anything: it is the service that refuses. */
static void test_full_service(void **state)
{
	const struct storm_plan plan = { .source = STORM_ADDRESS(10, 9, 0, 0),
					 .sources = 3000,
					 .in_a_row = 2 };
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	const uint32_t packets = plan.sources * plan.in_a_row;
	struct lab_totals before, after;

	set_limits(lab, 0, 20);
	lab_set_service_live(lab, only_service(lab), 20);
	lab_totals(lab, &before);
	storms_burst(storms, &plan, packets);
	lab_totals(lab, &after);
	assert_int_equal(more(&after, &before, SA_REASON_PROCESS_LIMIT),
			 storms_count(storms) * packets);
	storms_free(storms);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_LIVE_TEST(test_room_for_all),
		LAB_LIVE_TEST(test_room_for_one),
		LAB_LIVE_TEST(test_room_for_none),
		LAB_LIVE_TEST(test_full_service),
	};

	return LAB_RUN("places on all CPUs", tests);
}
