/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein, 2012): names of any length as keys
 * of fixed size, which nobody who lacks the secret can make collide. Pure.
 */
#ifndef AGENT_DIGEST_H
#define AGENT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest_secret {
	uint64_t words[2];
};

struct digest {
	uint64_t words[2];
};

/* A digest that is being made of several pieces. */
struct digest_state {
	uint64_t v[4];
	uint64_t pending; /* bytes that do not make a word yet, the first in the lowest byte */
	uint64_t size;    /* bytes so far */
};

void digest_start(struct digest_state *state, const struct digest_secret *secret);
void digest_add(struct digest_state *state, const void *bytes, size_t size);
void digest_end(struct digest_state *state, struct digest *ret_digest);

#endif
