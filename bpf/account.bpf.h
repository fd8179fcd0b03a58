/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts an attempt against its source's limit. Sole writer of the maps sources and
 * blocked_sources.
 *
 * Start and count of the window are one word that only compare-and-swap
 * moves, so no attempt is lost or counted twice, on whatever CPUs attempts arrive and at the turn
 * of the window too.
 *
 * Linux may evict an entry while a CPU still holds it, and give its memory to another source.
 * Before anything is decided by an entry its owner is read again: Linux writes a new entry from the
 * front, so a foreign window is never seen with the own owner before it. An attempt that was
 * charged to the wrong source is taken back.
 */
#ifndef BPF_ACCOUNT_H
#define BPF_ACCOUNT_H

#include <linux/errno.h>

#include "attempt.bpf.h"
#include "maps.bpf.h"
#include "places.bpf.h"
#include "repeats.bpf.h"
#include "speculation.bpf.h"
#include "spent.bpf.h"
#include "window.bpf.h"

/* Each failed swap means that another CPU's attempt was counted; more than this in a row is not
 * seen on 256 CPUs. */
#define SWAP_TRIES 64

/* Accepted race: attempts four apart may write one slot at once; the loser's repeat is then
 * charged. */
static __always_inline void source_remember(struct sa_source *source, const struct attempt *attempt,
					    __u64 window)
{
	__u32 place = (window_count(window) - 1) % SA_REPEATS_REMEMBERED;
	__u32 digest = attempt_digest(&attempt->packet, window_start_ms(window));

	if (!SPECULATION_IS_CHECKED) {
		source->remembered[place] = digest;
		return;
	}
	for (__u32 i = 0; i < SA_REPEATS_REMEMBERED; i++) {
		__u32 *here = &source->remembered[i];

		KEPT(here);
		if (i == place)
			*here = digest;
	}
}

static __always_inline __u32 source_owner(const struct sa_source_key *key)
{
	__u32 words[5];

	__builtin_memcpy(words, key, sizeof(words));
	return (words[0] ^ words[2]) * 0x9e3779b1U + (words[1] ^ words[3]) + words[4];
}

static __always_inline bool source_is_own(const struct sa_source *source,
					  const struct attempt *attempt)
{
	return *(const volatile __u32 *)&source->owner == source_owner(&attempt->key);
}

/* Accepted race: if the window turned or moved meanwhile, the other source keeps one attempt that
 * was not its own. */
static __always_inline void charge_take_back(struct sa_source *source)
{
	__u64 old = *(volatile __u64 *)&source->window;

	if (window_count(old))
		__sync_val_compare_and_swap(&source->window, old, old - 1);
}

static __always_inline int attempt_reason(const struct attempt *attempt)
{
	__u32 limit = attempt->rate_limit;

	if (!limit)
		return SA_REASON_UNLIMITED;
	return attempt->count > limit ? SA_REASON_RATE : SA_REASON_WITHIN_LIMIT;
}

static __always_inline bool attempt_is_among(const struct sa_source *source,
					     const struct attempt *attempt, __u64 window)
{
	return digest_is_among(attempt_digest(&attempt->packet, window_start_ms(window)),
			       source->remembered);
}

/*
 * Whether the source is over its enforced limit, which was told, and this attempt no repeat of a
 * passed one. Nothing is written then, or a flood from one source would make the line that holds
 * its entry travel between CPUs; the count stays at one past the limit.
 */
static __always_inline bool source_is_spent(const struct sa_source *source,
					    const struct attempt *attempt)
{
	__u64 window = *(const volatile __u64 *)&source->window;
	__u32 limit = attempt->rate_limit;

	return limit && attempt->enforced && window_count(window) > limit &&
	       !window_lapsed(window, attempt) && source_is_told(source, window_start_ms(window)) &&
	       !attempt_is_among(source, attempt, window) && source_is_own(source, attempt);
}

/*
 * The attempt has its count. One over the limit is told of once in the window: as a rule the first
 * one past the limit, any other where a reload lowered it in mid-window.
 */
static __always_inline int source_judge(struct sa_source *source, struct attempt *attempt,
					__u64 start_ms)
{
	int reason = attempt_reason(attempt);

	if (reason == SA_REASON_RATE && attempt->refused != SA_REASON_CONCURRENCY)
		attempt->first_over = source_tell(source, start_ms);
	return reason;
}

