/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded table of sources, or of networks of them, each with the most attempts that it made in
 * one window. It forgets by itself: what is older than a day, and what its rule gives up first when
 * a place is wanted. Pure: the time is an argument.
 */
#ifndef AGENT_PEAKS_H
#define AGENT_PEAKS_H

#include <stdbool.h>
#include <stdint.h>

#include "synanvil/abi.h"

/* How long anything is remembered: a day. */
#define PEAKS_PERIOD_MS 86400000U

/* Who goes when a place is wanted. */
enum peaks_rule {
	PEAKS_KEEP_GREATEST, /* who made the fewest attempts; a new one with fewer is not taken */
	PEAKS_KEEP_RECENT,   /* who was confirmed longest ago */
};

struct peak {
	struct sa_source_key key;
	uint32_t attempts;     /* the most in one window; 0: none seen yet */
	uint64_t began_ms;     /* of that window */
	uint64_t confirmed_ms; /* last time that the owner of the table took it; 0: a free place */
	uint32_t mark;         /* the owner's */
	uint32_t sum;          /* the owner's */
	bool delivering;       /* the owner's */
};

struct peaks {
	struct peak *items;
	uint32_t capacity; /* a power of two */
	enum peaks_rule rule;
};

/* capacity is a power of two, at least 8. 0 or -ENOMEM. */
int peaks_init(struct peaks *peaks, uint32_t capacity, enum peaks_rule rule);
void peaks_done(struct peaks *peaks);

/* The entry of key, or NULL if there is none that is not too old. Borrowed until the next call. */
struct peak *peaks_find(struct peaks *peaks, const struct sa_source_key *key, uint64_t now_ms);

/* The same, but makes one, without attempts, for a source with so many; NULL where the rule
 * prefers others. */
struct peak *peaks_take(struct peaks *peaks, const struct sa_source_key *key, uint32_t attempts,
			uint64_t now_ms);

/* Notes a window of so many attempts, which began then: what is more, or newer than a day where the
 * old is not, is kept. */
void peak_raise(struct peak *peak, uint32_t attempts, uint64_t began_ms, uint64_t now_ms);

/* Whether anything of the place is still to be counted. */
bool peak_counts(const struct peak *peak, uint64_t now_ms);

#endif
