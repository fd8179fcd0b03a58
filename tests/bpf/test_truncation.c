/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every truncation of every header, and every place where a frame's linear part can end. The source
 * is over its limit and blocked besides, so that whatever is taken for an attempt is dropped.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"
#include "oracle.h"

#define SMALLEST_FRAME 14 /* BPF_PROG_TEST_RUN takes nothing shorter */

#define EIGHT_EXTENSIONS                                                                   \
	.chain_length = 8,                                                                 \
	.chain = { { NEXT_HOP_BY_HOP, 0 }, { NEXT_DESTINATION, 16 }, { NEXT_ROUTING, 24 }, \
		   { NEXT_FRAGMENT, 0 },   { NEXT_AH, 24 },          { NEXT_MOBILITY, 0 }, \
		   { NEXT_HIP, 40 },       { NEXT_SHIM6, 8 } }
#define TWO_TAGS .tags = { TAG_8021AD, TAG_8021Q }

static const struct packet_spec whole[] = {
	{ SYN_IPV4 },
	{ SYN_IPV4, .tcp_option_words = 10 },
	{ SYN_IPV4, .ip_option_words = 10, .tcp_option_words = 10 },
	{ SYN_IPV4, .tags = { TAG_8021Q } },
	{ SYN_IPV4, TWO_TAGS, .ip_option_words = 3, .tcp_option_words = 5 },
	{ SYN_IPV4, .more_fragments = true },
	{ SYN_IPV4, .payload = 40 },
	{ SYN_IPV6 },
	{ SYN_IPV6, .tcp_option_words = 10 },
	{ SYN_IPV6, TWO_TAGS, .tcp_option_words = 5 },
	{ SYN_IPV6, EIGHT_EXTENSIONS, .tcp_option_words = 5 },
	{ SYN_IPV6, TWO_TAGS, EIGHT_EXTENSIONS, .payload = 9 },
};

#define WHOLE_COUNT (sizeof(whole) / sizeof(whole[0]))

static void block_everything(struct lab *lab)
{
	const struct block_entry blocks[] = {
		{ .prefix = { .length = 0 }, .expires_ms = ~0ULL },
		{ .prefix = { .address = { [10] = 0xff, [11] = 0xff }, .length = 96 },
		  .expires_ms = ~0ULL },
	};

	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, blocks, 2), 0);
}

/* A cut inside a header is unparsed; a cut behind it leaves the attempt what it is. */
static void test_syn_cut(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct lab *lab = *state;

	assert_non_null(frame);
	block_everything(lab);
	for (size_t i = 0; i < WHOLE_COUNT; i++) {
		frame_build(&whole[i], frame);
		for (size_t full = frame->size, size = SMALLEST_FRAME; size <= full; size++) {
			struct judgement found;

			frame->size = size;
			found = lab_judge(lab, frame);
			if (size < frame->headers)
				lab_assert_judgement("cut", found, LAB_PASS, LAB_UNPARSED);
			else
				lab_assert_judgement("whole", found, LAB_DROP, SA_REASON_BLOCKED);
		}
	}
}

/* Packets that are no attempt never become one by being cut, whatever they are counted as. */
static void test_others_cut(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct lab *lab = *state;

	assert_non_null(frame);
	block_everything(lab);
	for (size_t i = 0; i < WHOLE_COUNT * 3; i++) {
		struct packet_spec spec = whole[i / 3];

		if (i % 3 == 0)
			spec.flags = FLAG_SYN | FLAG_ACK;
		if (i % 3 == 1)
			spec.protocol = NEXT_UDP;
		if (i % 3 == 2)
			spec.destination_port = 26;
		frame_build(&spec, frame);
		for (size_t full = frame->size, size = SMALLEST_FRAME; size <= full; size++) {
			struct judgement found;

			frame->size = size;
			found = lab_judge(lab, frame);
			assert_int_equal(found.verdict, LAB_PASS);
			assert_true(found.outcome == LAB_UNPARSED || found.outcome == LAB_NOT_OURS);
			if (size == full)
				assert_int_equal(found.outcome, LAB_NOT_OURS);
		}
	}
}

static int judge_split(struct lab *lab, const struct frame *frame, size_t linear,
		       uint32_t *ret_verdict)
{
	struct xdp_md context = { .data_end = (uint32_t)linear };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	int error = bpf_prog_test_run_opts(lab->program, &options);

	*ret_verdict = options.retval;
	return error;
}

/* Wherever the linear part of a frame ends, the frame is judged as if it were in one piece. */
static void test_linear_part(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct lab *lab = *state;
	uint32_t verdict;

	assert_non_null(frame);
	block_everything(lab);
	frame_build(&whole[0], frame);
	if (judge_split(lab, frame, SMALLEST_FRAME, &verdict) == -EINVAL) {
		print_message("this kernel's BPF_PROG_TEST_RUN cannot split small frames\n");
		skip();
	}
	for (size_t i = 0; i < WHOLE_COUNT; i++) {
		frame_build(&whole[i], frame);
		for (size_t linear = SMALLEST_FRAME; linear < frame->size; linear++) {
			assert_int_equal(judge_split(lab, frame, linear, &verdict), 0);
			assert_int_equal(verdict, LAB_DROP);
		}
		frame->size = frame->headers - 1;
		for (size_t linear = SMALLEST_FRAME; linear < frame->size; linear++) {
			assert_int_equal(judge_split(lab, frame, linear, &verdict), 0);
			assert_int_equal(verdict, LAB_PASS);
		}
	}
}

/* The oracle of the random frames, held against the table above. */
static void test_oracle(void **state)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct oracle_view view;

	(void)state;
	assert_non_null(frame);
	for (size_t i = 0; i < WHOLE_COUNT; i++) {
		frame_build(&whole[i], frame);
		for (size_t size = 0; size <= frame->size; size++)
			assert_int_equal(oracle_judge(frame->bytes, size, &view),
					 size < frame->headers ? ORACLE_UNPARSED : ORACLE_ATTEMPT);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_oracle),
		LAB_TEST(test_syn_cut),
		LAB_TEST(test_others_cut),
		LAB_TEST(test_linear_part),
	};

	return LAB_RUN("truncation", tests);
}
