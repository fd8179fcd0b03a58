/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots in one array, chained from buckets, and all that are in use in the order of their last use.
 */
#include "lru_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct lru_entry {
	struct digest key;
	uint32_t chain; /* next slot of the bucket, or of those that are free */
	uint32_t newer;
	uint32_t older;
	uint32_t padding;
	char value[] __attribute__((aligned(8)));
};

static struct lru_entry *entry_at(const struct lru_table *table, uint32_t slot)
{
	return (struct lru_entry *)(void *)(table->slots + slot * table->stride);
}

/* Digests are as good as random. */
static uint32_t *bucket_of(const struct lru_table *table, const struct digest *key)
{
	return &table->buckets[key->words[0] & table->bucket_mask];
}

static bool same(const struct digest *a, const struct digest *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

int lru_table_init(struct lru_table *table, uint32_t capacity, size_t value_size)
{
	uint32_t buckets = 1;

	while (buckets < capacity)
		buckets *= 2;
	*table = (struct lru_table){ .capacity = capacity, .bucket_mask = buckets - 1 };
	table->stride = (sizeof(struct lru_entry) + value_size + 7) & ~7UL;
	table->slots = calloc(capacity + 1UL, table->stride);
	table->buckets = calloc(buckets, sizeof(*table->buckets));
	if (table->slots && table->buckets)
		return 0;
	lru_table_done(table);
	return -ENOMEM;
}

void lru_table_done(struct lru_table *table)
{
	free(table->slots);
	free(table->buckets);
	*table = (struct lru_table){ 0 };
}

static uint32_t slot_find(const struct lru_table *table, const struct digest *key)
{
	uint32_t slot;

	if (!table->count)
		return 0;
	slot = *bucket_of(table, key);
	while (slot && !same(&entry_at(table, slot)->key, key))
		slot = entry_at(table, slot)->chain;
	return slot;
}

static void order_leave(struct lru_table *table, const struct lru_entry *entry)
{
	if (entry->newer)
		entry_at(table, entry->newer)->older = entry->older;
	else
		table->newest = entry->older;
	if (entry->older)
		entry_at(table, entry->older)->newer = entry->newer;
	else
		table->oldest = entry->newer;
}

static void order_enter(struct lru_table *table, uint32_t slot)
{
	struct lru_entry *entry = entry_at(table, slot);

	entry->newer = 0;
	entry->older = table->newest;
	if (table->newest)
		entry_at(table, table->newest)->newer = slot;
	else
		table->oldest = slot;
	table->newest = slot;
}

void *lru_table_find(struct lru_table *table, const struct digest *key)
{
	const uint32_t slot = slot_find(table, key);

	if (!slot)
		return NULL;
	if (slot != table->newest) {
		order_leave(table, entry_at(table, slot));
		order_enter(table, slot);
	}
	return entry_at(table, slot)->value;
}

const void *lru_table_peek(const struct lru_table *table, const struct digest *key)
{
	const uint32_t slot = slot_find(table, key);

	return slot ? entry_at(table, slot)->value : NULL;
}

static void slot_remove(struct lru_table *table, uint32_t slot)
{
	struct lru_entry *entry = entry_at(table, slot);
	uint32_t *link = bucket_of(table, &entry->key);

	while (*link != slot)
		link = &entry_at(table, *link)->chain;
	*link = entry->chain;
	order_leave(table, entry);
	entry->chain = table->vacant;
	table->vacant = slot;
	table->count--;
}

static uint32_t slot_take(struct lru_table *table)
{
	uint32_t slot;

	if (table->count == table->capacity)
		slot_remove(table, table->oldest);
	if (!table->vacant)
		return ++table->touched;
	slot = table->vacant;
	table->vacant = entry_at(table, slot)->chain;
	return slot;
}

void *lru_table_put(struct lru_table *table, const struct digest *key)
{
	void *found = lru_table_find(table, key);
	struct lru_entry *entry;
	uint32_t *bucket;
	uint32_t slot;

	if (found)
		return found;
	slot = slot_take(table);
	entry = entry_at(table, slot);
	memset(entry, 0, table->stride);
	entry->key = *key;
	bucket = bucket_of(table, key);
	entry->chain = *bucket;
	*bucket = slot;
	order_enter(table, slot);
	table->count++;
	return entry->value;
}

void lru_table_remove(struct lru_table *table, const struct digest *key)
{
	const uint32_t slot = slot_find(table, key);

	if (slot)
		slot_remove(table, slot);
}

int lru_table_each(const struct lru_table *table,
		   int (*visit)(const struct digest *key, const void *value, void *context),
		   void *context)
{
	int result = 0;

	for (uint32_t slot = table->oldest; slot && result == 0;
	     slot = entry_at(table, slot)->newer)
		result = visit(&entry_at(table, slot)->key, entry_at(table, slot)->value, context);
	return result;
}
