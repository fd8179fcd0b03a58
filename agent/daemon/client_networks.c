/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One array a family: first by prefix length, each length sorted by address.
 */
#include "client_networks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_LENGTH 96

struct client_network6 {
	uint8_t address[16];
	client_verdict verdict;
};

static uint32_t ipv4_of(const uint8_t address[static 16])
{
	return (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16 |
	       (uint32_t)address[14] << 8 | address[15];
}

static int by_word(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left == right ? 0 : left < right ? -1 : 1;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct client_network6 *)NULL)->address));
}

static int by_address_and_verdict(const void *a, const void *b)
{
	const struct client_network6 *left = a, *right = b;
	const int order = by_address(a, b);

	return order ? order : left->verdict < right->verdict ? -1 : 1;
}

/* From how many there are of each length, one further on, to where each begins. */
static void starts_of(size_t *counts, size_t size)
{
	for (size_t i = 1; i < size; i++)
		counts[i] += counts[i - 1];
}

static void count(struct client_networks *networks, const struct config_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct prefix *prefix = &patterns->items[i].prefix;

		if (!patterns->items[i].is_prefix)
			continue;
		if (prefix_is_ipv4(prefix))
			networks->first4[prefix->length - MAPPED_LENGTH + 1]++;
		else
			networks->first6[prefix->length + 1]++;
	}
	starts_of(networks->first4, CLIENT_LENGTHS_IPV4 + 1);
	starts_of(networks->first6, CLIENT_LENGTHS_IPV6 + 1);
}

static void collect(struct client_networks *networks, const struct config_patterns *patterns)
{
	size_t next4[CLIENT_LENGTHS_IPV4], next6[CLIENT_LENGTHS_IPV6];

	memcpy(next4, networks->first4, sizeof(next4));
	memcpy(next6, networks->first6, sizeof(next6));
	for (size_t i = 0; i < patterns->count; i++) {
		const struct prefix *prefix = &patterns->items[i].prefix;
		const client_verdict verdict = client_verdict_of(&patterns->items[i], i);
		struct client_network6 *network;

		if (!patterns->items[i].is_prefix)
			continue;
		if (prefix_is_ipv4(prefix)) {
			networks->ipv4[next4[prefix->length - MAPPED_LENGTH]++] =
				(uint64_t)ipv4_of(prefix->address) << 32 | verdict;
			continue;
		}
		network = &networks->ipv6[next6[prefix->length]++];
		memcpy(network->address, prefix->address, sizeof(network->address));
		network->verdict = verdict;
	}
}

/* Sorts each length, and closes the gaps that repetitions leave. */
static void arrange4(struct client_networks *networks)
{
	uint64_t *items = networks->ipv4;
	size_t used = 0;

	for (size_t length = 0; length < CLIENT_LENGTHS_IPV4; length++) {
		const size_t first = networks->first4[length], end = networks->first4[length + 1];

		networks->first4[length] = used;
		if (first < end)
			qsort(&items[first], end - first, sizeof(*items), by_word);
		for (size_t i = first; i < end; i++)
			if (used == networks->first4[length] ||
			    items[used - 1] >> 32 != items[i] >> 32)
				items[used++] = items[i];
	}
	networks->first4[CLIENT_LENGTHS_IPV4] = used;
}

static void arrange6(struct client_networks *networks)
{
	struct client_network6 *items = networks->ipv6;
	size_t used = 0;

	for (size_t length = 0; length < CLIENT_LENGTHS_IPV6; length++) {
		const size_t first = networks->first6[length], end = networks->first6[length + 1];

		networks->first6[length] = used;
		if (first < end)
			qsort(&items[first], end - first, sizeof(*items), by_address_and_verdict);
		for (size_t i = first; i < end; i++)
			if (used == networks->first6[length] ||
			    by_address(&items[used - 1], &items[i]))
				items[used++] = items[i];
	}
	networks->first6[CLIENT_LENGTHS_IPV6] = used;
}

int client_networks_init(struct client_networks *networks, const struct config_patterns *patterns)
{
	count(networks, patterns);
	networks->ipv4 = calloc(networks->first4[CLIENT_LENGTHS_IPV4] + 1, sizeof(*networks->ipv4));
	networks->ipv6 = calloc(networks->first6[CLIENT_LENGTHS_IPV6] + 1, sizeof(*networks->ipv6));
	if (!networks->ipv4 || !networks->ipv6)
		return -ENOMEM;
	collect(networks, patterns);
	arrange4(networks);
	arrange6(networks);
	return 0;
}

void client_networks_done(struct client_networks *networks)
{
	free(networks->ipv4);
	free(networks->ipv6);
	*networks = (struct client_networks){ 0 };
}

/* The verdict of the one with that address among size sorted ones. */
static client_verdict find4(const uint64_t *items, size_t size, uint32_t address)
{
	while (size > 1) {
		const size_t half = size / 2;

		/* What is before the middle goes if the middle does not go too far. */
		if (items[half] >> 32 <= address)
			items += half;
		size -= half;
	}
	return size && *items >> 32 == address ? (client_verdict)*items : CLIENT_VERDICT_NONE;
}

static client_verdict find_ipv4(const struct client_networks *networks, uint32_t address)
{
	client_verdict best = CLIENT_VERDICT_NONE;

	for (size_t length = 0; length < CLIENT_LENGTHS_IPV4; length++) {
		const size_t first = networks->first4[length];
		const size_t size = networks->first4[length + 1] - first;
		const uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;
		client_verdict found;

		if (!size)
			continue;
		found = find4(&networks->ipv4[first], size, address & mask);
		best = found < best ? found : best;
	}
	return best;
}

static client_verdict find_ipv6(const struct client_networks *networks,
				const struct sa_address *address)
{
	client_verdict best = CLIENT_VERDICT_NONE;

	for (size_t length = 0; length < CLIENT_LENGTHS_IPV6; length++) {
		const size_t first = networks->first6[length];
		const size_t size = networks->first6[length + 1] - first;
		const struct client_network6 *found;
		struct prefix wanted;

		if (!size)
			continue;
		prefix_of(address, (uint8_t)length, &wanted);
		found = bsearch(wanted.address, &networks->ipv6[first], size, sizeof(*found),
				by_address);
		if (found && found->verdict < best)
			best = found->verdict;
	}
	return best;
}

client_verdict client_networks_find(const struct client_networks *networks,
				    const struct sa_address *address)
{
	struct prefix full;

	prefix_of(address, 128, &full);
	return prefix_is_ipv4(&full) ? find_ipv4(networks, ipv4_of(full.address))
				     : find_ipv6(networks, address);
}
