/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the flood's two halves agree on: written by syn-flood.c before the program is loaded, read
 * by syn-flood.bpf.c.
 */
#ifndef E2E_SYN_FLOOD_H
#define E2E_SYN_FLOOD_H

#define FLOOD_FRAME_IPV4 54
#define FLOOD_FRAME_IPV6 74

struct flood_plan {
	unsigned char frame[80]; /* Ethernet, IP and TCP header with zeros for all that varies */
	unsigned int ipv6;       /* 0 or 1 */
	unsigned int source;  /* host order: the IPv4 source, or bytes 4 to 7 of the IPv6 one; the
				 first of many */
	unsigned int sources; /* how many; never 0 */
	unsigned int sequential; /* take them in turn instead of at random */
	unsigned int ip_sum; /* ones' complement sums of what does not vary, unfolded, as network
				words */
	unsigned int tcp_sum;
};

#endif
