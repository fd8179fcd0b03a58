/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live counts by the rules of synanvil/live.h, one word a source; see lab_live.h.
 */
#include "lab_live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "synanvil.skel.h"
#include "synanvil/homes.h"
#include "synanvil/live.h"

#define BATCH 4096

static void totals_read(const struct lab *lab, struct sa_live_totals *ret_totals)
{
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(lab->skeleton->maps.live_totals), &zero,
					     ret_totals),
			 0);
}

static void totals_write(const struct lab *lab, const struct sa_live_totals *totals)
{
	uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(lab->skeleton->maps.live_totals), &zero,
					     totals, BPF_ANY),
			 0);
}

struct sa_source_key lab_key(const struct lab *lab, const char *address,
			     const struct sa_service *service)
{
	const struct sa_settings *set = &lab->settings;
	const struct sa_address full = address_of(address);
	const struct sa_address *mask = strchr(address, ':') ? &set->mask_ipv6 : &set->mask_ipv4;
	const struct sa_address masked = { full.high_be & mask->high_be,
					   full.low_be & mask->low_be };
	struct sa_source_key key = { .service = service->id };

	memcpy(key.address, &masked, sizeof(masked));
	return key;
}

static struct sa_live_place place_of(const struct lab *lab, const char *address,
				     const struct sa_service *service)
{
	const struct sa_source_key key = lab_key(lab, address, service);
	struct sa_live_totals totals;

	totals_read(lab, &totals);
	return sa_live_place(totals.seed, &key, lab->settings.epoch);
}

/* A word of the source's, or a free one. */
static size_t way_of(const struct sa_live_bucket *bucket, uint64_t digest)
{
	for (size_t i = 0; i < SA_LIVE_WAYS; i++)
		if (bucket->words[i] >> SA_LIVE_COUNT_BITS == digest)
			return i;
	for (size_t i = 0; i < SA_LIVE_WAYS; i++)
		if (!bucket->words[i])
			return i;
	fail_msg("a bucket is full");
	return 0;
}

/* Never lowered here: that only costs a look. */
static void hint_raise(const struct lab *lab, struct sa_live_place place)
{
	struct sa_live_totals totals;

	totals_read(lab, &totals);
	sa_live_hint_raise(sa_live_hint(&totals, place.bucket), place.digest);
	totals_write(lab, &totals);
}

void lab_look_anew(const struct lab *lab)
{
	struct sa_live_totals totals;

	totals_read(lab, &totals);
	totals.note = totals.note % SA_PENDING_NOTE_MASK + 1;
	totals_write(lab, &totals);
}

void lab_count_live(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint32_t count)
{
	const struct sa_live_place place = place_of(lab, address, service);
	const int map = bpf_map__fd(lab->skeleton->maps.live);
	struct sa_live_bucket bucket;

	assert_int_equal(bpf_map_lookup_elem(map, &place.bucket, &bucket), 0);
	hint_raise(lab, place);
	bucket.words[way_of(&bucket, place.digest)] =
		count ? place.digest << SA_LIVE_COUNT_BITS | count : 0;
	assert_int_equal(bpf_map_update_elem(map, &place.bucket, &bucket, BPF_ANY), 0);
}

void lab_set_live(const struct lab *lab, const char *address, const struct sa_service *service,
		  uint32_t count)
{
	lab_count_live(lab, address, service, count);
	lab_look_anew(lab);
}

void lab_set_service_live(const struct lab *lab, const struct sa_service *service, uint32_t count)
{
	struct sa_live_totals totals;

	totals_read(lab, &totals);
	totals.services[service->slot] = (uint64_t)lab->settings.epoch << 32 | count;
	totals_write(lab, &totals);
}

void lab_hold_live(const struct lab *lab, uint64_t until_ms)
{
	struct sa_live_totals totals;

	totals_read(lab, &totals);
	totals.holds_until_ms = until_ms;
	totals_write(lab, &totals);
}

/* Another epoch than any before: whatever was counted is nobody's. */
int lab_live_setup(void **state)
{
	struct lab *lab = *state;
	const int result = lab_setup(state);

	lab->settings.epoch = ++lab->sequence;
	lab_hold_live(lab, SA_LIVE_ALWAYS);
	lab_look_anew(lab);
	lab_apply(lab);
	return result;
}

static uint32_t slot_now(void)
{
	return SA_PENDING_SLOT(lab_now_ms());
}

unsigned lab_places(const struct lab *lab, const char *address, const struct sa_service *service)
{
	struct sa_source source;
	uint32_t passed;

	if (!lab_source(lab, address, service, &source))
		return 0;
	passed = (slot_now() - (uint32_t)(source.pending >> SA_PENDING_SLOT_SHIFT)) &
		 SA_PENDING_SLOT_MASK;
	if (passed > 1)
		return 0;
	return (unsigned)(source.pending & 0xffff) +
	       (passed ? 0 : (unsigned)(source.pending >> 16 & 0xffff));
}

void lab_age_places(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint32_t slots)
{
	const struct sa_source_key key = lab_key(lab, address, service);
	struct sa_source source;

	assert_true(lab_source(lab, address, service, &source));
	source.pending -= (uint64_t)slots << SA_PENDING_SLOT_SHIFT;
	assert_int_equal(bpf_map_update_elem(lab->tables.sources, &key, &source, BPF_EXIST), 0);
}

uint32_t lab_live(const struct lab *lab, const char *address, const struct sa_service *service)
{
	const struct sa_source_key key = lab_key(lab, address, service);

	return tables_live_of_source(&lab->tables, &key, lab->settings.epoch);
}

uint32_t lab_service_live(const struct lab *lab, const struct sa_service *service)
{
	return tables_live_of_service(&lab->tables, service->slot, lab->settings.epoch);
}

size_t lab_entries(const struct lab *lab)
{
	static struct sa_connection_key keys[BATCH];
	static struct sa_connection values[BATCH];
	struct tables_cursor cursor = {};
	size_t sum = 0, count;
	int more = 1;

	while (more > 0) {
		count = 0;
		more = tables_connections_batch(&lab->tables, &cursor, keys, values, BATCH, &count);
		assert_true(more >= 0);
		sum += count;
	}
	return sum;
}

void lab_fill_connections(const struct lab *lab, bool filled)
{
	const struct sa_connection value = {};
	struct sa_connection_key key = {};
	int map = lab->tables.connections;

	for (uint64_t i = 0; i + 1 < SA_CONNECTIONS_MAX; i++) {
		key.cookie = ~0ULL - i;
		assert_int_equal(filled ? bpf_map_update_elem(map, &key, &value, BPF_NOEXIST)
					: bpf_map_delete_elem(map, &key),
				 0);
	}
}

struct sa_home *lab_homes(struct lab *lab)
{
	if (!lab->homes) {
		lab->homes = mmap(NULL, SA_HOMES * sizeof(*lab->homes), PROT_READ | PROT_WRITE,
				  MAP_SHARED, lab->tables.homes, 0);
		assert_true(lab->homes != MAP_FAILED);
	}
	return lab->homes;
}

void lab_take_homes(struct lab *lab, bool taken)
{
	for (uint32_t i = 0; i < SA_HOMES; i++)
		lab_homes(lab)[i].word = taken ? sa_home_making(1ULL << 40 | i) : 0;
}
