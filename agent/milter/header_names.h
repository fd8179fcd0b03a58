/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each name has occurred among the fields of a message: a milter changes "the third
 * Received". Bounded, whatever a message holds; names are known by a keyed digest, so that no
 * sender can make two of them meet. Pure.
 */
#ifndef MILTER_HEADER_NAMES_H
#define MILTER_HEADER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distinct names of one message whose occurrences are told apart. Mail has some dozens. */
#define HEADER_NAMES_MAX 2048

/* Secret of this process. */
struct header_key {
	uint64_t words[2];
};

struct header_name {
	uint64_t digest;
	uint32_t occurrences; /* 0: the place is free */
};

/* Zero-initialise. */
struct header_names {
	struct header_name *places; /* open addressing; a power of two of them */
	size_t room;
	size_t count;
	bool lost; /* memory was short: from then on no occurrence is known */
};

/* Counts one more field of this name, letter case aside; *ret_occurrence is which one it is,
 * from 1. -ENOSPC: there are too many names; -ENOMEM, from then on every time. */
int header_names_count(struct header_names *names, const struct header_key *key, const char *name,
		       size_t size, uint32_t *ret_occurrence);

void header_names_done(struct header_names *names);

/* SipHash-2-4 of the name in lower case (ASCII). */
uint64_t header_name_digest(const struct header_key *key, const char *name, size_t size);

#endif
