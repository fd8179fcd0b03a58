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
#include "synanvil/homes.h"
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
					   const struct sa_source_key *source, __u32 slot,
					   __u32 epoch)
{
	struct sa_live_place place = sa_live_place(head->seed, source, epoch);
	__u16 counted = 0;

	sa_live_hint_raise(sa_live_hint(head, place.bucket), place.digest);
	if (live_bucket_add(live_bucket_at(place), place.digest))
		counted |= SA_COUNTED_SOURCE;
	else
		sa_live_hint_lower(sa_live_hint(head, place.bucket));
	if (sa_live_service_add(&head->services[slot % SA_SERVICE_SLOTS], epoch))
		counted |= SA_COUNTED_SERVICE;
	return counted;
}

static __always_inline void live_count_out(struct sa_live_totals *head,
					   const struct sa_source_key *source, __u32 slot,
					   __u32 epoch, __u32 counted)
{
	struct sa_live_place place = sa_live_place(head->seed, source, epoch);

	if (counted & SA_COUNTED_SOURCE && live_bucket_remove(live_bucket_at(place), place.digest))
		sa_live_hint_lower(sa_live_hint(head, place.bucket));
	if (counted & SA_COUNTED_SERVICE)
		sa_live_service_remove(&head->services[slot % SA_SERVICE_SLOTS], epoch);
}

/* Whether entries of another epoch are left, which the agent has not counted anew yet. */
static __always_inline bool live_is_mixed(__u32 epoch)
{
	const struct sa_live_totals *head = live_totals_write();

	return head && *(const volatile __u32 *)&head->epoch_kept != epoch;
}

static __always_inline struct sa_home *home_of(__u64 cookie)
{
	__u32 index = sa_home_index(cookie);

	return sa_home_fits(cookie) ? bpf_map_lookup_elem(&homes, &index) : NULL;
}

/*
 * 1: entered and counted; 0: it was known already; -ENOSPC: the home is another connection's, or it
 * has none.
 */
static __always_inline int home_enter(struct sa_live_totals *head,
				      const struct sa_connection_key *key,
				      const struct sa_connection *connection)
{
	struct sa_home *home = home_of(key->cookie);
	__u64 found;
	__u16 counted;

	if (!home)
		return -ENOSPC;
	found = __sync_val_compare_and_swap(&home->word, 0, sa_home_making(key->cookie));
	if (found)
		return sa_home_is_of(found, key->cookie) ? 0 : -ENOSPC;
	home->source = connection->source;
	home->epoch = key->epoch;
	counted = live_count_in(head, &connection->source, connection->slot, key->epoch);
	if (counted != (SA_COUNTED_SOURCE | SA_COUNTED_SERVICE))
		__sync_fetch_and_add(&head->uncounted, 1);
	__sync_lock_test_and_set(&home->word, sa_home_word(key->cookie, connection->slot, counted));
	return 1;
}

/* What is at home says of which epoch it is. */
static __always_inline bool home_leave(struct sa_live_totals *head, __u64 cookie)
{
	struct sa_home *home = home_of(cookie);
	struct sa_source_key source;
	__u32 epoch;
	__u64 word;

	if (!home)
		return false;
	word = *(volatile __u64 *)&home->word;
	if (!sa_home_is_of(word, cookie) || word & SA_HOME_BEING_MADE)
		return false;
	source = home->source;
	epoch = home->epoch;
	if (__sync_val_compare_and_swap(&home->word, word, 0) != word)
		return false;
	live_count_out(head, &source, sa_home_slot(word), epoch, sa_home_counted(word));
	return true;
}

static __always_inline bool strays_are_there(const struct sa_live_totals *head)
{
	return *(const volatile __u32 *)&head->strays;
}

static __always_inline bool is_stray(const struct sa_live_totals *head,
				     const struct sa_connection_key *key)
{
	return strays_are_there(head) && bpf_map_lookup_elem(&connections, key);
}

/* For one whose home is taken. As home_enter; beyond what the table holds it is not counted. */
static __always_inline int stray_enter(struct sa_live_totals *head,
				       const struct sa_connection_key *key,
				       struct sa_connection *connection, bool again)
{
	struct sa_connection *entry;
	__u16 counted;
	int error;

	connection->counted = SA_COUNTED_SOURCE | SA_COUNTED_SERVICE;
	__sync_fetch_and_add(&head->strays, 1);
	error = bpf_map_update_elem(&connections, key, connection, BPF_NOEXIST);
	if (error)
		__sync_fetch_and_add(&head->strays, -1);
	if (error == -EEXIST || (error && again))
		return 0;
	if (error) {
		__sync_fetch_and_add(&head->uncounted, 1);
		return 1;
	}
	counted = live_count_in(head, &connection->source, connection->slot, key->epoch);
	if (counted == connection->counted)
		return 1;
	/* Nobody deletes it now: the socket that could tell to is the one that is being entered. */
	entry = bpf_map_lookup_elem(&connections, key);
	if (entry)
		entry->counted = counted;
	__sync_fetch_and_add(&head->uncounted, 1);
	return 1;
}

/* The entry never changes while it is there, so what was copied before is what was deleted. */
static __always_inline void stray_leave(struct sa_live_totals *head,
					const struct sa_connection_key *key)
{
	const struct sa_connection *entry;
	struct sa_connection copy;

	if (!strays_are_there(head))
		return;
	entry = bpf_map_lookup_elem(&connections, key);
	if (!entry)
		return;
	copy = *entry;
	if (bpf_map_delete_elem(&connections, key))
		return;
	__sync_fetch_and_add(&head->strays, -1);
	live_count_out(head, &copy.source, copy.slot, key->epoch, copy.counted);
}

/*
 * False where the connection was known already, or looked at again and there is no room for it
 * still.
 */
static __always_inline bool live_enter(const struct sa_connection_key *key,
				       struct sa_connection *connection, bool again)
{
	struct sa_live_totals *head = live_totals_write();
	int entered;

	if (!head || is_stray(head, key))
		return false;
	entered = home_enter(head, key, connection);
	if (entered < 0)
		entered = stray_enter(head, key, connection, again);
	return entered;
}

/* Its entries may be of the epoch before too, until the agent has counted it anew. */
static __always_inline void live_leave(__u64 cookie, __u32 epoch)
{
	struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	struct sa_live_totals *head = live_totals_write();
	bool mixed = live_is_mixed(epoch);

	if (!head || (home_leave(head, cookie) && !mixed))
		return;
	stray_leave(head, &key);
	if (mixed) {
		key.epoch--;
		stray_leave(head, &key);
	}
}

#endif
