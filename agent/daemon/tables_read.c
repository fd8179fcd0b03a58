/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel tables, read and cleared: sources, counters, and what the tries hold for an agent that
 * adopts them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "tables.h"

/* Rows of the counters that are read at once: bounds the memory on machines with many CPUs. */
#define COUNTER_CHUNK 64

static const uint32_t first = 0;

static int key_prefix(const struct sa_prefix *key, struct prefix *ret_prefix)
{
	if (key->length > 128)
		return -EBADMSG;
	memcpy(ret_prefix->address, key->address, sizeof(ret_prefix->address));
	ret_prefix->length = (uint8_t)key->length;
	return 0;
}

/* Grows *entries to room for one more of size bytes. */
static int make_room(void **entries, size_t size, size_t count, size_t *capacity)
{
	void *larger;

	if (count < *capacity)
		return 0;
	*capacity = *capacity ? *capacity * 2 : 64;
	larger = reallocarray(*entries, *capacity, size);
	if (!larger)
		return -ENOMEM;
	*entries = larger;
	return 0;
}

/* Calls store for every node of a trie; store writes entry number i. */
static int trie_read(int trie, size_t entry_size,
		     int (*store)(int trie, const struct sa_prefix *key, void *entry),
		     void **ret_entries, size_t *ret_count)
{
	_cleanup_free_ void *entries = NULL;
	struct sa_prefix key, *previous = NULL;
	size_t count = 0, capacity = 0;
	int error;

	while (bpf_map_get_next_key(trie, previous, &key) == 0) {
		error = make_room(&entries, entry_size, count, &capacity);
		if (error)
			return error;
		error = store(trie, &key, (char *)entries + count * entry_size);
		if (error)
			return error;
		count++;
		previous = &key;
	}
	if (errno != ENOENT)
		return -errno;
	if (count)
		qsort(entries, count, entry_size, prefix_compare);
	*ret_entries = TAKE_PTR(entries);
	*ret_count = count;
	return 0;
}

static int store_exception(int trie, const struct sa_prefix *key, void *entry)
{
	struct exception_entry *exception = entry;
	uint32_t value;

	if (bpf_map_lookup_elem(trie, key, &value))
		return -errno;
	exception->value = value;
	return key_prefix(key, &exception->prefix);
}

static int store_block(int trie, const struct sa_prefix *key, void *entry)
{
	struct block_entry *block = entry;
	struct sa_block value;

	if (bpf_map_lookup_elem(trie, key, &value))
		return -errno;
	block->expires_ms = value.expires_ms;
	return key_prefix(key, &block->prefix);
}

int tables_runtime_read(const struct tables *tables, struct exception_entry **ret_entries,
			size_t *ret_count)
{
	void *entries = NULL;
	int error = trie_read(tables->runtime, sizeof(**ret_entries), store_exception, &entries,
			      ret_count);

	if (!error)
		*ret_entries = entries;
	return error;
}

int tables_blocks_read(const struct tables *tables, struct block_entry **ret_entries,
		       size_t *ret_count)
{
	void *entries = NULL;
	int error =
		trie_read(tables->blocks, sizeof(**ret_entries), store_block, &entries, ret_count);

	if (!error)
		*ret_entries = entries;
	return error;
}

int tables_source_read(const struct tables *tables, const struct sa_source_key *key,
		       struct sa_source *ret_source)
{
	return bpf_map_lookup_elem(tables->sources, key, ret_source) ? -errno : 0;
}

int tables_blocked_source_read(const struct tables *tables, const struct sa_source_key *key,
			       struct sa_blocked_source *ret_source)
{
	return bpf_map_lookup_elem(tables->blocked_sources, key, ret_source) ? -errno : 0;
}

int tables_sources_batch(const struct tables *tables, struct tables_cursor *cursor,
			 struct sa_source_key *keys, struct sa_source *values, size_t size,
			 size_t *ret_count)
{
	struct tables_cursor next = { .started = true };
	uint32_t count = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	int error = 0;

	if (bpf_map_lookup_batch(tables->sources, cursor->started ? cursor->token : NULL,
				 next.token, keys, values, &count, NULL))
		error = -errno;
	if (error && error != -ENOENT)
		return error;
	*cursor = next;
	*ret_count = count;
	return error ? 0 : 1;
}

