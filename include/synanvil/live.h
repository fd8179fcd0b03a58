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

static inline __attribute__((always_inline)) __u64 sa_live_fold(__u64 word)
{
	word *= 0xd6e8feb86659fd93ULL;
	return word ^ word >> 32;
}

/*
 * The masked address, the service and the epoch of the settings that made them. Each part is folded
 * on its own, so that a processor can do all three at once: in a chain they took half as long
 * again.
 */
static inline __attribute__((always_inline)) struct sa_live_place
sa_live_place(__u64 seed, const struct sa_source_key *source, __u32 epoch)
{
	struct sa_live_place place;
	__u64 address[2], hash;

	__builtin_memcpy(address, source->address, sizeof(address));
	hash = sa_live_fold(address[1] ^ seed);
	hash = hash << 21 | hash >> 43;
	hash ^= sa_live_fold(address[0] ^ (seed << 32 | seed >> 32));
	hash ^= ((__u64)epoch << 32 | source->service) * 0x9e3779b97f4a7c15ULL + seed;
	hash = sa_live_mix(hash);
	place.bucket = (__u32)hash & (SA_LIVE_BUCKETS - 1);
	place.digest = hash >> SA_LIVE_COUNT_BITS;
	if (!place.digest)
		place.digest = 1;
	return place;
}

/* Each failed swap means that somebody else moved the same hint, or a word of the same bucket. */
#define SA_LIVE_TRIES 32

/*
 * Where is noted whether a bucket need be looked at: most sources have no connection, and a flood
 * of them misses here, not in memory. One word: how many connections there are, and above that one
 * of SA_LIVE_HINT_BITS bits for each digest that was counted since there was none. Raised before a
 * connection is counted, lowered after it is not. Only who takes the last one away clears the bits,
 * so nobody loses one whose own connection is in the number.
 */
#define SA_LIVE_HINT_SHIFT 20
#define SA_LIVE_HINT_BITS  12
#define SA_LIVE_HINT_COUNT ((1U << SA_LIVE_HINT_SHIFT) - 1)

static inline __attribute__((always_inline)) __u32 *sa_live_hint(struct sa_live_totals *head,
								 __u32 bucket)
{
	return &head->hints[bucket % SA_LIVE_HINTS];
}

static inline __attribute__((always_inline)) __u32 sa_live_hint_bit(__u64 digest)
{
	return 1U << (SA_LIVE_HINT_SHIFT + ((__u32)digest & 0xffff) * SA_LIVE_HINT_BITS / 0x10000);
}

static inline __attribute__((always_inline)) int sa_live_is_hinted(__u32 hint, __u64 digest)
{
	return (hint & sa_live_hint_bit(digest)) != 0;
}

static inline __attribute__((always_inline)) void sa_live_hint_raise(__u32 *hint, __u64 digest)
{
	const __u32 bit = sa_live_hint_bit(digest);

	if (!(__sync_fetch_and_add(hint, 1) & bit))
		(void)__sync_fetch_and_or(hint, bit);
}

static inline __attribute__((always_inline)) void sa_live_hint_lower(__u32 *hint)
{
	for (int try = 0; try < SA_LIVE_TRIES; try++) {
		__u32 old = *(volatile __u32 *)hint;
		__u32 left = (old & SA_LIVE_HINT_COUNT) == 1 ? 0 : old - 1;

		if (__sync_val_compare_and_swap(hint, old, left) == old)
			return;
	}
	(void)__sync_fetch_and_add(hint, -1);
}

/* Connections of the source that the word counts. */
static inline __attribute__((always_inline)) __u32 sa_live_word_count(const __u64 *word,
								      __u64 digest)
{
	__u64 now = *(const volatile __u64 *)word;

	return now >> SA_LIVE_COUNT_BITS == digest ? (__u32)(now & SA_LIVE_COUNT_MASK) : 0;
}

/* Connections of the source. */
static inline __attribute__((always_inline)) __u32
sa_live_count(const struct sa_live_bucket *bucket, __u64 digest)
{
	__u32 count = 0;

	for (int i = 0; i < SA_LIVE_WAYS; i++)
		count += sa_live_word_count(&bucket->words[i], digest);
	return count;
}

/* Connections of the service in that slot, as long as they are counted under that epoch. */
static inline __attribute__((always_inline)) __u32 sa_live_service_count(__u64 word, __u32 epoch)
{
	return word >> 32 == epoch ? (__u32)word : 0;
}

/*
 * One connection more. 1, or 0 where the bucket has no word left or too many others were faster:
 * then it is not counted.
 */
static inline __attribute__((always_inline)) int sa_live_add(struct sa_live_bucket *bucket,
							     __u64 digest)
{
	for (int try = 0; try < SA_LIVE_TRIES; try++) {
		int room = 0;

		for (int i = 0; i < SA_LIVE_WAYS; i++) {
			__u64 word = *(volatile __u64 *)&bucket->words[i];

			if (!word)
				room = 1;
			if (word >> SA_LIVE_COUNT_BITS == digest) {
				if (__sync_val_compare_and_swap(&bucket->words[i], word,
								word + 1) == word)
					return 1;
				room = 1;
			}
		}
		if (!room)
			return 0;
		for (int i = 0; i < SA_LIVE_WAYS; i++) {
			__u64 fresh = digest << SA_LIVE_COUNT_BITS | 1;

			if (!*(volatile __u64 *)&bucket->words[i] &&
			    !__sync_val_compare_and_swap(&bucket->words[i], 0, fresh))
				return 1;
		}
	}
	return 0;
}

/*
 * One connection less, that was counted before: so there is a word to be found, though it may move
 * behind the search. 1, or 0 where too many others were faster.
 */
static inline __attribute__((always_inline)) int sa_live_remove(struct sa_live_bucket *bucket,
								__u64 digest)
{
	for (int try = 0; try < SA_LIVE_TRIES; try++) {
		for (int i = 0; i < SA_LIVE_WAYS; i++) {
			__u64 word = *(volatile __u64 *)&bucket->words[i];
			__u64 left = (word & SA_LIVE_COUNT_MASK) == 1 ? 0 : word - 1;

			if (word >> SA_LIVE_COUNT_BITS == digest &&
			    __sync_val_compare_and_swap(&bucket->words[i], word, left) == word)
				return 1;
		}
	}
	return 0;
}

/* The same for the total of a service. 0 also where the word belongs to a later epoch. */
static inline __attribute__((always_inline)) int sa_live_service_add(__u64 *word, __u32 epoch)
{
	for (int try = 0; try < SA_LIVE_TRIES; try++) {
		__u64 old = *(volatile __u64 *)word, fresh = old + 1;

		if ((__u32)(old >> 32) != epoch) {
			if ((__s32)(epoch - (__u32)(old >> 32)) < 0)
				return 0;
			fresh = (__u64)epoch << 32 | 1;
		}
		if (__sync_val_compare_and_swap(word, old, fresh) == old)
			return 1;
	}
	return 0;
}

/* 1, or 0 where the word belongs to another epoch: then there is nothing to take back. */
static inline __attribute__((always_inline)) int sa_live_service_remove(__u64 *word, __u32 epoch)
{
	for (int try = 0; try < SA_LIVE_TRIES; try++) {
		__u64 old = *(volatile __u64 *)word;

		if (!sa_live_service_count(old, epoch))
			return 0;
		if (__sync_val_compare_and_swap(word, old, old - 1) == old)
			return 1;
	}
	return 0;
}

#endif
