/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open addressing; at most half of the slots are taken. Cookies are numbers that the kernel counts
 * up, so multiplying spreads them.
 */
#include "cookie_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

static size_t slot_find(const struct cookie_set *set, uint64_t cookie)
{
	size_t slot = (size_t)(cookie * 0x9e3779b97f4a7c15U >> 20) & (set->size - 1);

	while (set->slots[slot] && set->slots[slot] != cookie)
		slot = (slot + 1) & (set->size - 1);
	return slot;
}

static int grow(struct cookie_set *set)
{
	struct cookie_set larger = { .size = set->size ? set->size * 2 : FIRST_SIZE,
				     .count = set->count };

	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i])
			larger.slots[slot_find(&larger, set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = larger;
	return 0;
}

int cookie_set_add(struct cookie_set *set, uint64_t cookie)
{
	size_t slot;

	if (set->count * 2 >= set->size) {
		int error = grow(set);

		if (error)
			return error;
	}
	slot = slot_find(set, cookie);
	if (!set->slots[slot]) {
		set->slots[slot] = cookie;
		set->count++;
	}
	return 0;
}

bool cookie_set_has(const struct cookie_set *set, uint64_t cookie)
{
	return set->size && set->slots[slot_find(set, cookie)] == cookie;
}

void cookie_set_clear(struct cookie_set *set)
{
	if (set->count)
		memset(set->slots, 0, set->size * sizeof(*set->slots));
	set->count = 0;
}

void cookie_set_done(struct cookie_set *set)
{
	free(set->slots);
	*set = (struct cookie_set){};
}
