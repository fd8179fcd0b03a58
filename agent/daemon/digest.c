/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4-128, fed piece by piece.
 */
#include "digest.h"

#include <stdbool.h>
#include <string.h>

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, unsigned s, unsigned t)
{
	*a += *b;
	*c += *d;
	*b = rotate(*b, s) ^ *a;
	*d = rotate(*d, t) ^ *c;
	*a = rotate(*a, 32);
}

static void rounds(uint64_t v[static 4], unsigned count)
{
	while (count--) {
		half_round(&v[0], &v[1], &v[2], &v[3], 13, 16);
		half_round(&v[2], &v[1], &v[0], &v[3], 17, 21);
	}
}

static void word_add(struct digest_state *state, uint64_t word)
{
	state->v[3] ^= word;
	rounds(state->v, 2);
	state->v[0] ^= word;
}

void digest_start(struct digest_state *state, const struct digest_secret *secret)
{
	*state = (struct digest_state){
		.v = { secret->words[0] ^ 0x736f6d6570736575ULL,
		       secret->words[1] ^ 0x646f72616e646f6dULL ^ 0xee,
		       secret->words[0] ^ 0x6c7967656e657261ULL,
		       secret->words[1] ^ 0x7465646279746573ULL },
	};
}

void digest_add(struct digest_state *state, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	for (; size; size--, byte++) {
		state->pending |= (uint64_t)*byte << 8 * (state->size % 8);
		if (++state->size % 8 == 0) {
			word_add(state, state->pending);
			state->pending = 0;
		}
	}
}

static uint64_t fold(struct digest_state *state, unsigned mark, int at)
{
	state->v[at] ^= mark;
	rounds(state->v, 4);
	return state->v[0] ^ state->v[1] ^ state->v[2] ^ state->v[3];
}

void digest_end(struct digest_state *state, struct digest *ret_digest)
{
	word_add(state, state->pending | state->size << 56);
	ret_digest->words[0] = fold(state, 0xee, 2);
	ret_digest->words[1] = fold(state, 0xdd, 1);
}
