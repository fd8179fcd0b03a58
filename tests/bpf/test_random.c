/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A million random and mutated frames, the same ones in each run: nothing but an attempt is ever
 * dropped, every attempt is (all sources are blocked), and the counters say just that. What is what
 * comes from a parser of the test's own.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"
#include "oracle.h"

#define FRAMES         1000000U
#define SEED           0x5eed5eed1234abcdULL
#define SMALLEST_FRAME 14

struct tally {
	uint64_t attempts;
	uint64_t unparsed;          /* these at least */
	uint64_t possibly_unparsed; /* and these at most besides */
};

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

static bool one_in(uint64_t *random, unsigned n)
{
	return below(random, n) == 0;
}

static void random_chain(uint64_t *random, struct packet_spec *spec)
{
	static const uint8_t kinds[] = {
		NEXT_HOP_BY_HOP,  NEXT_ROUTING,  NEXT_FRAGMENT, NEXT_AH,
		NEXT_DESTINATION, NEXT_MOBILITY, NEXT_HIP,      NEXT_SHIM6
	};

	spec->chain_length = (uint8_t)below(random, FRAME_CHAIN_MAX - 2);
	for (size_t i = 0; i < spec->chain_length; i++) {
		spec->chain[i].kind = kinds[below(random, sizeof(kinds))];
		spec->chain[i].bytes = (uint16_t)(8 * (1 + below(random, 5)));
	}
}

static struct packet_spec random_spec(uint64_t *random)
{
	static const uint16_t tags[] = { TAG_8021Q, TAG_8021AD };
	struct packet_spec spec = { SYN_IPV4 };

	if (one_in(random, 2))
		spec = (struct packet_spec){ SYN_IPV6 };
	if (spec.family == 6 && one_in(random, 2))
		random_chain(random, &spec);
	if (spec.family == 4 && one_in(random, 4))
		spec.ip_option_words = (uint8_t)below(random, 11);
	for (size_t i = 0; i < FRAME_TAGS_MAX - 1 && one_in(random, 3); i++)
		spec.tags[i] = tags[below(random, 2)];
	if (one_in(random, 8))
		spec.flags = (uint8_t)random_next(random);
	if (one_in(random, 8))
		spec.destination_port = (uint16_t)(20 + below(random, 10));
	if (one_in(random, 8))
		spec.fragment_offset = (uint16_t)below(random, 3);
	if (one_in(random, 16))
		spec.protocol = (uint8_t)below(random, 256);
	spec.tcp_option_words = (uint8_t)(one_in(random, 4) ? below(random, 11) : 0);
	spec.payload = (uint16_t)(one_in(random, 4) ? below(random, 200) : 0);
	return spec;
}

/* Up to three bytes changed, half of the time in the headers' first bytes, and perhaps a cut. */
static void mutate(uint64_t *random, struct frame *frame)
{
	for (unsigned changes = below(random, 4); changes; changes--) {
		unsigned start = one_in(random, 2) ? 12 : (unsigned)frame->network;
		unsigned at = start + below(random, (unsigned)frame->size - start);

		frame->bytes[at] =
			(uint8_t)(one_in(random, 2) ? random_next(random)
						    : frame->bytes[at] ^ 1U << below(random, 8));
	}
	if (one_in(random, 8))
		frame->size =
			SMALLEST_FRAME + below(random, (unsigned)frame->size - SMALLEST_FRAME + 1);
}

static void random_bytes(uint64_t *random, struct frame *frame)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8 };
	uint16_t type = types[below(random, 4)];

	frame->size = SMALLEST_FRAME + below(random, 150);
	for (size_t i = 0; i < frame->size; i++)
		frame->bytes[i] = (uint8_t)random_next(random);
	frame->bytes[12] = (uint8_t)(type >> 8);
	frame->bytes[13] = (uint8_t)type;
}

static void check(const struct lab *lab, const struct frame *frame, unsigned number,
		  struct tally *tally)
{
	struct oracle_view view;
	enum oracle_kind kind = oracle_judge(frame->bytes, frame->size, &view);
	bool attempt = kind == ORACLE_ATTEMPT && view.destination_port == 25;
	uint32_t verdict = lab_send(lab, frame);

	if (verdict != (attempt ? LAB_DROP : LAB_PASS)) {
		for (size_t i = 0; i < frame->size; i++)
			(void)fprintf(stderr, "%02x", frame->bytes[i]);
		fail_msg(": frame %u: verdict %u, kind %d", number, verdict, (int)kind);
	}
	tally->attempts += attempt;
	tally->unparsed += kind == ORACLE_UNPARSED;
	tally->possibly_unparsed += kind == ORACLE_DAMAGED;
}

static void block_everything(struct lab *lab)
{
	const struct block_entry blocks[] = {
		{ .prefix = { .length = 0 }, .expires_ms = ~0ULL },
		{ .prefix = { .address = { [10] = 0xff, [11] = 0xff }, .length = 96 },
		  .expires_ms = ~0ULL },
	};

	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, blocks, 2), 0);
}

static void check_totals(const struct lab_totals *before, const struct lab_totals *after,
			 const struct tally *tally)
{
	uint64_t unparsed = after->unparsed - before->unparsed;

	assert_int_equal(after->packets - before->packets, tally->attempts);
	assert_int_equal(after->outcomes[SA_REASON_BLOCKED] - before->outcomes[SA_REASON_BLOCKED],
			 tally->attempts);
	assert_in_range(unparsed, tally->unparsed, tally->unparsed + tally->possibly_unparsed);
}

static void test_random_frames(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct lab *lab = *state;
	struct lab_totals before, after;
	struct tally tally = { 0 };
	uint64_t random = SEED;

	assert_non_null(frame);
	block_everything(lab);
	lab_totals(lab, &before);
	for (unsigned i = 0; i < FRAMES; i++) {
		if (i % 4 == 3) {
			random_bytes(&random, frame);
		} else {
			struct packet_spec spec = random_spec(&random);

			frame_build(&spec, frame);
			mutate(&random, frame);
		}
		check(lab, frame, i, &tally);
	}
	lab_totals(lab, &after);
	check_totals(&before, &after, &tally);
	print_message("%u frames: %lu attempts, %lu unparsed\n", FRAMES,
		      (unsigned long)tally.attempts, (unsigned long)tally.unparsed);
	/* A generator that makes only one kind would show nothing. */
	assert_in_range(tally.attempts, FRAMES / 8, FRAMES / 2);
	assert_in_range(tally.unparsed, FRAMES / 8, FRAMES / 2);
}

int main(void)
{
	struct CMUnitTest tests[] = { LAB_TEST(test_random_frames) };

	return LAB_RUN("random frames", tests);
}
