/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table that doubles; SipHash-2-4 (Aumasson, Bernstein) under a key that no sender knows.
 */
#include "header_names.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"

#define ROOM_FIRST 64

static uint64_t rotated(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] = rotated(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] = rotated(v[2], 32);
}

static void sip_word(uint64_t v[static 4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

static uint64_t lower(char byte)
{
	return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

uint64_t header_name_digest(const struct header_key *key, const char *name, size_t size)
{
	uint64_t v[4] = {
		key->words[0] ^ UINT64_C(0x736f6d6570736575),
		key->words[1] ^ UINT64_C(0x646f72616e646f6d),
		key->words[0] ^ UINT64_C(0x6c7967656e657261),
		key->words[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++) {
		word |= lower(name[i]) << 8 * (i % 8);
		if (i % 8 != 7)
			continue;
		sip_word(v, word);
		word = 0;
	}
	sip_word(v, word | (uint64_t)size << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The place of a digest, or the free one where it belongs. There is always a free one. */
static struct header_name *place_of(const struct header_names *names, uint64_t digest)
{
	size_t at = digest & (names->room - 1);

	while (names->places[at].occurrences > 0 && names->places[at].digest != digest)
		at = (at + 1) & (names->room - 1);
	return &names->places[at];
}

static int grow(struct header_names *names)
{
	struct header_names grown = { .room = names->room ? 2 * names->room : ROOM_FIRST,
				      .count = names->count };

	grown.places = calloc(grown.room, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (size_t i = 0; i < names->room; i++) {
		if (names->places[i].occurrences > 0)
			*place_of(&grown, names->places[i].digest) = names->places[i];
	}
	free(names->places);
	*names = grown;
	return 0;
}

int header_names_count(struct header_names *names, const struct header_key *key, const char *name,
		       size_t size, uint32_t *ret_occurrence)
{
	const uint64_t digest = header_name_digest(key, name, size);
	struct header_name *place;

	/* Half of the places stay free. */
	if (!names->lost && 2 * names->count >= names->room && names->count < HEADER_NAMES_MAX)
		names->lost = grow(names) < 0;
	if (names->lost)
		return -ENOMEM;
	place = place_of(names, digest);
	if (place->occurrences == 0) {
		if (names->count == HEADER_NAMES_MAX)
			return -ENOSPC;
		place->digest = digest;
		names->count++;
	}
	if (place->occurrences == UINT32_MAX)
		return -ENOSPC;
	*ret_occurrence = ++place->occurrences;
	return 0;
}

void header_names_done(struct header_names *names)
{
	free(names->places);
	*names = (struct header_names){ 0 };
}
