/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables in memory. The lists that replacements are told to start from must be what is there, as
 * with the real ones.
 */
#include "tables_double.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tables_double tables_double;

void tables_double_reset(void)
{
	free(tables_double.runtime);
	free(tables_double.blocks);
	memset(&tables_double, 0, sizeof(tables_double));
}

static void *copy(const void *entries, size_t count, size_t size)
{
	void *made = calloc(count + 1, size);

	assert(made);
	if (count)
		memcpy(made, entries, count * size);
	return made;
}

/* After a failure half of what was wanted is there, and nothing of the old. */
static int replace(void **held, size_t *held_count, const void *old, size_t old_count,
		   const void *wanted, size_t wanted_count, size_t size)
{
	const int error = tables_double.fail;

	assert(old_count == *held_count &&
	       (!old_count || memcmp(old, *held, old_count * size) == 0));
	free(*held);
	*held_count = error ? wanted_count / 2 : wanted_count;
	*held = copy(wanted, *held_count, size);
	tables_double.fail = 0;
	tables_double.writes += !error;
	return error;
}

int tables_runtime_replace(const struct tables *tables, const struct exception_entry *old,
			   size_t old_count, const struct exception_entry *wanted,
			   size_t wanted_count)
{
	(void)tables;
	return replace((void **)&tables_double.runtime, &tables_double.runtime_count, old,
		       old_count, wanted, wanted_count, sizeof(*wanted));
}

int tables_blocks_replace(const struct tables *tables, const struct block_entry *old,
			  size_t old_count, const struct block_entry *wanted, size_t wanted_count)
{
	(void)tables;
	return replace((void **)&tables_double.blocks, &tables_double.block_count, old, old_count,
		       wanted, wanted_count, sizeof(*wanted));
}

int tables_runtime_read(const struct tables *tables, struct exception_entry **ret_entries,
			size_t *ret_count)
{
	(void)tables;
	tables_double.reads++;
	*ret_count = tables_double.runtime_count;
	*ret_entries =
		copy(tables_double.runtime, tables_double.runtime_count, sizeof(**ret_entries));
	return 0;
}

int tables_blocks_read(const struct tables *tables, struct block_entry **ret_entries,
		       size_t *ret_count)
{
	(void)tables;
	tables_double.reads++;
	*ret_count = tables_double.block_count;
	*ret_entries = copy(tables_double.blocks, tables_double.block_count, sizeof(**ret_entries));
	return 0;
}

int tables_source_read(const struct tables *tables, const struct sa_source_key *key,
		       struct sa_source *ret_source)
{
	(void)tables;
	for (size_t i = 0; i < tables_double.source_count; i++)
		if (memcmp(&tables_double.source_keys[i], key, sizeof(*key)) == 0) {
			*ret_source = tables_double.sources[i];
			return 0;
		}
	return -ENOENT;
}

int tables_blocked_source_read(const struct tables *tables, const struct sa_source_key *key,
			       struct sa_blocked_source *ret_source)
{
	(void)tables;
	if (!tables_double.blocked_key || memcmp(tables_double.blocked_key, key, sizeof(*key)) != 0)
		return -ENOENT;
	*ret_source = tables_double.blocked;
	return 0;
}

int tables_sources_batch(const struct tables *tables, struct tables_cursor *cursor,
			 struct sa_source_key *keys, struct sa_source *values, size_t size,
			 size_t *ret_count)
{
	const int error = tables_double.fail_batch;
	size_t at = 0, count;

	(void)tables;
	tables_double.fail_batch = 0;
	if (error)
		return error;
	if (cursor->started)
		memcpy(&at, cursor->token, sizeof(at));
	count = tables_double.source_count - at;
	if (count > size)
		count = size;
	if (count > tables_double.largest_batch)
		tables_double.largest_batch = count;
	for (size_t i = 0; i < count; i++) {
		keys[i] = tables_double.source_keys[at + i];
		values[i] = tables_double.sources[at + i];
	}
	at += count;
	cursor->started = true;
	memcpy(cursor->token, &at, sizeof(at));
	*ret_count = count;
	return at < tables_double.source_count;
}

int tables_counters_read(const struct tables *tables, struct sa_counters *rows)
{
	(void)tables;
	memcpy(rows, tables_double.rows, sizeof(tables_double.rows));
	return 0;
}

int tables_totals_read(const struct tables *tables, struct sa_totals *ret_totals)
{
	(void)tables;
	*ret_totals = tables_double.totals;
	return 0;
}