static void counters_add(struct sa_counters *sum, const struct sa_counters *values, unsigned cpus)
{
	*sum = (struct sa_counters){};
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		for (unsigned i = 0; i < SA_OUTCOMES; i++)
			sum->packets[i] += values[cpu].packets[i];
}

int tables_counters_read(const struct tables *tables, struct sa_counters *rows)
{
	_cleanup_free_ struct sa_counters *values = NULL;
	uint32_t keys[COUNTER_CHUNK], token, done = 0;
	bool more = true;

	values = calloc((size_t)COUNTER_CHUNK * tables->cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	while (more && done < SA_COUNTER_ROWS) {
		uint32_t count = COUNTER_CHUNK;

		if (bpf_map_lookup_batch(tables->counters, done ? &token : NULL, &token, keys,
					 values, &count, NULL)) {
			if (errno != ENOENT)
				return -errno;
			more = false;
		}
		for (uint32_t i = 0; i < count; i++)
			if (keys[i] < SA_COUNTER_ROWS)
				counters_add(&rows[keys[i]], &values[(size_t)i * tables->cpus],
					     tables->cpus);
		done += count;
	}
	return done == SA_COUNTER_ROWS ? 0 : -EBADMSG;
}

static void totals_add(struct sa_totals *sum, const struct sa_totals *value)
{
	for (unsigned slot = 0; slot < SA_INTERFACE_SLOTS; slot++)
		sum->unparsed[slot] += value->unparsed[slot];
	sum->source_inserts += value->source_inserts;
	sum->events_lost += value->events_lost;
}

int tables_totals_read(const struct tables *tables, struct sa_totals *ret_totals)
{
	_cleanup_free_ struct sa_totals *values = calloc(tables->cpus, sizeof(*values));
	struct sa_totals sum = {};

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(tables->totals, &first, values))
		return -errno;
	for (unsigned cpu = 0; cpu < tables->cpus; cpu++)
		totals_add(&sum, &values[cpu]);
	*ret_totals = sum;
	return 0;
}

static int row_clear(const struct tables *tables, uint32_t row, const struct sa_counters *zeros)
{
	return bpf_map_update_elem(tables->counters, &row, zeros, BPF_ANY) ? -errno : 0;
}

int tables_counters_clear(const struct tables *tables, uint32_t service_slot)
{
	_cleanup_free_ struct sa_counters *zeros = calloc(tables->cpus, sizeof(*zeros));
	int error = zeros ? 0 : -ENOMEM;

	for (uint32_t interface = 0; interface < SA_INTERFACE_SLOTS && !error; interface++)
		for (uint32_t family = 0; family < SA_FAMILIES && !error; family++)
			error = row_clear(tables, SA_COUNTER_ROW(interface, service_slot, family),
					  zeros);
	return error;
}

/*
 * The other cells of totals are written by the packet path meanwhile; what it adds between reading
 * and writing here is lost from them: a few inserts in a statistic, at a reload that replaces an
 * interface.
 */
static int unparsed_clear(const struct tables *tables, uint32_t interface_slot)
{
	_cleanup_free_ struct sa_totals *values = calloc(tables->cpus, sizeof(*values));
	bool used = false;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(tables->totals, &first, values))
		return -errno;
	for (unsigned cpu = 0; cpu < tables->cpus; cpu++) {
		used = used || values[cpu].unparsed[interface_slot];
		values[cpu].unparsed[interface_slot] = 0;
	}
	if (!used)
		return 0;
	return bpf_map_update_elem(tables->totals, &first, values, BPF_ANY) ? -errno : 0;
}

int tables_interface_counters_clear(const struct tables *tables, uint32_t interface_slot)
{
	_cleanup_free_ struct sa_counters *zeros = calloc(tables->cpus, sizeof(*zeros));
	int error = zeros ? 0 : -ENOMEM;

	for (uint32_t service = 0; service < SA_SERVICE_SLOTS && !error; service++)
		for (uint32_t family = 0; family < SA_FAMILIES && !error; family++)
			error = row_clear(tables, SA_COUNTER_ROW(interface_slot, service, family),
					  zeros);
	return error ? error : unparsed_clear(tables, interface_slot);
}
