/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From single windows to the busiest of each source.
 */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "top.h"

/* Forty bytes each. */
#define BUSY_CAPACITY       16384
#define DELIVERING_CAPACITY 65536
#define NETWORKS_CAPACITY   16384

/* No limit that is worth thinking about is below this. */
#define BUSY_ATTEMPTS (ADVICE_FIRST + 1)

/* Places that are looked at in one slice: below a tenth of a millisecond. */
#define SLICE_PLACES  4096

#define NETWORK_BYTES 8 /* of a /64 */

static void evidence_cleanup(struct evidence **evidence)
{
	(void)evidence_free(*evidence);
}

int evidence_new(struct evidence **ret_evidence)
{
	_cleanup_(evidence_cleanup) struct evidence *evidence = calloc(1, sizeof(*evidence));
	int error;

	if (!evidence)
		return -ENOMEM;
	error = peaks_init(&evidence->busy, BUSY_CAPACITY, PEAKS_KEEP_GREATEST);
	if (!error)
		error = peaks_init(&evidence->delivering, DELIVERING_CAPACITY, PEAKS_KEEP_RECENT);
	if (!error)
		error = peaks_init(&evidence->networks, NETWORKS_CAPACITY, PEAKS_KEEP_GREATEST);
	if (!error)
		*ret_evidence = TAKE_PTR(evidence);
	return error;
}

struct evidence *evidence_free(struct evidence *evidence)
{
	if (!evidence)
		return NULL;
	peaks_done(&evidence->busy);
	peaks_done(&evidence->delivering);
	peaks_done(&evidence->networks);
	free(evidence);
	return NULL;
}

void evidence_delivered(struct evidence *evidence, const struct sa_source_key *key,
			struct mono_ms now)
{
	struct peak *peak = peaks_take(&evidence->delivering, key, 0, now.ms);
	const struct peak *busy;

	if (!peak || peak->attempts)
		return;
	/* What it did before its first mail counts too. */
	busy = peaks_find(&evidence->busy, key, now.ms);
	if (busy)
		peak_raise(peak, busy->attempts, busy->began_ms, now.ms);
}

void evidence_begin(struct evidence *evidence, const struct sa_settings *settings)
{
	evidence->mark++;
	evidence->rest = 0;
	evidence->unit_ms = settings->rate_unit_ms;
	/* Masks are in network order: beyond /64 if the lower half has any bit. */
	evidence->networks_too = settings->mask_ipv6.low_be != 0;
	evidence->service_count = settings->service_count;
	for (uint32_t i = 0; i < settings->service_count; i++) {
		evidence->next[i].id = settings->services[i].id;
		advice_begin(&evidence->next[i].sources, settings->services[i].rate_limit);
		advice_begin(&evidence->next[i].networks, settings->services[i].rate_limit);
	}
}

static struct evidence_service *service_of(struct evidence *evidence, uint32_t id)
{
	for (uint32_t i = 0; i < evidence->service_count; i++)
		if (evidence->next[i].id == id)
			return &evidence->next[i];
	return NULL;
}

static bool is_ipv4(const struct sa_source_key *key)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(key->address, mapped, sizeof(mapped)) == 0;
}

struct window_seen {
	uint32_t last;    /* attempts, lapsed or not */
	uint32_t current; /* 0 if it has lapsed */
	uint64_t began_ms;
};

/* The network's count is the sum over its sources, and no less than the busiest of them. */
static void network_offer(struct evidence *evidence, const struct sa_source_key *key,
			  const struct window_seen *seen, bool delivering, struct mono_ms now)
{
	struct sa_source_key network = *key;
	struct peak *peak;

	memset(network.address + NETWORK_BYTES, 0, sizeof(network.address) - NETWORK_BYTES);
	peak = peaks_take(&evidence->networks, &network, seen->last, now.ms);
	if (!peak)
		return;
	if (peak->mark != evidence->mark) {
		peak->mark = evidence->mark;
		peak->sum = 0;
		peak->delivering = false;
	}
	/* Below 2^26 sources of below 2^24 attempts: held at the end of the counters. */
	peak->sum =
		peak->sum + seen->current < SA_COUNT_MAX ? peak->sum + seen->current : SA_COUNT_MAX;
	peak->delivering = peak->delivering || delivering;
	peak_raise(peak, seen->last, seen->began_ms, now.ms);
	if (peak->sum > peak->attempts)
		peak_raise(peak, peak->sum, now.ms, now.ms);
}

