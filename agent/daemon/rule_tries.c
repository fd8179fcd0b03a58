/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing the run-time and the block trie.
 */
#include "rule_tries.h"

#include <errno.h>

#include "cleanup.h"

/* What the wall clock may move against the monotonic one before the kernel's ends are computed
 * anew. */
#define CLOCK_STEP_MS 1000

void rule_tries_init(struct rule_tries *tries, const struct tables *tables)
{
	*tries = (struct rule_tries){ .tables = tables };
	tries->tries[RULE_EXCEPTIONS].unknown = true;
	tries->tries[RULE_BLOCKS].unknown = true;
}

void rule_tries_done(struct rule_tries *tries)
{
	free(tries->tries[RULE_EXCEPTIONS].entries);
	free(tries->tries[RULE_BLOCKS].entries);
	*tries = (struct rule_tries){ 0 };
}

/* Takes entries. */
static void trie_set(struct rule_trie *trie, void *entries, size_t count)
{
	free(trie->entries);
	*trie = (struct rule_trie){ .entries = entries, .count = count };
}

static int trie_read(struct rule_tries *tries, enum rule_list list)
{
	struct exception_entry *exceptions = NULL;
	struct block_entry *blocks = NULL;
	size_t count = 0;
	int error;

	if (list == RULE_EXCEPTIONS)
		error = tables_runtime_read(tries->tables, &exceptions, &count);
	else
		error = tables_blocks_read(tries->tables, &blocks, &count);
	if (error)
		return error;
	trie_set(&tries->tries[list], list == RULE_EXCEPTIONS ? (void *)exceptions : (void *)blocks,
		 count);
	return 0;
}

static bool clock_stepped(const struct rule_tries *tries, struct wall_ms wall, struct mono_ms mono)
{
	const int64_t moved = wall.ms - (int64_t)mono.ms - tries->offset_ms;

	return moved >= CLOCK_STEP_MS || moved <= -CLOCK_STEP_MS;
}

static int exceptions_write(struct rule_tries *tries, const struct rule_set *set)
{
	_cleanup_free_ struct prefix *prefixes = calloc(set->count + 1, sizeof(*prefixes));
	_cleanup_free_ struct exception_entry *wanted = NULL;
	struct rule_trie *trie = &tries->tries[RULE_EXCEPTIONS];
	size_t count;
	int error;

	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		prefixes[i] = set->items[i].prefix;
	error = rules_compile_runtime(prefixes, set->count, &wanted, &count);
	if (!error)
		error = tables_runtime_replace(tries->tables, trie->entries, trie->count, wanted,
					       count);
	if (!error)
		trie_set(trie, TAKE_PTR(wanted), count);
	return error;
}

/* Small movements of the clock are let pass: else every change would rewrite the ends of all
 * blocks. */
static int blocks_write(struct rule_tries *tries, const struct rule_set *set, struct wall_ms wall,
			struct mono_ms mono)
{
	_cleanup_free_ struct block_entry *wanted = NULL;
	struct rule_trie *trie = &tries->tries[RULE_BLOCKS];
	size_t count;
	int error;

	if (clock_stepped(tries, wall, mono))
		tries->offset_ms = wall.ms - (int64_t)mono.ms;
	error = rules_compile_blocks(set->items, set->count, (int64_t)mono.ms + tries->offset_ms,
				     mono.ms, &wanted, &count);
	if (!error)
		error = tables_blocks_replace(tries->tables, trie->entries, trie->count, wanted,
					      count);
	if (!error)
		trie_set(trie, TAKE_PTR(wanted), count);
	return error;
}

int rule_tries_apply(struct rule_tries *tries, enum rule_list list, const struct rule_set *set,
		     struct wall_ms wall, struct mono_ms mono)
{
	int error = tries->tries[list].unknown ? trie_read(tries, list) : 0;

	if (!error)
		error = list == RULE_EXCEPTIONS ? exceptions_write(tries, set)
						: blocks_write(tries, set, wall, mono);
	tries->failed[list] = error != 0;
	if (error)
		tries->tries[list].unknown = true;
	return error;
}

bool rule_tries_stale(const struct rule_tries *tries, enum rule_list list, struct wall_ms wall,
		      struct mono_ms mono)
{
	if (tries->failed[list])
		return true;
	return list == RULE_BLOCKS && clock_stepped(tries, wall, mono);
}
