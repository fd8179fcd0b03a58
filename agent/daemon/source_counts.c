/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open addressing; at most half of the cells are used, so runs stay short.
 */
#include "source_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_AT_FIRST 1024

/* Whoever chooses addresses to collide gains some time of a sweep, in slices: not worth a secret.
 */
static size_t hash_of(const struct sa_source_key *key)
{
	uint64_t hash = key->service;

	for (size_t i = 0; i < sizeof(key->address); i += sizeof(hash)) {
		uint64_t word;

		memcpy(&word, key->address + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return (size_t)hash;
}

/* Its cell, or the free one where it would stand. The table has one. */
static struct source_count *cell_of(const struct source_counts *counts,
				    const struct sa_source_key *key)
{
	for (size_t i = hash_of(key);; i++) {
		struct source_count *cell = &counts->cells[i & (counts->size - 1)];

		if (!cell->count || memcmp(&cell->key, key, sizeof(*key)) == 0)
			return cell;
	}
}

static int grow(struct source_counts *counts)
{
	struct source_counts larger = { .size = counts->size ? counts->size * 2 : SIZE_AT_FIRST,
					.used = counts->used };

	larger.cells = calloc(larger.size, sizeof(*larger.cells));
	if (!larger.cells)
		return -ENOMEM;
	for (size_t i = 0; i < counts->size; i++)
		if (counts->cells[i].count)
			*cell_of(&larger, &counts->cells[i].key) = counts->cells[i];
	free(counts->cells);
	*counts = larger;
	return 0;
}

int source_counts_add(struct source_counts *counts, const struct sa_source_key *key)
{
	struct source_count *cell;
	int error;

	if (counts->used * 2 >= counts->size) {
		error = grow(counts);
		if (error)
			return error;
	}
	cell = cell_of(counts, key);
	if (!cell->count)
		counts->used++;
	cell->key = *key;
	cell->count++;
	return 0;
}

uint32_t source_counts_get(const struct source_counts *counts, const struct sa_source_key *key)
{
	return counts->size ? cell_of(counts, key)->count : 0;
}

void source_counts_clear(struct source_counts *counts)
{
	if (counts->cells)
		memset(counts->cells, 0, counts->size * sizeof(*counts->cells));
	counts->used = 0;
}

void source_counts_done(struct source_counts *counts)
{
	free(counts->cells);
	*counts = (struct source_counts){ 0 };
}
