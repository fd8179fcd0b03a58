/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules by which live counts are read and moved, for the programs in the kernel and for the
 * agent, which write the same memory at once. Pure functions of a bucket or a word.
 *
 * Who a count belongs to and how high it is are one word that only compare-and-swap moves. So a
 * source that comes when its last connection goes is counted right, and no lock is needed. Two CPUs
 * may give a new source a word each: the count is the sum of its words. A word is free at 0, so the
 * memory is never anything but words.
 *
 * The digest is keyed by a random seed. Two sources of one bucket look the same once in 2^44.
 */
#ifndef SYNANVIL_LIVE_H
#define SYNANVIL_LIVE_H

#include "abi.h"

#define SA_LIVE_COUNT_MASK ((1ULL << SA_LIVE_COUNT_BITS) - 1)

/* Where a source is counted. digest is never 0. */
struct sa_live_place {
	__u32 bucket;
	__u64 digest; /* SA_LIVE_COUNT_BITS fewer than 64 */
};

static inline __attribute__((always_inline)) __u64 sa_live_mix(__u64 word)
{
	word ^= word >> 32;
	word *= 0xd6e8feb86659fd93ULL;
	word ^= word >> 32;
	word *= 0xd6e8feb86659fd93ULL;
	return word ^ word >> 32;
}

/* The masked address, the service and the epoch of the settings that made them. */
static inline __attribute__((always_inline)) struct sa_live_place
sa_live_place(__u64 seed, const struct sa_source_key *source, __u32 epoch)
{
	struct sa_live_place place;
	__u64 address[2], hash;

	__builtin_memcpy(address, source->address, sizeof(address));
	hash = sa_live_mix(seed ^ address[0]);
	hash = sa_live_mix(hash ^ address[1]);
	hash = sa_live_mix(hash ^ ((__u64)epoch << 32 | source->service));
	place.bucket = (__u32)hash & (SA_LIVE_BUCKETS - 1);
	place.digest = hash >> SA_LIVE_COUNT_BITS;
	if (!place.digest)
		place.digest = 1;
	return place;
}

/* Connections of the source. */
static inline __attribute__((always_inline)) __u32
sa_live_count(const struct sa_live_bucket *bucket, __u64 digest)
{
	__u32 count = 0;

	for (int i = 0; i < SA_LIVE_WAYS; i++) {
		__u64 word = *(const volatile __u64 *)&bucket->words[i];

		if (word >> SA_LIVE_COUNT_BITS == digest)
			count += (__u32)(word & SA_LIVE_COUNT_MASK);
	}
	return count;
}

/* Connections of the service in that slot, as long as they are counted under that epoch. */
static inline __attribute__((always_inline)) __u32 sa_live_service_count(__u64 word, __u32 epoch)
{
	return word >> 32 == epoch ? (__u32)word : 0;
}

#endif