/*
 * Moves the source's window on from what was read of it. repeat: whether the attempt is among those
 * remembered in it. STAGE_CONTINUE where another attempt was counted meanwhile: then it is to be
 * read, and tried, again.
 */
PART int charge_try(struct sa_source *source, struct attempt *attempt, __u64 old, int repeat)
{
	__u64 new;
	__u32 limit;

	if (!GIVEN(source && attempt))
		return SA_REASON_UNDECIDED;
	limit = attempt->rate_limit;
	if (window_lapsed(old, attempt)) {
		new = window_new(attempt->now_ms);
	} else {
		__u64 start_ms = window_start_ms(old);

		attempt->count = window_count(old);
		if (repeat && repeat_take(source, start_ms))
			return limit ? SA_REASON_WITHIN_LIMIT : SA_REASON_UNLIMITED;
		if (attempt->count == SA_COUNT_MAX ||
		    (limit && attempt->enforced && attempt->count > limit))
			return source_is_own(source, attempt)
				       ? source_judge(source, attempt, start_ms)
				       : SA_REASON_UNDECIDED;
		new = old + 1;
	}
	if (__sync_val_compare_and_swap(&source->window, old, new) != old)
		return STAGE_CONTINUE;
	if (!source_is_own(source, attempt)) {
		charge_take_back(source);
		return SA_REASON_UNDECIDED;
	}
	attempt->count = window_count(new);
	if (!attempt->refused && (!limit || attempt->count <= limit))
		source_remember(source, attempt, new);
	return source_judge(source, attempt, window_start_ms(new));
}

/* One attempt of a known source. Global, so that the verifier follows it once. */
__attribute__((noinline)) int source_charge(struct sa_source *source, struct attempt *attempt,
					    int spent)
{
	__u64 old;
	bool repeat;

	if (!source || !attempt)
		return SA_REASON_UNDECIDED;
	/* All is read before the first swap, which has to wait for the source's line, and loads for
	 * it. */
	old = *(volatile __u64 *)&source->window;
	repeat = attempt_is_among(source, attempt, old);
	if (connections_are_limited(attempt))
		place_take(source, attempt, spent,
			   repeat && repeats_are_left(source, window_start_ms(old)));
	if (spent)
		return SA_REASON_RATE;
	for (int i = 0; i < SWAP_TRIES; i++) {
		int reason = charge_try(source, attempt, old, repeat);

		if (reason != STAGE_CONTINUE)
			return reason;
		old = *(volatile __u64 *)&source->window;
		repeat = attempt_is_among(source, attempt, old);
	}
	return SA_REASON_UNDECIDED;
}

/* What is known of a source by its first attempt. fresh: all zero. */
PART int source_fill(struct sa_source *fresh, struct attempt *attempt)
{
	if (!GIVEN(fresh && attempt))
		return 0;
	fresh->owner = source_owner(&attempt->key);
	fresh->window = window_new(attempt->now_ms);
	fresh->classified = attempt->classified;
	fresh->pending = place_first(attempt);
	if (attempt->refused) {
		fresh->repeats = repeats_tag(attempt->now_ms) | REPEATS_TOLD;
		fresh->dropped = 1;
		fresh->last_dropped_s = attempt->now_ms / 1000;
	} else {
		fresh->remembered[0] = attempt_digest(&attempt->packet, attempt->now_ms);
	}
	return 0;
}

static __always_inline int source_create(struct attempt *attempt)
{
	struct sa_source fresh = {};
	struct sa_totals *total;
	__u32 zero = 0;
	int error;

	(void)source_fill(&fresh, attempt);
	error = bpf_map_update_elem(&sources, &attempt->key, &fresh, BPF_NOEXIST);
	if (error)
		return error;
	attempt->count = 1;
	total = bpf_map_lookup_elem(&totals, &zero);
	if (total)
		total->source_inserts++;
	return 0;
}

/*
 * What the source holds is looked for once its entry is made. Before that, the processor would have
 * to get through the look ahead of the loads that the entry waits for: 15 ns a new source.
 *
 * An entry that was made for a refused attempt stays as it is: to look it up again would have Linux
 * keep it longer than those of sources that passed once, and whoever forges sources while a service
 * is full makes many. Others are refused only to who has connections.
 *
 * Accepted race: another attempt of the source meanwhile sees a place that will be given back. It
 * is refused for that only where a connection has closed since this one was refused.
 */
