/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitor mode drops nothing and counts what enforcement would have dropped of the same packets:
 * two packet paths, one in each mode, get the same random traffic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"

#define PACKETS 60000U
#define CHUNK   200U
#define CLIENTS 12U
#define HOUR_MS 3600000U
#define SEED    0x1234567890abcdefULL

static uint64_t random_next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

static unsigned below(uint64_t *random, unsigned bound)
{
	return (unsigned)(random_next(random) >> 33) % bound;
}

/* Half of the clients IPv4, half IPv6 of which some share a source; two are blocked, two exempt. */
static void client_address(unsigned client, char text[static 64])
{
	if (client % 2)
		(void)snprintf(text, 64, "2001:db8:0:%u::%u", client / 4, client);
	else
		(void)snprintf(text, 64, "192.0.2.%u", client);
}

static struct prefix client_prefix(unsigned client)
{
	struct sa_address address;
	struct prefix prefix;
	char text[64];

	client_address(client, text);
	address = address_of(text);
	prefix_of(&address, 128, &prefix);
	return prefix;
}

static void settings_and_lists(struct lab *lab, uint32_t enforcement)
{
	const struct block_entry blocks[] = {
		{ .prefix = client_prefix(0), .expires_ms = ~0ULL },
		{ .prefix = client_prefix(1), .expires_ms = ~0ULL },
	};
	const struct exception_entry exceptions[] = {
		{ .prefix = client_prefix(2), .value = SA_EXCEPTION_EXEMPT },
		{ .prefix = client_prefix(3), .value = SA_EXCEPTION_EXEMPT },
	};

	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, blocks, 2), 0);
	assert_int_equal(tables_runtime_replace(&lab->tables, NULL, 0, exceptions, 2), 0);
	lab->settings.enforcement = enforcement;
	lab->settings.rate_unit_ms = HOUR_MS;
	(void)lab_service(lab, NULL, 587, 10);
	(void)lab_service(lab, NULL, 465, 0);
	lab_apply(lab);
}

/* Few ports and sequence numbers: many repeats. */
static struct packet_spec random_packet(uint64_t *random, char address[static 64])
{
	static const uint16_t ports[] = { 25, 587, 465, 80 };
	unsigned client = below(random, CLIENTS);
	struct packet_spec spec = { SYN_IPV4 };

	if (client % 2)
		spec = (struct packet_spec){ SYN_IPV6 };
	client_address(client, address);
	spec.source = address;
	spec.destination_port = ports[below(random, 4)];
	spec.sequence = 0x5000 + below(random, 6);
	if (below(random, 20) == 0)
		spec.flags = FLAG_ACK;
	return spec;
}

/* Ends the window of some source in both. */
static void end_window(uint64_t *random, struct lab *const labs[static 2])
{
	const struct sa_service *service = &labs[0]->settings.services[below(random, 3)];
	uint64_t start = lab_now_ms() - HOUR_MS;
	struct sa_source source;
	char address[64];

	client_address(below(random, CLIENTS), address);
	if (!lab_source(labs[0], address, service, &source))
		return;
	for (unsigned i = 0; i < 2; i++)
		lab_set_window(labs[i], address, service, start,
			       lab_count(labs[i], address, service));
	while (lab_now_ms() == start + HOUR_MS)
		continue;
}

struct difference {
	struct lab_totals before[2];
	uint64_t dropped; /* by verdict, in the enforcing one */
};

static void check_chunk(struct lab *const labs[static 2], const struct difference *difference)
{
	struct lab_totals after[2];
	uint64_t count[2][SA_OUTCOMES];
	uint64_t dropped = 0;

	for (unsigned i = 0; i < 2; i++) {
		lab_totals(labs[i], &after[i]);
		for (unsigned j = 0; j < SA_OUTCOMES; j++)
			count[i][j] = after[i].outcomes[j] - difference->before[i].outcomes[j];
	}
	for (unsigned reason = 0; reason < SA_REASONS; reason++) {
		bool drops = reason == SA_REASON_RATE || reason == SA_REASON_BLOCKED;

		assert_int_equal(count[1][drops ? SA_OUTCOME_WOULD(reason) : reason],
				 count[0][reason]);
		assert_int_equal(count[1][drops ? reason : SA_OUTCOME_WOULD(reason)], 0);
		assert_int_equal(count[0][SA_OUTCOME_WOULD(reason)], 0);
		dropped += drops ? count[0][reason] : 0;
	}
	assert_int_equal(dropped, difference->dropped);
}

static void run_chunk(uint64_t *random, struct lab *const labs[static 2], struct frame *frame)
{
	struct difference difference = { 0 };
	char address[64];

	for (unsigned i = 0; i < 2; i++)
		lab_totals(labs[i], &difference.before[i]);
	for (unsigned i = 0; i < CHUNK; i++) {
		struct packet_spec spec = random_packet(random, address);

		frame_build(&spec, frame);
		difference.dropped += lab_send(labs[0], frame) == LAB_DROP;
		assert_int_equal(lab_send(labs[1], frame), LAB_PASS);
	}
	check_chunk(labs, &difference);
}

static void test_same_judgement(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct lab *labs[2] = { *state, lab_new(LAB_TABLE_SIZE) };
	struct lab_totals totals;
	uint64_t random = SEED;

	assert_non_null(frame);
	assert_non_null(labs[1]);
	settings_and_lists(labs[0], SA_ENFORCE);
	settings_and_lists(labs[1], SA_MONITOR);
	for (unsigned i = 0; i < PACKETS / CHUNK; i++) {
		run_chunk(&random, labs, frame);
		end_window(&random, labs);
	}
	lab_totals(labs[0], &totals);
	assert_in_range(totals.outcomes[SA_REASON_RATE], PACKETS / 10, PACKETS);
	assert_in_range(totals.outcomes[SA_REASON_WITHIN_LIMIT], PACKETS / 100, PACKETS);
	lab_free(labs[1]);
}

/* Counting goes on past the limit, drops are noted as they would have been. */
static void test_counts_on(void **state)
{
	struct lab *lab = *state;
	struct sa_source source;

	lab->settings.enforcement = SA_MONITOR;
	lab_apply(lab);
	for (unsigned i = 1; i <= 50; i++)
		lab_assert_judgement("monitored", lab_attempt(lab, CLIENT_IPV4, 25), LAB_PASS,
				     i <= LAB_LIMIT ? SA_REASON_WITHIN_LIMIT
						    : SA_OUTCOME_WOULD(SA_REASON_RATE));
	assert_true(lab_source(lab, CLIENT_IPV4, &lab->settings.services[0], &source));
	assert_int_equal(source.window & SA_COUNT_MAX, 50);
	assert_int_equal(source.dropped, 50 - LAB_LIMIT);
}

/* From monitor to enforcement and back: the count stays what it is. */
static void test_switch_over(void **state)
{
	struct lab *lab = *state;

	lab->settings.enforcement = SA_MONITOR;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
	lab->settings.enforcement = SA_ENFORCE;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 0);
	assert_int_equal(lab_count(lab, CLIENT_IPV4, &lab->settings.services[0]), 10);
	lab->settings.enforcement = SA_MONITOR;
	lab_apply(lab);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), 10);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_counts_on),
		LAB_TEST(test_switch_over),
		LAB_TEST(test_same_judgement),
	};

	return LAB_RUN("monitor mode", tests);
}
