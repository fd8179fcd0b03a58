/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topmost of many sources, in bounded memory and O(n log k). Pure.
 */
#ifndef AGENT_TOP_H
#define AGENT_TOP_H

#include <stddef.h>
#include <stdint.h>

#include "synanvil/abi.h"

enum top_order { TOP_ATTEMPTS, TOP_DROPPED, TOP_CONNECTIONS, TOP_ORDERS };

/* How many are kept of each order; what `top -n` can ask for. */
#define TOP_CAPACITY 1000

struct top_source {
	struct sa_source_key key;
	uint32_t attempts; /* 0 if the window has lapsed */
	uint32_t dropped;
	uint32_t connections;
};

struct top {
	struct top_source *items; /* a heap with the least on top until top_finish, then sorted,
				     greatest first */
	size_t count;
	enum top_order order;
};

/* 0 or -ENOMEM. */
int top_init(struct top *top, enum top_order order);
void top_done(struct top *top);

/* Sources of which nothing was seen in this window, nothing was dropped and nothing lives are
 * passed over. */
void top_offer(struct top *top, const struct top_source *source);

/* Sorts, and drops what was offered twice. */
void top_finish(struct top *top);

/* Attempts of the window at now, and what remains of it (0 once it has lapsed). */
uint32_t window_attempts(uint64_t window, uint64_t now_ms, uint32_t unit_ms,
			 uint32_t *ret_remaining_ms);

#endif