static __always_inline void source_open(struct attempt *attempt, struct sa_source **ret_source)
{
	const bool made_refused = attempt->refused;
	struct sa_source *source;

	if (!connections_are_limited(attempt))
		return;
	(void)place_first_judge(attempt);
	if (!attempt->refused || made_refused)
		return;
	source = bpf_map_lookup_elem(&sources, &attempt->key);
	if (!source)
		return;
	source->remembered[0] = 0;
	if (attempt->takes_place && !place_is_due(attempt))
		place_give_back(source, attempt->now_ms);
	*ret_source = source;
}

static __always_inline int attempt_account(struct attempt *attempt, struct sa_source **source)
{
	bool spent;

	/* What was compared before is not to be compared again: see speculation.bpf.h. */
	if (SPECULATION_IS_CHECKED)
		*source = bpf_map_lookup_elem(&sources, &attempt->key);
	if (!*source) {
		int error = source_create(attempt);

		if (!error) {
			source_open(attempt, source);
			return attempt_reason(attempt);
		}
		if (error != -EEXIST)
			return SA_REASON_UNDECIDED;
		*source = bpf_map_lookup_elem(&sources, &attempt->key);
		if (!*source)
			return SA_REASON_UNDECIDED;
	}
	if (attempt->classified && (*source)->classified != attempt->classified)
		(*source)->classified = attempt->classified;
	spent = source_is_spent(*source, attempt);
	if (spent && (!connections_are_limited(attempt) || source_has_room(*source, attempt)))
		return SA_REASON_RATE;
	return source_charge(*source, attempt, spent);
}

/*
 * One more drop of a source: exact at first, then SA_DROPPED_EXACT at a time with the inverse
 * probability, so that a flood rarely writes. When the last one was is written once a second.
 */
static __always_inline void drop_note(__u32 *dropped, __u32 *last_dropped_s,
				      const struct attempt *attempt)
{
	__u32 step = *dropped < SA_DROPPED_EXACT ? 1 : SA_DROPPED_EXACT;
	__u32 now_s = attempt->now_ms / 1000;

	if (step == 1 || attempt->sampled)
		__sync_fetch_and_add(dropped, step);
	if (*last_dropped_s != now_s)
		*last_dropped_s = now_s;
}

/* A drop for a block; sets first_over if none was reported for this source within the unit. */
static __always_inline void blocked_account(struct attempt *attempt)
{
	const struct sa_source_key *key = &attempt->key;
	struct sa_blocked_source *source;
	struct sa_source_key copy;
	__u64 event_ms;

	/* Linux 6.1 takes no key from what a function was given. */
	if (SPECULATION_IS_CHECKED) {
		copy = attempt->key;
		key = &copy;
	}
	source = bpf_map_lookup_elem(&blocked_sources, key);
	if (!source) {
		struct sa_blocked_source fresh = { .event_ms = attempt->now_ms,
						   .dropped = 1,
						   .last_dropped_s = attempt->now_ms / 1000 };

		attempt->first_over =
			!bpf_map_update_elem(&blocked_sources, key, &fresh, BPF_NOEXIST);
		return;
	}
	drop_note(&source->dropped, &source->last_dropped_s, attempt);
	event_ms = source->event_ms;
	if ((__s64)(attempt->now_ms - event_ms) < (__s64)attempt->rate_unit_ms)
		return;
	attempt->first_over = __sync_val_compare_and_swap(&source->event_ms, event_ms,
							  attempt->now_ms) == event_ms;
}

/* The owner is read after what is copied, as everywhere. */
static __always_inline void source_shortcut(const struct sa_source *source,
					    const struct attempt *attempt)
{
	struct sa_spent copy = { .window = *(const volatile __u64 *)&source->window };

	__builtin_memcpy(copy.remembered, source->remembered, sizeof(copy.remembered));
	if (window_count(copy.window) > attempt->rate_limit &&
	    !window_lapsed(copy.window, attempt) && source_is_own(source, attempt))
		spent_remember(attempt, &copy);
}

/* source: NULL where a shortcut was taken; the sampled attempts stand for those. */
static __always_inline void drop_account(struct attempt *attempt, struct sa_source *source,
					 int reason)
{
	if (reason == SA_REASON_BLOCKED) {
		blocked_account(attempt);
	} else if (source) {
		drop_note(&source->dropped, &source->last_dropped_s, attempt);
		if (reason == SA_REASON_RATE && attempt->sampled && attempt->enforced &&
		    attempt->generation && source->dropped >= SA_DROPPED_EXACT)
			source_shortcut(source, attempt);
	}
}

#endif
