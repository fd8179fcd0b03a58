/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each source was seen: a hash table that grows, for counting the connections of each
 * source from a list of connections. Pure.
 */
#ifndef AGENT_SOURCE_COUNTS_H
#define AGENT_SOURCE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "synanvil/abi.h"

struct source_count {
	struct sa_source_key key;
	uint32_t count; /* 0: a free cell */
};

/* Zero-initialise. */
struct source_counts {
	struct source_count *cells;
	size_t size; /* cells: 0 or a power of two */
	size_t used;
};

/* Counts one more of the source. -ENOMEM leaves everything as it was. */
int source_counts_add(struct source_counts *counts, const struct sa_source_key *key);

/* 0 where it was never seen. */
uint32_t source_counts_get(const struct source_counts *counts, const struct sa_source_key *key);

/* Forgets all; keeps the memory. */
void source_counts_clear(struct source_counts *counts);

void source_counts_done(struct source_counts *counts);

#endif
