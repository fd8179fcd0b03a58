/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the flood's two halves agree on: frame layout and the sums that do not vary.
 */
#ifndef BENCH_PATH_FLOOD_H
#define BENCH_PATH_FLOOD_H

#include <linux/types.h>

#define FLOOD_FRAME_SIZE 54 /* Ethernet, IPv4 without options, TCP without options */

struct flood_plan {
	__u16 ethernet[7]; /* destination, source and type, as on the wire */
	__u16 reserved;
	__u32 target_be; /* destination address */
	__u32 ip_sum;  /* of the header without the source; 16-bit words as on the wire, unfolded */
	__u32 tcp_sum; /* of pseudo header and header without source, port and sequence number */
};

#endif
