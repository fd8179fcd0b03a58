/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live connections of a source and of a service, for the packet path. Reads only; live_change.bpf.h
 * writes. What cannot be read counts as none: nobody is refused for it.
 */
#ifndef BPF_LIVE_H
#define BPF_LIVE_H

#include "maps.bpf.h"
#include "synanvil/live.h"

static __always_inline struct sa_live_totals *live_totals_read(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&live_totals, &zero);
}

/* epoch: sa_settings.epoch of the settings that made the key. */
static __always_inline __u32 live_of_source(const struct sa_source_key *key, __u32 epoch)
{
	struct sa_live_totals *head = live_totals_read();
	const struct sa_live_bucket *bucket;
	struct sa_live_place place;

	if (!head)
		return 0;
	place = sa_live_place(head->seed, key, epoch);
	if (!*(volatile __u32 *)sa_live_hint(head, place.bucket))
		return 0;
	bucket = bpf_map_lookup_elem(&live, &place.bucket);
	return bucket ? sa_live_count(bucket, place.digest) : 0;
}

/* slot, epoch: of the same settings. */
static __always_inline __u32 live_of_service(__u32 slot, __u32 epoch)
{
	const struct sa_live_totals *head = live_totals_read();

	if (!head)
		return 0;
	return sa_live_service_count(
		*(const volatile __u64 *)&head->services[slot % SA_SERVICE_SLOTS], epoch);
}

#endif
