/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a frame is, told by a parser that was written from the standards and the promises alone, for
 * whole frames in flat memory. Shares no code with the packet path.
 */
#ifndef TESTS_BPF_ORACLE_H
#define TESTS_BPF_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oracle_kind {
	ORACLE_ATTEMPT,  /* SYN without ACK, RST, FIN; its port may be anything */
	ORACLE_OTHER,    /* intact and something else */
	ORACLE_UNPARSED, /* cannot be followed to the TCP flags */
	ORACLE_DAMAGED,  /* certainly no attempt, and damaged: counted as unparsed, or not at all */
};

struct oracle_view {
	bool ipv6;
	uint8_t source[16]; /* IPv4 mapped */
	uint8_t destination[16];
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t sequence;
};

/* *ret_view is written for an attempt only. */
enum oracle_kind oracle_judge(const uint8_t *frame, size_t size, struct oracle_view *ret_view);

#endif
