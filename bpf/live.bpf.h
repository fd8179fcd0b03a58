/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live connections of a source and of a service, for the packet path. Reads only; live_change.bpf.h
 * writes. What cannot be read counts as none: nobody is refused for it.
 */
#ifndef BPF_LIVE_H
#define BPF_LIVE_H

#include "attempt.bpf.h"
#include "maps.bpf.h"
#include "speculation.bpf.h"
#include "synanvil/live.h"

static __always_inline struct sa_live_totals *live_totals_read(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&live_totals, &zero);
}

/* Global, so that the verifier follows it once. */
__attribute__((noinline)) __u32 live_look(__u32 index, __u64 digest)
{
	const struct sa_live_bucket *bucket = bpf_map_lookup_elem(&live, &index);
	__u32 count = 0;

	if (!bucket)
		return 0;
	for (int i = 0; i < SA_LIVE_WAYS; i++) {
		count += number_forgotten(sa_live_word_count(&bucket->words[i], digest));
		KEPT(count);
	}
	return count;
}

/* Most sources have none, and no call is made for them. */
static __always_inline __u32 live_of_source(const struct attempt *attempt)
{
	struct sa_live_totals *head = live_totals_read();
	struct sa_live_place place;

	if (!head)
		return 0;
	place = sa_live_place(head->seed, &attempt->key, attempt->epoch);
	if (!sa_live_is_hinted(*(volatile __u32 *)sa_live_hint(head, place.bucket), place.digest))
		return 0;
	return live_look(place.bucket, place.digest);
}

/* head: not NULL; slot, epoch: of the same settings. */
static __always_inline __u32 live_of_service(const struct sa_live_totals *head, __u32 slot,
					     __u32 epoch)
{
	return sa_live_service_count(
		*(const volatile __u64 *)&head->services[slot % SA_SERVICE_SLOTS], epoch);
}

#endif
