/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source address to list: exempt, blocked, or neither. Lists are asked by the full address,
 * whatever the prefix length that sources are counted by. Writes nothing; finds the source's entry,
 * which may already know that no list matches.
 */
#ifndef BPF_CLASSIFY_H
#define BPF_CLASSIFY_H

#include "attempt.bpf.h"
#include "maps.bpf.h"
#include "speculation.bpf.h"

static __always_inline void source_key_make(const struct sa_settings *set, struct attempt *attempt)
{
	const struct sa_address *mask = &set->mask_ipv6;
	struct sa_address masked;

	if (attempt->packet.family == SA_FAMILY_IPV4) {
		mask = &set->mask_ipv4;
		KEPT(mask);
	}
	masked.high_be = attempt->packet.source.high_be & mask->high_be;
	masked.low_be = attempt->packet.source.low_be & mask->low_be;
	__builtin_memcpy(attempt->key.address, &masked, sizeof(masked));
}

/* False where the trie behind the filter cannot match: most sources are on no list. */
PART bool filter_passes(__u32 row, const struct packet *packet)
{
	const struct sa_filter *filter = bpf_map_lookup_elem(&filters, &row);
	__u32 words[4], bit;

	if (!filter || !GIVEN(packet))
		return true;
	__builtin_memcpy(words, &packet->source, sizeof(words));
	if (packet->family == SA_FAMILY_IPV4) {
		bit = SA_FILTER_BIT_IPV4(bpf_ntohl(words[3]));
		return filter->bits[SA_FAMILY_IPV4][bit / 64 % SA_FILTER_WORDS] >> bit % 64 & 1;
	}
	bit = SA_FILTER_BIT_IPV6(bpf_ntohl(words[0]));
	return filter->bits[SA_FAMILY_IPV6][bit / 64 % SA_FILTER_WORDS] >> bit % 64 & 1;
}

static __always_inline __u32 runtime_exception(const struct attempt *attempt,
					       const struct sa_prefix *address)
{
	const __u32 *value;

	if (!filter_passes(SA_FILTER_RUNTIME, &attempt->packet))
		return SA_EXCEPTION_NONE;
	value = bpf_map_lookup_elem(&runtime, address);
	return value ? *value : SA_EXCEPTION_NONE;
}

static __always_inline __u32 configured_exception(const struct attempt *attempt,
						  const struct sa_prefix *address)
{
	const __u32 *value;
	void *list;

	if (!filter_passes(SA_FILTER_CONFIGURED + attempt->index, &attempt->packet))
		return SA_EXCEPTION_NONE;
	list = bpf_map_lookup_elem(&configured, &attempt->index);
	if (!list)
		return SA_EXCEPTION_NONE;
	value = bpf_map_lookup_elem(list, address);
	return value ? *value : SA_EXCEPTION_NONE;
}

/* Run-time exceptions win over the configured list. */
static __always_inline bool source_is_exempt(const struct attempt *attempt,
					     const struct sa_prefix *address)
{
	__u32 said = runtime_exception(attempt, address);

	if (said == SA_EXCEPTION_NONE)
		said = configured_exception(attempt, address);
	return said == SA_EXCEPTION_EXEMPT;
}

static __always_inline bool source_is_blocked(const struct attempt *attempt,
					      const struct sa_prefix *address)
{
	const struct sa_block *block;

	if (!filter_passes(SA_FILTER_BLOCKS, &attempt->packet))
		return false;
	block = bpf_map_lookup_elem(&blocks, address);
	return block && block->expires_ms > attempt->now_ms;
}

/*
 * What an entry remembers is one word, so that it is never half of one fact and half of another:
 * the generation and the lower half of the full address. That half is unambiguous where sources are
 * counted by 64 bits or more, since the entry's key has the rest; the agent clears
 * cache_classification elsewhere. "Neither exempt nor blocked" stays true while the generation
 * does: a block that has ended does not begin again.
 */
static __always_inline __u64 classification_word(const struct sa_settings *set,
						 const struct attempt *attempt)
{
	if (!attempt->generation || !set->cache_classification)
		return 0;
	return attempt->generation ^ attempt->packet.source.low_be;
}

PART int prefix_fill(struct sa_prefix *prefix, const struct attempt *attempt)
{
	if (!GIVEN(prefix && attempt))
		return 0;
	prefix->length = 128;
	__builtin_memcpy(prefix->address, &attempt->packet.source, sizeof(prefix->address));
	return 0;
}

static __always_inline int source_classify(const struct sa_settings *set, struct attempt *attempt,
					   struct sa_source **ret_source)
{
	struct sa_prefix address = {};
	struct sa_source *source;

	attempt->classified = classification_word(set, attempt);
	source = bpf_map_lookup_elem(&sources, &attempt->key);
	*ret_source = source;
	if (source && attempt->classified && source->classified == attempt->classified)
		return STAGE_CONTINUE;
	(void)prefix_fill(&address, attempt);
	if (source_is_exempt(attempt, &address))
		return SA_REASON_EXEMPT;
	if (source_is_blocked(attempt, &address))
		return SA_REASON_BLOCKED;
	return STAGE_CONTINUE;
}

#endif
