/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS      96 /* of a mapped IPv4 address before its own */
#define IPV4_FILTER_BITS 16
#define IPV6_FILTER_BITS 32

/* More networks than the filter has bits would set nearly all of them, slowly. */
#define IPV6_SPREAD_BITS 14

static uint32_t first32(const struct prefix *prefix)
{
	uint32_t word;

	memcpy(&word, prefix->address + (prefix_is_ipv4(prefix) ? 12 : 0), sizeof(word));
	return ntohl(word);
}

static void bit_set(struct sa_filter *filter, int family, uint32_t bit)
{
	filter->bits[family][bit / 64] |= 1ULL << bit % 64;
}

static void ipv4_add(struct sa_filter *filter, const struct prefix *prefix)
{
	unsigned length = prefix->length - MAPPED_BITS;
	uint32_t first = SA_FILTER_BIT_IPV4(first32(prefix)), count = 1;

	if (length < IPV4_FILTER_BITS)
		count = 1U << (IPV4_FILTER_BITS - length);
	for (uint32_t i = 0; i < count; i++)
		bit_set(filter, SA_FAMILY_IPV4, first + i);
}

static void ipv6_add(struct sa_filter *filter, const struct prefix *prefix)
{
	unsigned spread = prefix->length < IPV6_FILTER_BITS ? IPV6_FILTER_BITS - prefix->length : 0;
	uint32_t first = first32(prefix);

	if (spread > IPV6_SPREAD_BITS) {
		memset(filter->bits[SA_FAMILY_IPV6], 0xff, sizeof(filter->bits[SA_FAMILY_IPV6]));
		return;
	}
	for (uint32_t i = 0; i < 1U << spread; i++)
		bit_set(filter, SA_FAMILY_IPV6, SA_FILTER_BIT_IPV6(first + i));
}

void filter_add(struct sa_filter *filter, const struct prefix *prefix)
{
	if (prefix_is_ipv4(prefix))
		ipv4_add(filter, prefix);
	else
		ipv6_add(filter, prefix);
}

bool filter_passes(const struct sa_filter *filter, const struct sa_address *address)
{
	struct prefix whole;
	uint32_t bit;
	int family;

	prefix_of(address, 128, &whole);
	family = prefix_is_ipv4(&whole) ? SA_FAMILY_IPV4 : SA_FAMILY_IPV6;
	bit = family == SA_FAMILY_IPV4 ? SA_FILTER_BIT_IPV4(first32(&whole))
				       : SA_FILTER_BIT_IPV6(first32(&whole));
	return filter->bits[family][bit / 64] >> bit % 64 & 1;
}
