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
	if (!head || attempt->now_ms >= until_ms) {
		attempt->connection_limit = attempt->process_limit = 0;
		return;
	}
	if (attempt->process_limit)
		attempt->service_live =
			live_of_service(head, attempt->service_slot, attempt->epoch);
	attempt->may_hold = source_may_hold(attempt);
	attempt->takes_place = until_ms == SA_LIVE_ALWAYS;
	if (attempt->takes_place)
		attempt->note = *(const volatile __u32 *)&head->note & SA_PENDING_NOTE_MASK;
}

/* Global, so that the verifier follows it once. */
__attribute__((noinline)) __u32 live_of_known(struct attempt *attempt)
{
	return attempt ? live_of_source(attempt) : 0;
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
 * For a source without an entry, before what it holds is known: sa_source.pending of the entry that
 * will be made. A full service refuses it for one reason or the other; else it is taken for one
 * that passes.
 */
static __always_inline __u64 place_first(struct attempt *attempt)
{
	if (service_is_full(attempt))
		attempt->refused = SA_REASON_PROCESS_LIMIT;
	return place_is_due(attempt) ? pending_add(pending_at(0, attempt->now_ms)) : 0;
}

/* What becomes of the first attempt, now that the entry is made. */
PART int place_first_judge(struct attempt *attempt)
{
	if (!GIVEN(attempt))
		return 0;
	attempt->live = live_of_source(attempt);
	place_judge(attempt, attempt->live);
	return 0;
}

/* Whether it need not be looked for connections of the source. */
static __always_inline bool none_is_noted(__u64 pending, const struct attempt *attempt)
{
	return attempt->note && pending_note(pending) == attempt->note;
}

/* Whether it is settled; if not, the source's word was moved meanwhile. */
PART bool place_try(struct sa_source *source, struct attempt *attempt, int spent, int repeat)
{
	__u64 old, word;
	__u32 places;
	bool noted, takes;

	if (!GIVEN(source && attempt))
		return true;
	old = *(volatile __u64 *)&source->pending;
	word = pending_at(old, attempt->now_ms);
	places = attempt->takes_place ? pending_count(word) : 0;
	repeat = repeat && places;
	noted = none_is_noted(old, attempt);
	attempt->live = noted ? 0 : live_of_known(attempt);
	place_judge(attempt, (__u64)attempt->live + places - repeat);
	takes = !spent && place_is_due(attempt);
	if (!noted && attempt->note && !attempt->live)
		word = pending_noted(word, attempt->note);
	else if (!takes)
		return true;
	if (takes)
		word = repeat ? pending_renew(word) : pending_add(word);
	if (__sync_val_compare_and_swap(&source->pending, old, word) != old)
		return false;
	attempt->placed = takes && !repeat;
	return true;
}

/*
 * Takes a place for an attempt of a known source, or says in attempt->refused why not. spent: the
 * attempt will be dropped for its rate, so that nothing is taken. repeat: it was sent, and passed,
 * before, so that one of the places is its own. As with charges the last four attempts are known,
 * and so many repeats are believed in a window. Accepted: once a window has turned, repeats of
 * attempts from before it take a second place.
 *
 * A connection that opens is counted, then its place is given back. So places are read first, and
 * what is counted after that, each time anew: the other way round it could be in neither.
 */
static __always_inline void place_take(struct sa_source *source, struct attempt *attempt,
				       bool spent, bool repeat)
{
	for (int i = 0; i < PENDING_TRIES; i++)
		if (place_try(source, attempt, spent, repeat))
			return;
	attempt->refused = SA_REASON_WITHIN_LIMIT;
}

/*
 * Noted to have no connection, and fewer places than it may hold: no limit of connections goes
 * before its rate.
 */
static __always_inline bool source_has_room(const struct sa_source *source,
					    const struct attempt *attempt)
{
	__u64 word = *(const volatile __u64 *)&source->pending;

	return none_is_noted(word, attempt) &&
	       (pending_count(word) < attempt->may_hold ||
		pending_count(pending_at(word, attempt->now_ms)) < attempt->may_hold);
}

/* Global, as above. */
__attribute__((noinline)) int place_give_back(struct sa_source *source, __u64 now_ms)
{
	if (source)
		pending_open(source, now_ms);
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
 * process_limit. source: NULL where there is no entry to be told in. An undecided one's entry is
 * another source's by now: no place there is its own.
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
