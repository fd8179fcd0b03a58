/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of socket cookies. Pure but for memory: no kernel, no clock. Zero-initialised is empty.
 */
#ifndef AGENT_COOKIE_SET_H
#define AGENT_COOKIE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cookie_set {
	uint64_t *slots; /* 0 = free: the kernel gives no socket that cookie */
	size_t size;     /* a power of two, or 0 */
	size_t count;
};

/* That it is there already is no error; cookie is not 0. 0 or -ENOMEM. */
int cookie_set_add(struct cookie_set *set, uint64_t cookie);

bool cookie_set_has(const struct cookie_set *set, uint64_t cookie);

/* Empty again, with the memory that it had. */
void cookie_set_clear(struct cookie_set *set);

/* Frees the memory. */
void cookie_set_done(struct cookie_set *set);

#endif
