/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a source may open one more connection: its live ones and its places (attempts that passed
 * and are on their way) against what it may hold, and the service's live ones against its
 * processes. Writer of sa_source.pending.
 *
 * What a source may hold is its limit, and where the service's processes are limited no more than
 * are free, at least one: of two sources that want all, none gets more than what is left, and
 * whoever holds none yet passes while any is free. Places never count towards the service's total:
 * forged attempts would close it.
 *
 * Whatever cannot be decided passes.
 */
#ifndef BPF_PLACES_H
#define BPF_PLACES_H

#include "attempt.bpf.h"
#include "live.bpf.h"
#include "pending.bpf.h"
#include "repeats.bpf.h"
#include "speculation.bpf.h"
#include "window.bpf.h"

static __always_inline bool connections_are_limited(const struct attempt *attempt)
{
	return attempt->connection_limit || attempt->process_limit;
}

static __always_inline bool service_is_full(const struct attempt *attempt)
{
	return attempt->process_limit && attempt->service_live >= attempt->process_limit;
}

static __always_inline __u32 source_may_hold(const struct attempt *attempt)
{
	__u32 limit = attempt->connection_limit ? attempt->connection_limit : ~0U;
	__u32 share;

	if (!attempt->process_limit || attempt->behind_proxy)
		return limit;
	share = service_is_full(attempt) ? 1 : attempt->process_limit - attempt->service_live;
	return share < limit ? share : limit;
}

/*
 * Limits hold only as long as somebody counts: connections that nobody saw close would keep a
 * source out for ever. Counts that lag know no moment at which a place is given back, so there none
 * is taken.
 */
static __always_inline void connection_limits_apply(struct attempt *attempt)
{
	struct sa_live_totals *head;
	__u64 until_ms;

	if (!connections_are_limited(attempt))
		return;
	head = live_totals_read();
	until_ms = head ? *(const volatile __u64 *)&head->holds_until_ms : 0;
	attempt->takes_place = until_ms == SA_LIVE_ALWAYS;
	if (!head || attempt->now_ms >= until_ms)
		attempt->connection_limit = attempt->process_limit = 0;
	else
		live_find(head, attempt);
}

/* What is counted of the source and of its service. */
static __always_inline void connections_count(struct attempt *attempt)
{
	attempt->live = live_of_source(attempt);
	if (attempt->process_limit)
		attempt->service_live = live_of_service(attempt->service_slot, attempt->epoch);
	attempt->may_hold = source_may_hold(attempt);
}

/* Sets attempt->refused by what the source holds besides this attempt. */
static __always_inline void place_judge(struct attempt *attempt, __u64 held)
{
	attempt->refused = SA_REASON_WITHIN_LIMIT;
	if (held >= attempt->may_hold)
		attempt->refused = SA_REASON_CONCURRENCY;
	else if (service_is_full(attempt))
		attempt->refused = SA_REASON_PROCESS_LIMIT;
	attempt->held = held;
}

/* An attempt that nobody refuses holds a place, and where nothing is enforced each does. */
static __always_inline bool place_is_due(const struct attempt *attempt)
{
	return attempt->takes_place && (!attempt->refused || !attempt->enforced);
}

/*
 * For a source without an entry: whether it may have one more, and sa_source.pending of the entry
 * that will be made.
 */
static __always_inline __u64 place_first(struct attempt *attempt)
{
	connections_count(attempt);
	place_judge(attempt, attempt->live);
	return place_is_due(attempt) ? pending_add(pending_at(0, attempt->now_ms)) : 0;
}

/*
 * Whether this attempt was sent, and passed, before: then one of the places is its own. As with
 * charges the last four attempts are known, and so many repeats are believed in a window. Accepted:
 * once a window has turned, repeats of attempts from before it take a second place.
 */
static __always_inline bool attempt_is_repeat(const struct sa_source *source,
					      const struct attempt *attempt)
{
	__u64 start_ms = window_start_ms(*(const volatile __u64 *)&source->window);

	return digest_is_among(attempt_digest(&attempt->packet, start_ms), source->remembered) &&
	       repeats_are_left(source, start_ms);
}

/* Whether it is settled; if not, the source's places were moved meanwhile. */
PART bool place_try(struct sa_source *source, struct attempt *attempt, int spent)
{
	__u64 old, word;
	__u32 places;
	bool repeated;

	if (!GIVEN(source && attempt))
		return true;
	old = *(volatile __u64 *)&source->pending;
	word = pending_at(old, attempt->now_ms);
	places = attempt->takes_place ? pending_count(word) : 0;
	repeated = places && attempt_is_repeat(source, attempt);
	connections_count(attempt);
	place_judge(attempt, (__u64)attempt->live + places - repeated);
	if (spent || !place_is_due(attempt))
		return true;
	if (__sync_val_compare_and_swap(&source->pending, old,
					repeated ? pending_renew(word) : pending_add(word)) != old)
		return false;
	attempt->placed = !repeated;
	return true;
}

/*
 * Takes a place for an attempt of a known source, or says in attempt->refused why not. spent: the
 * attempt will be dropped for its rate, so that nothing is taken.
 *
 * A connection that opens is counted, then its place is given back. So places are read first, and
 * what is counted after that, each time anew: the other way round it could be in neither.
 */
static __always_inline void place_take(struct sa_source *source, struct attempt *attempt,
				       bool spent)
{
	for (int i = 0; i < PENDING_TRIES; i++)
		if (place_try(source, attempt, spent))
			return;
	attempt->refused = SA_REASON_WITHIN_LIMIT;
}

/* Neither a connection nor a place: then no limit of connections refuses it, as each allows one.
 * Places first, as in place_take. */
static __always_inline bool source_holds_none(const struct sa_source *source,
					      const struct attempt *attempt)
{
	__u64 word = pending_at(*(const volatile __u64 *)&source->pending, attempt->now_ms);

	return !pending_count(word) && live_is_none(attempt);
}

/* Global, as above. */
__attribute__((noinline)) int place_give_back(struct sa_source *source, __u64 now_ms)
{
	if (source)
		pending_release(source, now_ms);
	return 0;
}

/* Global, as above. Whether this drop is the one in its window to be told of. */
__attribute__((noinline)) int place_tell(struct sa_source *source, __u64 start_ms)
{
	return source && source_tell(source, start_ms);
}

static __always_inline bool refusal_is_told(struct sa_source *source)
{
	__u64 start_ms = window_start_ms(*(volatile __u64 *)&source->window);

	return source_is_told(source, start_ms) || !place_tell(source, start_ms);
}

/*
 * The reason, now that attempt_account has said its own: concurrency goes before rate, rate before
 * process_limit. source: NULL where the attempt made the entry. An undecided one's entry is another
 * source's by now: no place there is its own.
 */
PART int place_settle(struct attempt *attempt, struct sa_source *source, int reason)
{
	bool over_rate = reason == SA_REASON_RATE;

	if (!GIVEN(attempt) || !connections_are_limited(attempt))
		return reason;
	if (reason == SA_REASON_UNDECIDED || (over_rate && attempt->enforced)) {
		if (attempt->placed)
			place_give_back(source, attempt->now_ms);
	}
	if (reason == SA_REASON_UNDECIDED)
		return reason;
	if (!attempt->refused || (over_rate && attempt->refused != SA_REASON_CONCURRENCY))
		return reason;
	attempt->first_over = !source || !refusal_is_told(source);
	return attempt->refused;
}

#endif
