/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of a few places each: a digest of the key says which set, all else is looked at in turn.
 */
#include "peaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8

int peaks_init(struct peaks *peaks, uint32_t capacity, enum peaks_rule rule)
{
	*peaks = (struct peaks){ .capacity = capacity, .rule = rule };
	peaks->items = calloc(capacity, sizeof(*peaks->items));
	return peaks->items ? 0 : -ENOMEM;
}

void peaks_done(struct peaks *peaks)
{
	free(peaks->items);
	*peaks = (struct peaks){ 0 };
}

/* Each multiplication carries bits up, each shift brings them down again. */
static uint64_t mix(uint64_t word)
{
	word = (word ^ word >> 32) * 0x9e3779b97f4a7c15ULL;
	word = (word ^ word >> 29) * 0xbf58476d1ce4e5b9ULL;
	return word ^ word >> 32;
}

static struct peak *set_of(const struct peaks *peaks, const struct sa_source_key *key)
{
	uint64_t words[2];

	memcpy(words, key->address, sizeof(words));
	words[0] = mix(mix(words[0] ^ key->service) ^ words[1]);
	return &peaks->items[(size_t)words[0] % (peaks->capacity / WAYS) * WAYS];
}

static bool too_old(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms && now_ms - then_ms >= PEAKS_PERIOD_MS;
}

static bool is_free(const struct peak *peak, uint64_t now_ms)
{
	return !peak->confirmed_ms || too_old(peak->confirmed_ms, now_ms);
}

bool peak_counts(const struct peak *peak, uint64_t now_ms)
{
	return !is_free(peak, now_ms) && peak->attempts && !too_old(peak->began_ms, now_ms);
}

struct peak *peaks_find(struct peaks *peaks, const struct sa_source_key *key, uint64_t now_ms)
{
	struct peak *set = set_of(peaks, key);

	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(&set[i].key, key, sizeof(*key)) == 0)
			return is_free(&set[i], now_ms) ? NULL : &set[i];
	return NULL;
}

/* Less than zero: a goes before b. */
static int goes_before(const struct peaks *peaks, const struct peak *a, const struct peak *b)
{
	if (peaks->rule == PEAKS_KEEP_GREATEST && a->attempts != b->attempts)
		return a->attempts < b->attempts ? -1 : 1;
	if (a->confirmed_ms != b->confirmed_ms)
		return a->confirmed_ms < b->confirmed_ms ? -1 : 1;
	return 0;
}

struct peak *peaks_take(struct peaks *peaks, const struct sa_source_key *key, uint32_t attempts,
			uint64_t now_ms)
{
	struct peak *found = peaks_find(peaks, key, now_ms);
	struct peak *set = set_of(peaks, key);

	if (!found) {
		found = set;
		for (size_t i = 0; i < WAYS; i++) {
			/* The place of the same key first: it must not stand twice. */
			if (memcmp(&set[i].key, key, sizeof(*key)) == 0) {
				found = &set[i];
				break;
			}
			if (!is_free(found, now_ms) &&
			    (is_free(&set[i], now_ms) || goes_before(peaks, &set[i], found) < 0))
				found = &set[i];
		}
		if (!is_free(found, now_ms) && peaks->rule == PEAKS_KEEP_GREATEST &&
		    found->attempts >= attempts)
			return NULL;
		*found = (struct peak){ .key = *key };
	}
	found->confirmed_ms = now_ms ? now_ms : 1;
	return found;
}

void peak_raise(struct peak *peak, uint32_t attempts, uint64_t began_ms, uint64_t now_ms)
{
	if (attempts < peak->attempts && !too_old(peak->began_ms, now_ms))
		return;
	peak->attempts = attempts;
	peak->began_ms = began_ms;
}
