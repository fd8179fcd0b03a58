/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shortcut for floods: an address that went on after its source's limit is dropped by one cache
 * line, without the look-ups of the later stages. Sole writer of the map spent.
 *
 * While a source is over its limit nothing about it changes until its window lapses or the
 * generation moves, so its window and the attempts it is remembered by can be copied. A copy is
 * bound to the full address, the service and the generation by a digest over all of it: one that is
 * torn, foreign or outdated does not match, whatever the order of loads and stores. The digest of
 * an IPv4 address is a permutation, so that two addresses never share it; that of IPv6 addresses
 * is keyed by the generation, which nobody outside knows, and shared once in 2^64.
 *
 * Copies are made only of sources with many drops, and by sampled attempts; sampled attempts also
 * pass the shortcut by. So the source's entry still gets its count of drops, and stays young.
 */
#ifndef BPF_SPENT_H
#define BPF_SPENT_H

#include "attempt.bpf.h"
#include "maps.bpf.h"
#include "speculation.bpf.h"
#include "window.bpf.h"

#define MIX_1 0x9e3779b97f4a7c15ULL
#define MIX_2 0xbf58476d1ce4e5b9ULL
#define MIX_3 0x94d049bb133111ebULL

/* Every step is a permutation of what it is given. */
static __always_inline __u64 spent_digest(const struct attempt *attempt)
{
	__u64 digest = (attempt->packet.source.high_be ^ attempt->generation) * MIX_1;

	digest ^= digest >> 32;
	digest = (digest ^ attempt->packet.source.low_be) * MIX_2;
	digest ^= digest >> 32;
	digest = (digest ^ attempt->key.service) * MIX_3;
	return digest ^ digest >> 32;
}

static __always_inline __u64 spent_seal(const struct sa_spent *copy)
{
	__u64 first, second;

	__builtin_memcpy(&first, &copy->remembered[0], sizeof(first));
	__builtin_memcpy(&second, &copy->remembered[2], sizeof(second));
	return (copy->window * MIX_1 ^ first) * MIX_2 ^ second * MIX_3;
}

static __always_inline __u32 spent_index(__u64 digest)
{
	return digest & (SA_SPENT_LINES - 1);
}

static __always_inline struct sa_spent_line *spent_line(__u64 digest)
{
	__u32 index = spent_index(digest);

	return bpf_map_lookup_elem(&spent, &index);
}

static __always_inline struct sa_spent_hints *spent_hints_of(__u64 digest)
{
	__u32 index = spent_index(digest) / SA_SPENT_HINTED;

	return bpf_map_lookup_elem(&spent_hints, &index);
}

static __always_inline __u8 *spent_hint_in(struct sa_spent_hints *entry, __u64 digest)
{
	return &entry->hints[digest % SA_SPENT_HINTED * SA_SPENT_WAYS];
}

/* The hints of the digest's line, one for each way. */
static __always_inline __u8 *spent_hint(__u64 digest)
{
	struct sa_spent_hints *entry = spent_hints_of(digest);

	return entry ? spent_hint_in(entry, digest) : 0;
}

static __always_inline __u8 spent_hint_of(__u64 digest)
{
	return digest >> 56 | 1;
}

static __always_inline bool spent_says_drop(const struct sa_spent *shared, __u64 digest,
					    const struct attempt *attempt)
{
	struct sa_spent copy = *shared;

	return (copy.check ^ spent_seal(&copy)) == digest &&
	       window_count(copy.window) > attempt->rate_limit &&
	       !window_lapsed(copy.window, attempt) &&
	       !digest_is_among(attempt_digest(&attempt->packet, window_start_ms(copy.window)),
				copy.remembered);
}

PART int spent_find(const struct attempt *attempt)
{
	const struct sa_spent_line *line;
	const __u8 *hint;
	__u64 digest;

	if (!GIVEN(attempt))
		return STAGE_CONTINUE;
	if (!attempt->enforced || !attempt->rate_limit || !attempt->generation || attempt->sampled)
		return STAGE_CONTINUE;
	digest = spent_digest(attempt);
	hint = spent_hint(digest);
	if (!hint || (hint[0] != spent_hint_of(digest) && hint[1] != spent_hint_of(digest)))
		return STAGE_CONTINUE;
	line = spent_line(digest);
	if (!line)
		return STAGE_CONTINUE;
	return spent_says_drop(&line->ways[0], digest, attempt) ||
			       spent_says_drop(&line->ways[1], digest, attempt)
		       ? SA_REASON_RATE
		       : STAGE_CONTINUE;
}

/* A copy whose window has lapsed, or none, gives its place; else one of the two does. */
static __always_inline __u32 spent_way(const struct sa_spent_line *line,
				       const struct attempt *attempt, __u64 digest)
{
	if (window_lapsed(line->ways[0].window, attempt))
		return 0;
	if (window_lapsed(line->ways[1].window, attempt))
		return 1;
	return digest >> 63;
}

/* Writes nothing that stands there already: the line is read by all CPUs. */
PART int spent_remember(const struct attempt *attempt, const struct sa_spent *copy)
{
	struct sa_spent_hints *entry;
	struct sa_spent_line *line;
	__u64 digest, check;
	__u8 *hint;
	__u32 way;

	if (!GIVEN(attempt && copy))
		return 0;
	digest = spent_digest(attempt);
	check = digest ^ spent_seal(copy);
	line = spent_line(digest);
	entry = spent_hints_of(digest);
	if (!line || !entry || line->ways[0].check == check || line->ways[1].check == check)
		return 0;
	way = number_forgotten(spent_way(line, attempt, digest)) & (SA_SPENT_WAYS - 1);
	line->ways[way] = (struct sa_spent){
		.check = check,
		.window = copy->window,
		.remembered = { copy->remembered[0], copy->remembered[1], copy->remembered[2],
				copy->remembered[3] },
	};
	hint = spent_hint_in(entry, digest);
	hint[way] = spent_hint_of(digest);
	return 0;
}

#endif
