/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel tables in memory, in place of tables.c: linked by tests of what stands above it.
 */
#ifndef TESTS_TABLES_DOUBLE_H
#define TESTS_TABLES_DOUBLE_H

#include "tables.h"

struct tables_double {
	struct exception_entry *runtime;
	size_t runtime_count;
	struct block_entry *blocks;
	size_t block_count;
	unsigned writes; /* successful replacements */
	unsigned reads;  /* of what the tries hold */
	int fail;        /* the next replacement stops halfway with this error */

	struct sa_source_key *source_keys;
	struct sa_source *sources;
	size_t source_count;
	size_t largest_batch;
	int fail_batch;                          /* the next batch fails with this */
	const struct sa_source_key *blocked_key; /* one blocked source */
	struct sa_blocked_source blocked;

	struct sa_connection_key connection_keys[64]; /* of all epochs */
	struct sa_connection connections[64];
	size_t connection_count;
	uint64_t uncounted;
	uint64_t live_held;
	uint64_t held_at_leave; /* live_held when the last connection was taken away */
	uint32_t epoch_kept;
	unsigned looks_anew;
	bool notes_hold;
	unsigned entered_while_notes_held;

	struct sa_counters rows[SA_COUNTER_ROWS];
	struct sa_totals totals;
};

/* The one that the functions of tables.h act on; starts empty. */
extern struct tables_double tables_double;

/* Empties it. */
void tables_double_reset(void);

#endif
