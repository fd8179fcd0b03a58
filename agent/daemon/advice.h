/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the busiest window of each source to what limits would have stopped, and to the limit that
 * this program would set. Pure, in constant memory: sources are counted between the limits of one
 * fixed series (and the limit in force), so that the figures for each of these are exact.
 *
 * The rule, as synanvil(1) has it. Where at least ADVICE_DELIVERING_MIN sources delivered mail:
 * twice the busiest window of any of them. Else, where at least ADVICE_SOURCES_MIN were seen: twice
 * the limit that one source in a thousand exceeded. Rounded up to the series, never below
 * ADVICE_LEAST. Else there is no advice.
 */
#ifndef AGENT_ADVICE_H
#define AGENT_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADVICE_DELIVERING_MIN 20
#define ADVICE_SOURCES_MIN    100
#define ADVICE_LEAST          10
#define ADVICE_FIRST          5 /* the smallest limit that is said anything about */
#define ADVICE_EDGES_MAX      40

struct advice_bin {
	uint64_t sources;
	uint64_t attempts;
	uint64_t delivering;
};

/* The busiest windows of many sources. */
struct advice {
	uint32_t edges[ADVICE_EDGES_MAX]; /* limits, ascending */
	size_t edge_count;
	struct advice_bin bins[ADVICE_EDGES_MAX + 1]; /* n: over edge n-1, but not over edge n */
	uint32_t busiest;
	uint32_t busiest_delivering;
};

/* What a limit would have stopped, had it held in these windows. */
struct advice_candidate {
	uint32_t limit;
	uint64_t sources_over;
	uint64_t attempts_over; /* those beyond the limit */
	uint64_t delivering_sources_over;
};

enum advice_basis {
	ADVICE_NONE, /* too little was seen */
	ADVICE_FROM_SOURCES,
	ADVICE_FROM_DELIVERING,
};

/* Begins anew; limit is the one in force, 0 for none. */
void advice_begin(struct advice *advice, uint32_t limit);

/* Counts one source by the attempts of its busiest window; none is nothing. */
void advice_count(struct advice *advice, uint32_t attempts, bool delivering);

/* Over limit 0: all of them. */
void advice_total(const struct advice *advice, struct advice_candidate *ret_all);

/* The limit of this index; below edge_count. */
void advice_candidate(const struct advice *advice, size_t index,
		      struct advice_candidate *ret_candidate);

/* 0 where there is no advice. */
uint32_t advice_recommend(const struct advice *advice, enum advice_basis *ret_basis);

#endif
