/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of run-time rules: sorted arrays, merged.
 */
#include "rule_set.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

/* An addition with its place in the request, so that the last of equal ones can be told. */
struct placed {
	struct block_rule rule;
	size_t place;
};

static int placed_compare(const void *a, const void *b)
{
	const struct placed *left = a, *right = b;
	const int order = prefix_compare(&left->rule.prefix, &right->rule.prefix);

	if (order)
		return order;
	return left->place < right->place ? -1 : left->place > right->place;
}

void rule_set_done(struct rule_set *set)
{
	free(set->items);
	*set = (struct rule_set){ 0 };
}

/* additions sorted, of equal ones the last. The caller's to free; NULL when memory is short. */
static struct placed *additions_sort(const struct block_rule *additions, size_t *count)
{
	struct placed *sorted = calloc(*count + 1, sizeof(*sorted));
	size_t used = 0;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < *count; i++)
		sorted[i] = (struct placed){ additions[i], i };
	qsort(sorted, *count, sizeof(*sorted), placed_compare);
	for (size_t i = 0; i < *count; i++) {
		if (used && prefix_equal(&sorted[used - 1].rule.prefix, &sorted[i].rule.prefix))
			used--;
		sorted[used++] = sorted[i];
	}
	*count = used;
	return sorted;
}

int rule_set_add(const struct rule_set *old, const struct block_rule *additions, size_t count,
		 struct rule_set *ret_set)
{
	_cleanup_free_ struct placed *sorted = additions_sort(additions, &count);
	_cleanup_free_ struct block_rule *items = calloc(old->count + count + 1, sizeof(*items));
	size_t used = 0, mine = 0;

	if (!sorted || !items)
		return -ENOMEM;
	for (size_t i = 0; i < old->count; i++) {
		const struct prefix *prefix = &old->items[i].prefix;

		while (mine < count && prefix_compare(&sorted[mine].rule.prefix, prefix) < 0)
			items[used++] = sorted[mine++].rule;
		if (mine < count && prefix_equal(&sorted[mine].rule.prefix, prefix))
			items[used++] = sorted[mine++].rule;
		else
			items[used++] = old->items[i];
	}
	while (mine < count)
		items[used++] = sorted[mine++].rule;
	*ret_set = (struct rule_set){ TAKE_PTR(items), used };
	return 0;
}

int rule_set_delete(const struct rule_set *old, const struct prefix *prefixes, size_t count,
		    struct rule_set *ret_set, size_t *ret_missing)
{
	_cleanup_free_ struct block_rule *items = calloc(old->count + 1, sizeof(*items));
	_cleanup_free_ bool *gone = calloc(old->count + 1, sizeof(*gone));
	size_t used = 0;

	if (!items || !gone)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct block_rule *found = rule_set_find(old, &prefixes[i]);

		if (!found) {
			*ret_missing = i;
			return -ENOENT;
		}
		gone[found - old->items] = true;
	}
	for (size_t i = 0; i < old->count; i++)
		if (!gone[i])
			items[used++] = old->items[i];
	*ret_set = (struct rule_set){ TAKE_PTR(items), used };
	return 0;
}

int rule_set_prune(const struct rule_set *old, int64_t wall_ms, struct rule_set *ret_set)
{
	struct block_rule *items = calloc(old->count + 1, sizeof(*items));
	size_t used = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < old->count; i++)
		if (old->items[i].ends_ms > wall_ms)
			items[used++] = old->items[i];
	*ret_set = (struct rule_set){ items, used };
	return 0;
}

size_t rule_set_ended(const struct rule_set *set, int64_t wall_ms)
{
	size_t ended = 0;

	for (size_t i = 0; i < set->count; i++)
		ended += set->items[i].ends_ms <= wall_ms;
	return ended;
}

size_t rule_set_beyond(const struct rule_set *set, const struct prefix *prefix)
{
	size_t from = 0, to = set->count;

	while (from < to) {
		const size_t middle = (from + to) / 2;

		if (prefix_compare(&set->items[middle].prefix, prefix) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const struct block_rule *rule_set_find(const struct rule_set *set, const struct prefix *prefix)
{
	const struct block_rule key = { .prefix = *prefix };

	_Static_assert(offsetof(struct block_rule, prefix) == 0, "prefix_compare takes rules");
	if (!set->count)
		return NULL;
	return bsearch(&key, set->items, set->count, sizeof(*set->items), prefix_compare);
}

const struct block_rule *rule_set_cover(const struct rule_set *set, const struct prefix *prefix,
					int64_t wall_ms)
{
	const uint8_t shortest = prefix_is_ipv4(prefix) ? 96 : 0;
	const struct block_rule *latest = NULL;
	struct sa_address address;

	if (!set->count)
		return NULL;
	memcpy(&address, prefix->address, sizeof(address));
	for (int length = prefix->length; length >= shortest; length--) {
		const struct block_rule *found;
		struct prefix cover;

		prefix_of(&address, (uint8_t)length, &cover);
		found = rule_set_find(set, &cover);
		if (found && found->ends_ms > wall_ms &&
		    (!latest || found->ends_ms > latest->ends_ms))
			latest = found;
	}
	return latest;
}
