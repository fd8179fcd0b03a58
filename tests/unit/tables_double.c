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

static size_t connection_find(const struct sa_connection_key *key)
{
	size_t i = 0;

	while (i < tables_double.connection_count &&
	       memcmp(&tables_double.connection_keys[i], key, sizeof(*key)) != 0)
		i++;
	return i;
}

uint32_t tables_live_of_source(const struct tables *tables, const struct sa_source_key *source,
			       uint32_t epoch)
{
	uint32_t count = 0;

	(void)tables;
	for (size_t i = 0; i < tables_double.connection_count; i++)
		count += tables_double.connection_keys[i].epoch == epoch &&
			 memcmp(&tables_double.connections[i].source, source, sizeof(*source)) == 0;
	return count;
}

uint32_t tables_live_of_service(const struct tables *tables, uint32_t slot, uint32_t epoch)
{
	uint32_t count = 0;

	(void)tables;
	for (size_t i = 0; i < tables_double.connection_count; i++)
		count += tables_double.connection_keys[i].epoch == epoch &&
			 tables_double.connections[i].slot == slot;
	return count;
}

void tables_live_hold(const struct tables *tables, uint64_t until_ms)
{
	(void)tables;
	tables_double.live_held = until_ms;
}

uint64_t tables_live_held(const struct tables *tables)
{
	(void)tables;
	return tables_double.live_held;
}

uint64_t tables_live_uncounted(const struct tables *tables)
{
	(void)tables;
	return tables_double.uncounted;
}

void tables_live_miss(const struct tables *tables)
{
	(void)tables;
	tables_double.uncounted++;
}

void tables_live_look_anew(const struct tables *tables)
{
	(void)tables;
	tables_double.looks_anew++;
	tables_double.notes_hold = true;
}

void tables_live_look_always(const struct tables *tables)
{
	(void)tables;
	tables_double.notes_hold = false;
}

void tables_live_epoch_kept(const struct tables *tables, uint32_t epoch)
{
	(void)tables;
	tables_double.epoch_kept = epoch;
}

int tables_connection_read(const struct tables *tables, const struct sa_connection_key *key,
			   struct sa_connection *ret_connection)
{
	const size_t at = connection_find(key);

	(void)tables;
	if (at == tables_double.connection_count)
		return -ENOENT;
	*ret_connection = tables_double.connections[at];
	return 0;
}

int tables_connection_enter(const struct tables *tables, const struct sa_connection_key *key,
			    const struct sa_connection *connection)
{
	const size_t at = connection_find(key);

	(void)tables;
	if (at < tables_double.connection_count)
		return -EEXIST;
	if (at == sizeof(tables_double.connections) / sizeof(*tables_double.connections))
		return -E2BIG;
	tables_double.connection_keys[at] = *key;
	tables_double.connections[at] = *connection;
	tables_double.connection_count++;
	tables_double.entered_while_notes_held += tables_double.notes_hold;
	return 0;
}

/* The order does not stay. */
int tables_connection_leave(const struct tables *tables, const struct sa_connection_key *key)
{
	const size_t at = connection_find(key);

	(void)tables;
	if (at == tables_double.connection_count)
		return -ENOENT;
	tables_double.held_at_leave = tables_double.live_held;
	tables_double.connection_count--;
	tables_double.connection_keys[at] =
		tables_double.connection_keys[tables_double.connection_count];
	tables_double.connections[at] = tables_double.connections[tables_double.connection_count];
	return 0;
}

/* All at once. */
int tables_connections_batch(const struct tables *tables, struct tables_cursor *cursor,
			     struct sa_connection_key *keys, struct sa_connection *values,
			     size_t size, size_t *ret_count)
{
	(void)tables;
	assert(!cursor->started && size >= tables_double.connection_count);
	*ret_count = tables_double.connection_count;
	memcpy(keys, tables_double.connection_keys, *ret_count * sizeof(*keys));
	memcpy(values, tables_double.connections, *ret_count * sizeof(*values));
	cursor->started = true;
	return 0;
}
