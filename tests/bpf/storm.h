/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the storm program is to make of the frame that it is given. Shared with its driver, through
 * memory that both have mapped, while the program runs.
 */
#ifndef TESTS_BPF_STORM_H
#define TESTS_BPF_STORM_H

#include <linux/types.h>

/* Where the fields are in an untagged IPv4 SYN without options. */
#define STORM_SOURCE_AT   26
#define STORM_SEQUENCE_AT 38
#define STORM_FRAME_SIZE  54

/*
 * Packet n of a plan comes from address source + (n / in_a_row) % sources in turn, or scattered,
 * which visits the same addresses in another order; sources is then a power of two. No packet of a
 * storm is another one's repeat.
 */
struct storm_plan {
	__u32 source; /* host order */
	__u32 sources;
	__u32 in_a_row;
	__u32 scattered; /* 0 or 1 */
};

struct storm_work {
	/* Written by the driver, in this order, the number last. */
	struct storm_plan plan;
	__u32 sequence; /* of this storm; its packets differ in the bits below 2^26 */
	__u32 base;     /* what made was when the plan began */
	__u64 start_ns; /* no packet before */
	__u32 target;   /* packets are made while made is below this */
	__u32 number;   /* of the plan */
	/* Written by the program. */
	__u32 made;     /* packets since the storm was born */
	__u32 finished; /* the plan whose target is reached, no packet of it being under way */
};

#endif
