/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of bounded size from digests to values of one size: when it is full, the entry that was
 * not used for the longest time gives way. No call takes longer the more there is. Pure but for its
 * memory, which is reserved at once and taken from the system as it is used.
 */
#ifndef AGENT_LRU_TABLE_H
#define AGENT_LRU_TABLE_H

#include "digest.h"

/* Zero-initialise, then lru_table_init. */
struct lru_table {
	char *slots;       /* slot 0 is not used: 0 means none */
	uint32_t *buckets; /* first slot of each chain */
	size_t stride;     /* bytes of a slot */
	uint32_t bucket_mask;
	uint32_t capacity;
	uint32_t count;
	uint32_t touched; /* slots that have ever been used */
	uint32_t vacant;  /* first of those that are free again */
	uint32_t newest;
	uint32_t oldest;
};

/* 0 or -ENOMEM. */
int lru_table_init(struct lru_table *table, uint32_t capacity, size_t value_size);
void lru_table_done(struct lru_table *table);

/* The value, which is then the newest; NULL if there is none. Stays where it is until removed or
 * evicted. */
void *lru_table_find(struct lru_table *table, const struct digest *key);

/* The same without making it the newest. */
const void *lru_table_peek(const struct lru_table *table, const struct digest *key);

/* Finds, or adds a value that is all zero; the oldest gives way if there is no room. Never NULL. */
void *lru_table_put(struct lru_table *table, const struct digest *key);

/* What is not there needs no removing. */
void lru_table_remove(struct lru_table *table, const struct digest *key);

/* Calls visit for each, the oldest first; stops at, and returns, a non-zero result. */
int lru_table_each(const struct lru_table *table,
		   int (*visit)(const struct digest *key, const void *value, void *context),
		   void *context);

#endif
