/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry and exit of one connection: its own entry first, then what is counted of it. Only who has
 * made the entry counts, and only who has deleted it takes back; so it does not matter how often,
 * by how many programs, and whether by the agent too, a connection is seen to open or close.
 */
#ifndef BPF_LIVE_CHANGE_H
#define BPF_LIVE_CHANGE_H

#include <stdbool.h>

#include <linux/errno.h>

#include "maps.bpf.h"
#include "synanvil/live.h"

/* Global, so that the verifier follows it once. */
__attribute__((noinline)) int live_bucket_add(struct sa_live_bucket *bucket, __u64 digest)
{
	return bucket ? sa_live_add(bucket, digest) : 0;
}

__attribute__((noinline)) int live_bucket_remove(struct sa_live_bucket *bucket, __u64 digest)
{
	return bucket ? sa_live_remove(bucket, digest) : 0;
}

static __always_inline struct sa_live_totals *live_totals_write(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&live_totals, &zero);
}

static __always_inline struct sa_live_bucket *live_bucket_at(struct sa_live_place place)
{
	return bpf_map_lookup_elem(&live, &place.bucket);
}

static __always_inline __u16 live_count_in(struct sa_live_totals *head,
					   const struct sa_connection_key *key,
					   const struct sa_connection *connection)
{
	struct sa_live_place place = sa_live_place(head->seed, &connection->source, key->epoch);
	__u64 *service = &head->services[connection->slot % SA_SERVICE_SLOTS];
	__u16 counted = 0;

	__sync_fetch_and_add(sa_live_hint(head, place.bucket), 1);
	if (live_bucket_add(live_bucket_at(place), place.digest))
		counted |= SA_COUNTED_SOURCE;
	else
		__sync_fetch_and_add(sa_live_hint(head, place.bucket), -1);
	if (sa_live_service_add(service, key->epoch))
		counted |= SA_COUNTED_SERVICE;
	return counted;
}

/* False where the connection was known already, or looked at again and there is no room for it
 * still. */
static __always_inline bool live_enter(const struct sa_connection_key *key,
				       struct sa_connection *connection, bool again)
{
	struct sa_live_totals *head = live_totals_write();
	struct sa_connection *entry;
	__u16 counted;
	int error;

	connection->counted = SA_COUNTED_SOURCE | SA_COUNTED_SERVICE;
	error = bpf_map_update_elem(&connections, key, connection, BPF_NOEXIST);
	if (error == -EEXIST || !head)
		return false;
	if (error && again)
		return false;
	if (error) {
		__sync_fetch_and_add(&head->uncounted, 1);
		return true;
	}
	counted = live_count_in(head, key, connection);
	if (counted == connection->counted)
		return true;
	/* Nobody deletes it now: the socket that could tell to is the one that is being entered. */
	entry = bpf_map_lookup_elem(&connections, key);
	if (entry)
		entry->counted = counted;
	__sync_fetch_and_add(&head->uncounted, 1);
	return true;
}

/* Whether entries of another epoch are left, which the agent has not counted anew yet. */
static __always_inline bool live_is_mixed(__u32 epoch)
{
	const struct sa_live_totals *head = live_totals_write();

	return head && *(const volatile __u32 *)&head->epoch_kept != epoch;
}

/* The entry never changes while it is there, so what was copied before is what was deleted. */
static __always_inline void live_leave(const struct sa_connection_key *key)
{
	const struct sa_connection *entry = bpf_map_lookup_elem(&connections, key);
	struct sa_live_totals *head = live_totals_write();
	struct sa_connection copy;
	struct sa_live_place place;

	if (!entry || !head)
		return;
	copy = *entry;
	if (bpf_map_delete_elem(&connections, key))
		return;
	place = sa_live_place(head->seed, &copy.source, key->epoch);
	if (copy.counted & SA_COUNTED_SOURCE &&
	    live_bucket_remove(live_bucket_at(place), place.digest))
		__sync_fetch_and_add(sa_live_hint(head, place.bucket), -1);
	if (copy.counted & SA_COUNTED_SERVICE)
		sa_live_service_remove(&head->services[copy.slot % SA_SERVICE_SLOTS], key->epoch);
}

#endif
