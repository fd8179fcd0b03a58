/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spf_networks.h"

#include <errno.h>
#include <stdlib.h>

#define IPV4_OFFSET 96

int spf_networks_add(struct spf_networks *networks, const struct prefix *network)
{
	if (networks->count == SPF_NETWORKS_MAX)
		return -E2BIG;
	if (networks->count == networks->size) {
		const size_t size = networks->size ? 2 * networks->size : 64;
		struct prefix *items = reallocarray(networks->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		networks->items = items;
		networks->size = size;
	}
	networks->items[networks->count++] = *network;
	return 0;
}

void spf_networks_done(struct spf_networks *networks)
{
	free(networks->items);
	*networks = (struct spf_networks){ 0 };
}

/* Sorted, a network stands behind the one that covers it, with nothing but covered ones between. */
void spf_networks_settle(struct spf_networks *networks)
{
	size_t used = 0;

	if (networks->count)
		qsort(networks->items, networks->count, sizeof(*networks->items), prefix_compare);
	for (size_t i = 0; i < networks->count; i++)
		if (!used || !prefix_covers(&networks->items[used - 1], &networks->items[i]))
			networks->items[used++] = networks->items[i];
	networks->count = used;
}

const char *spf_networks_absurd(const struct spf_networks *networks,
				const struct prefix **ret_network)
{
	unsigned long ipv4 = 0;

	for (size_t i = 0; i < networks->count; i++) {
		const struct prefix *network = &networks->items[i];
		const bool is_ipv4 = prefix_is_ipv4(network);

		*ret_network = network;
		if (network->length <
		    (is_ipv4 ? IPV4_OFFSET + SPF_IPV4_LENGTH_MIN : SPF_IPV6_LENGTH_MIN))
			return "wider than any sender's network";
		if (is_ipv4)
			ipv4 += 1UL << (128 - network->length);
	}
	*ret_network = NULL;
	return ipv4 > SPF_IPV4_ADDRESSES_MAX ? "more addresses than any sender has" : NULL;
}
