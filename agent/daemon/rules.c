/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From ordered lists to longest-prefix tries.
 *
 * All entries are sorted so that a covering prefix stands before what it covers; one pass then
 * keeps, for each family apart, the stack of prefixes that cover the present one. Families are kept
 * apart because an IPv6 prefix shorter than 96 bits has the bits of mapped IPv4 addresses and must
 * not cover them.
 */
#include "rules.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

/* An entry of an ordered list on its way through the sort; as small as can be, since a reload has
 * all of them beside the old list and the new. */
struct ordered {
	struct prefix prefix;
	uint8_t value; /* enum sa_exception */
	uint32_t position;
};

_Static_assert(SA_PREFIXES_MAX <= UINT32_MAX, "a position has room");

/* What covers the present entry: at most one prefix of each length. */
struct covers {
	size_t depth;
	struct prefix prefix[129];
	size_t earliest[129]; /* lowest position among this prefix and those below it */
	int64_t latest[129];  /* latest end among the same */
};

/* The prefix of all mapped IPv4 addresses: 0.0.0.0/0, and the place of the none node. */
static const struct prefix all_ipv4 = {
	.address = { [10] = 0xff, [11] = 0xff },
	.length = 96,
};

static int ordered_compare(const void *a, const void *b)
{
	const struct ordered *left = a, *right = b;
	int order = prefix_compare(&left->prefix, &right->prefix);

	if (order)
		return order;
	return left->position < right->position ? -1 : left->position > right->position;
}

static struct covers *covers_of(struct covers families[static 2], const struct prefix *prefix)
{
	return &families[prefix_is_ipv4(prefix)];
}

/* Leaves on the stack what covers prefix. */
static void covers_narrow(struct covers *covers, const struct prefix *prefix)
{
	while (covers->depth && !prefix_covers(&covers->prefix[covers->depth - 1], prefix))
		covers->depth--;
}

/* Whether a sorted array of entries needs a none node before this prefix; asked once for each, in
 * order. */
static bool none_node_due(const struct prefix *prefix, bool *done)
{
	int order;

	if (*done)
		return false;
	order = prefix_compare(&all_ipv4, prefix);
	if (order > 0)
		return false;
	*done = true;
	return order < 0;
}

static struct exception_entry exception_none(void)
{
	return (struct exception_entry){ .prefix = all_ipv4, .value = SA_EXCEPTION_NONE };
}

/* entries has room for one more than count. */
static size_t exceptions_reduce(const struct ordered *ordered, size_t count,
				struct exception_entry *entries)
{
	struct covers families[2] = { 0 };
	bool none_done = false;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ordered *one = &ordered[i];
		struct covers *covers = covers_of(families, &one->prefix);

		if (none_node_due(&one->prefix, &none_done))
			entries[used++] = exception_none();
		covers_narrow(covers, &one->prefix);
		if (covers->depth && covers->earliest[covers->depth - 1] <= one->position)
			continue;
		covers->prefix[covers->depth] = one->prefix;
		covers->earliest[covers->depth++] = one->position;
		entries[used++] =
			(struct exception_entry){ .prefix = one->prefix, .value = one->value };
	}
	if (!none_done)
		entries[used++] = exception_none();
	return used;
}

/* Takes what is in the order of the list; sorts it in place. */
static int exceptions_compile(struct ordered *ordered, size_t count,
			      struct exception_entry **ret_entries, size_t *ret_count)
{
	struct exception_entry *entries;

	/* The sort takes as much memory again, which must not come on top of the entries'. */
	if (count)
		qsort(ordered, count, sizeof(*ordered), ordered_compare);
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	*ret_count = exceptions_reduce(ordered, count, entries);
	*ret_entries = entries;
	return 0;
}

int rules_compile_configured(const struct config_patterns *patterns,
			     struct exception_entry **ret_entries, size_t *ret_count)
{
	_cleanup_free_ struct ordered *ordered = calloc(patterns->count + 1, sizeof(*ordered));
	size_t count = 0;

	if (!ordered)
		return -ENOMEM;
	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (!pattern->is_prefix)
			continue;
		ordered[count++] = (struct ordered){
			.prefix = pattern->prefix,
			.position = (uint32_t)i,
			.value = pattern->negated ? SA_EXCEPTION_NOT_EXEMPT : SA_EXCEPTION_EXEMPT,
		};
	}
	return exceptions_compile(ordered, count, ret_entries, ret_count);
}

