/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random values that are the same in every run: a failing property test fails again.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>
#include <string.h>

#include "prefix.h"

struct random {
	uint64_t state;
};

/* SplitMix64. */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

/* Few different bits, so that prefixes cover each other and addresses meet them. */
static inline struct sa_address random_address(struct random *random)
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
	struct sa_address address;

	if (random_below(random, 2)) {
		memset(bytes, 0, sizeof(bytes));
		for (int i = 0; i < 12; i++)
			bytes[i] =
				(uint8_t)(random_below(random, 4) ? 0
								  : random_below(random, 4) << 6);
		/* Some look like IPv4 but for one bit. */
		if (!random_below(random, 8))
			memcpy(bytes, (uint8_t[12]){ [9] = 1, [10] = 0xff, [11] = 0xff }, 12);
	}
	for (int i = 12; i < 16; i++)
		bytes[i] = (uint8_t)(random_below(random, 4) << (random_below(random, 2) ? 6 : 0));
	memcpy(&address, bytes, sizeof(address));
	return address;
}

static inline struct prefix random_prefix(struct random *random)
{
	const struct sa_address address = random_address(random);
	struct prefix full, prefix;
	uint64_t length = random_below(random, 129);

	prefix_of(&address, 128, &full);
	if (prefix_is_ipv4(&full) && length < 96)
		length = 96 + length % 33;
	prefix_of(&address, (uint8_t)length, &prefix);
	return prefix;
}

#endif
