/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time and the block trie of the kernel: made to hold what a rule set says, by writing what
 * differs from what they hold. Owns the knowledge of what that is.
 */
#ifndef AGENT_RULE_TRIES_H
#define AGENT_RULE_TRIES_H

#include "mono.h"
#include "rule_set.h"

enum rule_list { RULE_EXCEPTIONS, RULE_BLOCKS, RULE_LISTS };

/* What a trie holds, as far as known. */
struct rule_trie {
	void *entries; /* struct exception_entry or struct block_entry */
	size_t count;
	bool unknown; /* to be read before the next write */
};

struct rule_tries {
	const struct tables *tables;
	struct rule_trie tries[RULE_LISTS];
	bool failed[RULE_LISTS]; /* the last write did not succeed */
	int64_t offset_ms; /* wall clock minus monotonic clock, that the kernel's ends were computed
			      with */
};

/* Reads nothing yet: the first write does. */
void rule_tries_init(struct rule_tries *tries, const struct tables *tables);
void rule_tries_done(struct rule_tries *tries);

/* 0 or -errno; then the trie may hold something between the old and the new. */
int rule_tries_apply(struct rule_tries *tries, enum rule_list list, const struct rule_set *set,
		     struct wall_ms wall, struct mono_ms mono);

/* Whether a trie must be written again though its set is what it was: a write failed, or the wall
 * clock was set. */
bool rule_tries_stale(const struct rule_tries *tries, enum rule_list list, struct wall_ms wall,
		      struct mono_ms mono);

#endif
