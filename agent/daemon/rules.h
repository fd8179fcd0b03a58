/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From ordered lists to longest-prefix tries: pure functions of their arguments.
 *
 * First match in an ordered list equals longest match in a trie once every entry is dropped that an
 * earlier equal or shorter one covers.
 */
#ifndef AGENT_RULES_H
#define AGENT_RULES_H

#include "config.h"
#include "tables.h"

/* A block as a person or the policy gave it. */
struct block_rule {
	struct prefix prefix;
	int64_t ends_ms; /* wall clock; INT64_MAX: until deleted */
	bool by_policy;  /* origin "policy"; otherwise "runtime" */
};

/*
 * Compiles the configured list. Host patterns are passed over. Adds the none node that keeps IPv6
 * prefixes from covering IPv4. *ret_entries is sorted by prefix_compare and the caller's to free. 0
 * or -ENOMEM.
 */
int rules_compile_configured(const struct config_patterns *patterns,
			     struct exception_entry **ret_entries, size_t *ret_count);

/* The same for run-time exceptions, which are an unordered set of exempt prefixes. */
int rules_compile_runtime(const struct prefix *prefixes, size_t count,
			  struct exception_entry **ret_entries, size_t *ret_count);

/* The same for blocks: each node carries the latest end among itself and those that cover it; ended
 * ones are left out. */
int rules_compile_blocks(const struct block_rule *rules, size_t count, int64_t wall_now_ms,
			 uint64_t mono_now_ms, struct block_entry **ret_entries, size_t *ret_count);

/* What a compiled list says of all of prefix: the value of the longest entry that covers it. */
enum sa_exception rules_match(const struct exception_entry *entries, size_t count,
			      const struct prefix *prefix);

#endif
