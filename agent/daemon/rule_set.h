/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exceptions, or the blocks, that were added at run time: a set of prefixes, each with an end
 * and an origin. A change makes a new set and leaves the old one as it is, so that a failure later
 * on has something to return to. Pure: no clock, no descriptor.
 */
#ifndef AGENT_RULE_SET_H
#define AGENT_RULE_SET_H

#include "rules.h"

/* Exceptions have no end: theirs is INT64_MAX. */
struct rule_set {
	struct block_rule *items; /* sorted by prefix_compare, no prefix twice */
	size_t count;
};

void rule_set_done(struct rule_set *set);

/* old with additions; what is there already gets the new end and origin. The last of equal
 * additions holds. */
int rule_set_add(const struct rule_set *old, const struct block_rule *additions, size_t count,
		 struct rule_set *ret_set);

/* old without prefixes. -ENOENT if one is not there; then *ret_missing is its index. */
int rule_set_delete(const struct rule_set *old, const struct prefix *prefixes, size_t count,
		    struct rule_set *ret_set, size_t *ret_missing);

/* old without what ended at or before wall_ms. */
int rule_set_prune(const struct rule_set *old, int64_t wall_ms, struct rule_set *ret_set);

/* How many ended at or before wall_ms. */
size_t rule_set_ended(const struct rule_set *set, int64_t wall_ms);

/* The index of the first rule whose prefix comes after this one; count if none does. */
size_t rule_set_beyond(const struct rule_set *set, const struct prefix *prefix);

/* NULL if prefix is not in the set as it stands. */
const struct block_rule *rule_set_find(const struct rule_set *set, const struct prefix *prefix);

/* Of the rules that cover all of prefix and have not ended at wall_ms, the one that ends last; NULL
 * if none does. */
const struct block_rule *rule_set_cover(const struct rule_set *set, const struct prefix *prefix,
					int64_t wall_ms);

#endif