int rules_compile_runtime(const struct prefix *prefixes, size_t count,
			  struct exception_entry **ret_entries, size_t *ret_count)
{
	_cleanup_free_ struct ordered *ordered = calloc(count + 1, sizeof(*ordered));

	if (!ordered)
		return -ENOMEM;
	/* One position for all: a set has no order, so whatever is covered goes. */
	for (size_t i = 0; i < count; i++)
		ordered[i] = (struct ordered){ prefixes[i], SA_EXCEPTION_EXEMPT, 0 };
	return exceptions_compile(ordered, count, ret_entries, ret_count);
}

static int block_rule_compare(const void *a, const void *b)
{
	const struct block_rule *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

/* The packet path's clock at the wall clock's ends_ms. */
static uint64_t expiry(int64_t ends_ms, int64_t wall_now_ms, uint64_t mono_now_ms)
{
	if (ends_ms == INT64_MAX)
		return ~0ULL;
	return mono_now_ms + (uint64_t)(ends_ms - wall_now_ms);
}

static bool block_live(const struct block_rule *rule, int64_t wall_now_ms)
{
	return rule->ends_ms > wall_now_ms;
}

/* Sets the latest end of a rule and of all that cover it on top of the stack. */
static int64_t covers_push_block(struct covers *covers, const struct block_rule *rule)
{
	int64_t latest = rule->ends_ms;
	size_t depth;

	covers_narrow(covers, &rule->prefix);
	depth = covers->depth;
	if (depth && covers->latest[depth - 1] > latest)
		latest = covers->latest[depth - 1];
	/* The same prefix once more takes the place of the first. */
	if (depth && prefix_equal(&covers->prefix[depth - 1], &rule->prefix))
		depth = --covers->depth;
	covers->prefix[depth] = rule->prefix;
	covers->latest[depth] = latest;
	covers->depth++;
	return latest;
}

int rules_compile_blocks(const struct block_rule *rules, size_t count, int64_t wall_now_ms,
			 uint64_t mono_now_ms, struct block_entry **ret_entries, size_t *ret_count)
{
	_cleanup_free_ struct block_rule *sorted = calloc(count + 1, sizeof(*sorted));
	_cleanup_free_ struct block_entry *entries = calloc(count + 1, sizeof(*entries));
	struct covers families[2] = { 0 };
	const struct block_entry none = { .prefix = all_ipv4, .expires_ms = 0 };
	bool none_done = false;
	size_t live = 0, used = 0;

	if (!sorted || !entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (block_live(&rules[i], wall_now_ms))
			sorted[live++] = rules[i];
	qsort(sorted, live, sizeof(*sorted), block_rule_compare);
	for (size_t i = 0; i < live; i++) {
		const struct prefix *prefix = &sorted[i].prefix;
		int64_t latest = covers_push_block(covers_of(families, prefix), &sorted[i]);

		if (none_node_due(prefix, &none_done))
			entries[used++] = none;
		if (used && prefix_equal(&entries[used - 1].prefix, prefix))
			used--;
		entries[used++] =
			(struct block_entry){ *prefix, expiry(latest, wall_now_ms, mono_now_ms) };
	}
	if (!none_done)
		entries[used++] = none;
	*ret_entries = TAKE_PTR(entries);
	*ret_count = used;
	return 0;
}

enum sa_exception rules_match(const struct exception_entry *entries, size_t count,
			      const struct prefix *prefix)
{
	const int shortest = prefix_is_ipv4(prefix) ? all_ipv4.length : 0;
	struct sa_address address;

	_Static_assert(offsetof(struct exception_entry, prefix) == 0,
		       "prefix_compare takes entries");
	memcpy(&address, prefix->address, sizeof(address));
	for (int length = prefix->length; count && length >= shortest; length--) {
		const struct exception_entry *found;
		struct exception_entry key = { 0 };

		prefix_of(&address, (uint8_t)length, &key.prefix);
		found = bsearch(&key, entries, count, sizeof(*entries), prefix_compare);
		if (found)
			return found->value;
	}
	return SA_EXCEPTION_NONE;
}
