/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The complement of a network is what branches off on the way to it: at most one network for each
 * bit of its length.
 */
#include "config_region.h"

#include <stdlib.h>
#include <string.h>

#define BITS_MAPPED 96
#define BITS_ALL    128

static const struct prefix all_ipv6 = { .length = 0 };
static const struct prefix all_ipv4 = { .address = { [10] = 0xff, [11] = 0xff },
					.length = BITS_MAPPED };

void config_region_init(struct config_region *region, const struct prefix *like)
{
	*region = (struct config_region){ .base = prefix_is_ipv4(like) ? all_ipv4 : all_ipv6 };
}

void config_region_keep(struct config_region *region, const struct prefix *prefix)
{
	if (prefix_covers(&region->base, prefix))
		region->base = *prefix;
	else if (!prefix_covers(prefix, &region->base))
		region->empty = true;
}

void config_region_cut(struct config_region *region, const struct prefix *prefix)
{
	if (prefix_is_ipv4(prefix) != prefix_is_ipv4(&region->base))
		region->empty = true;
	else
		region->holes[region->hole_count++] = *prefix;
}

/* One half of a network. */
static struct prefix half(const struct prefix *whole, bool upper)
{
	struct prefix part = *whole;

	if (upper)
		part.address[whole->length / 8] |= (uint8_t)(0x80 >> whole->length % 8);
	part.length++;
	return part;
}

struct walk {
	int (*visit)(const struct prefix *prefix, void *context);
	void *context;
	bool ipv4;
};

/* holes: sorted, none within another, all within prefix. At most BITS_ALL deep. */
static int walk(const struct walk *w, const struct prefix *prefix, const struct prefix *holes,
		size_t count)
{
	struct prefix lower;
	struct prefix upper;
	size_t below = 0;
	int r;

	/* Splitting IPv6 may come across the place that IPv4 has among the keys. */
	if (prefix_is_ipv4(prefix) != w->ipv4)
		return 0;
	if (count == 0)
		return w->visit(prefix, w->context);
	if (holes[0].length == prefix->length || prefix->length == BITS_ALL)
		return 0;
	lower = half(prefix, false);
	upper = half(prefix, true);
	while (below < count && prefix_compare(&holes[below], &upper) < 0)
		below++;
	r = walk(w, &lower, holes, below);
	return r != 0 ? r : walk(w, &upper, holes + below, count - below);
}

int config_region_each(const struct config_region *region,
		       int (*visit)(const struct prefix *prefix, void *context), void *context)
{
	const struct walk w = { visit, context, prefix_is_ipv4(&region->base) };
	struct prefix holes[CONFIG_REGION_HOLES_MAX];
	size_t count = 0;
	size_t kept = 0;

	if (region->empty)
		return 0;
	for (size_t i = 0; i < region->hole_count; i++) {
		if (prefix_covers(&region->holes[i], &region->base))
			return 0;
		if (prefix_covers(&region->base, &region->holes[i]))
			holes[count++] = region->holes[i];
	}
	qsort(holes, count, sizeof(*holes), prefix_compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !prefix_covers(&holes[kept - 1], &holes[i]))
			holes[kept++] = holes[i];
	}
	return walk(&w, &region->base, holes, kept);
}