/* The entry that remembers the source, with this window in it; NULL if none does. */
static struct peak *remember(struct evidence *evidence, const struct sa_source_key *key,
			     const struct window_seen *seen, bool *ret_delivering,
			     struct mono_ms now)
{
	struct peak *peak = peaks_find(&evidence->delivering, key, now.ms);

	*ret_delivering = peak != NULL;
	if (!peak && seen->last >= BUSY_ATTEMPTS)
		peak = peaks_take(&evidence->busy, key, seen->last, now.ms);
	else if (!peak)
		peak = peaks_find(&evidence->busy, key, now.ms);
	if (peak)
		peak_raise(peak, seen->last, seen->began_ms, now.ms);
	return peak;
}

void evidence_offer(struct evidence *evidence, const struct sa_source_key *key, uint64_t window,
		    struct mono_ms now)
{
	struct evidence_service *service = service_of(evidence, key->service);
	struct window_seen seen;
	uint32_t remaining;
	struct peak *peak;
	bool delivering;

	seen.current = window_attempts(window, now.ms, evidence->unit_ms, &remaining);
	seen.last = window_attempts(window, now.ms, PEAKS_PERIOD_MS, &remaining);
	seen.began_ms = now.ms - (PEAKS_PERIOD_MS - remaining);
	if (!service || !seen.last)
		return;
	peak = remember(evidence, key, &seen, &delivering, now);
	if (evidence->networks_too && !is_ipv4(key))
		network_offer(evidence, key, &seen, delivering, now);
	if (!peak) {
		advice_count(&service->sources, seen.last, false);
		return;
	}
	/* A moving table may show an entry twice. */
	if (peak->mark != evidence->mark)
		advice_count(&service->sources, peak->attempts, delivering);
	peak->mark = evidence->mark;
}

/* Those that the kernel has forgotten, but not this program. */
static void count_rest(struct evidence *evidence, size_t place, struct mono_ms now)
{
	struct peak *peak;
	struct evidence_service *service;
	bool network = false, delivering = false;

	if (place < BUSY_CAPACITY) {
		peak = &evidence->busy.items[place];
		/* It moved when it delivered for the first time. */
		if (peak_counts(peak, now.ms) &&
		    peaks_find(&evidence->delivering, &peak->key, now.ms))
			return;
	} else if (place < BUSY_CAPACITY + DELIVERING_CAPACITY) {
		peak = &evidence->delivering.items[place - BUSY_CAPACITY];
		delivering = true;
	} else {
		peak = &evidence->networks.items[place - BUSY_CAPACITY - DELIVERING_CAPACITY];
		network = true;
		delivering = peak->delivering;
	}
	if (!peak_counts(peak, now.ms) || (!network && peak->mark == evidence->mark))
		return;
	service = service_of(evidence, peak->key.service);
	if (service)
		advice_count(network ? &service->networks : &service->sources, peak->attempts,
			     delivering);
}

bool evidence_finish(struct evidence *evidence, struct mono_ms now)
{
	const size_t all = BUSY_CAPACITY + DELIVERING_CAPACITY +
			   (evidence->networks_too ? (size_t)NETWORKS_CAPACITY : 0);
	const size_t end =
		evidence->rest + SLICE_PLACES < all ? evidence->rest + SLICE_PLACES : all;

	for (; evidence->rest < end; evidence->rest++)
		count_rest(evidence, evidence->rest, now);
	if (evidence->rest < all)
		return true;
	memcpy(evidence->last, evidence->next, sizeof(evidence->last));
	evidence->last_count = evidence->service_count;
	evidence->last_networks_too = evidence->networks_too;
	evidence->complete = true;
	return false;
}

const struct evidence_service *evidence_of(const struct evidence *evidence, uint32_t service_id)
{
	for (uint32_t i = 0; evidence->complete && i < evidence->last_count; i++)
		if (evidence->last[i].id == service_id)
			return &evidence->last[i];
	return NULL;
}
