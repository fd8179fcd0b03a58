/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topmost sources: a heap of bounded size whose top is the first to go.
 */
#include "top.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define START_BITS 40
#define START_MASK ((1ULL << START_BITS) - 1)

static uint32_t rank(enum top_order order, const struct top_source *source)
{
	switch (order) {
	case TOP_DROPPED:
		return source->dropped;
	case TOP_CONNECTIONS:
		return source->connections;
	default:
		return source->attempts;
	}
}

/* Less than zero: a ranks below b. The other orders and the key make the result the same in every
 * sweep. */
static int top_compare(enum top_order order, const struct top_source *a, const struct top_source *b)
{
	if (rank(order, a) != rank(order, b))
		return rank(order, a) < rank(order, b) ? -1 : 1;
	for (enum top_order other = 0; other < TOP_ORDERS; other++)
		if (rank(other, a) != rank(other, b))
			return rank(other, a) < rank(other, b) ? -1 : 1;
	return memcmp(&b->key, &a->key, sizeof(a->key));
}

int top_init(struct top *top, enum top_order order)
{
	*top = (struct top){ .order = order };
	top->items = calloc(TOP_CAPACITY, sizeof(*top->items));
	return top->items ? 0 : -ENOMEM;
}

void top_done(struct top *top)
{
	free(top->items);
	*top = (struct top){ .order = top->order };
}

static void exchange(struct top_source *a, struct top_source *b)
{
	const struct top_source kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_up(struct top *top, size_t at)
{
	while (at) {
		const size_t parent = (at - 1) / 2;

		if (top_compare(top->order, &top->items[at], &top->items[parent]) >= 0)
			return;
		exchange(&top->items[at], &top->items[parent]);
		at = parent;
	}
}

static void sift_down(struct top *top, size_t at)
{
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < top->count; child++)
			if (top_compare(top->order, &top->items[child], &top->items[least]) < 0)
				least = child;
		if (least == at)
			return;
		exchange(&top->items[at], &top->items[least]);
		at = least;
	}
}

void top_offer(struct top *top, const struct top_source *source)
{
	if (!source->attempts && !source->dropped && !source->connections)
		return;
	if (top->count < TOP_CAPACITY) {
		top->items[top->count] = *source;
		sift_up(top, top->count++);
		return;
	}
	if (top_compare(top->order, source, &top->items[0]) <= 0)
		return;
	top->items[0] = *source;
	sift_down(top, 0);
}

static int by_attempts(const void *a, const void *b)
{
	return top_compare(TOP_ATTEMPTS, b, a);
}

static int by_dropped(const void *a, const void *b)
{
	return top_compare(TOP_DROPPED, b, a);
}

static int by_connections(const void *a, const void *b)
{
	return top_compare(TOP_CONNECTIONS, b, a);
}

/* The same source stands together, the one with more attempts first: it was read later. */
static int by_key(const void *a, const void *b)
{
	const struct top_source *left = a, *right = b;
	const int order = memcmp(&left->key, &right->key, sizeof(left->key));

	return order ? order : top_compare(TOP_ATTEMPTS, right, left);
}

void top_finish(struct top *top)
{
	static int (*const orders[])(const void *, const void *) = {
		[TOP_ATTEMPTS] = by_attempts,
		[TOP_DROPPED] = by_dropped,
		[TOP_CONNECTIONS] = by_connections,
	};
	size_t used = 0;

	qsort(top->items, top->count, sizeof(*top->items), by_key);
	for (size_t i = 0; i < top->count; i++) {
		if (used && memcmp(&top->items[used - 1].key, &top->items[i].key,
				   sizeof(top->items[i].key)) == 0)
			continue;
		top->items[used++] = top->items[i];
	}
	top->count = used;
	qsort(top->items, used, sizeof(*top->items), orders[top->order]);
}

uint32_t window_attempts(uint64_t window, uint64_t now_ms, uint32_t unit_ms,
			 uint32_t *ret_remaining_ms)
{
	/* Signed over the bits of the start: clocks of two CPUs differ, and the start may lie
	 * ahead. */
	const uint64_t since = (now_ms - (window >> SA_COUNT_BITS)) & START_MASK;
	const int64_t elapsed = (int64_t)(since << (64 - START_BITS)) >> (64 - START_BITS);
	int64_t remaining = (int64_t)unit_ms - elapsed;

	*ret_remaining_ms = 0;
	if (!window || remaining <= 0)
		return 0;
	if (remaining > unit_ms)
		remaining = unit_ms;
	*ret_remaining_ms = (uint32_t)remaining;
	return (uint32_t)(window & SA_COUNT_MAX);
}
