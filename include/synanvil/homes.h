/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules by which entries of connections that the kernel's program has seen to open are found
 * and moved, for that program and for the agent, which use the same memory at once. Pure functions
 * of a cookie or a word.
 *
 * Each cookie has one home, and cookies are given out in turn, so nearly every connection finds its
 * home free; one that does not goes to the map connections, where the agent's own entries are too.
 * Linux counts cookies up from 1, but those that it gives out while an interrupt finds it giving
 * one out it counts down from 2^64: they fit into no home.
 * Who is at home and what is counted of it are one word that only atomic operations move: whoever
 * swaps it for 0 takes back what was counted, and nobody else does. The rest is written under the
 * mark that the entry is being made, and not touched until it is gone.
 *
 * No two ever enter the same connection at once: the program does as the connection opens, before
 * the agent can see it, and the agent enters none that is at home. But the program may look at it
 * twice in a row, and its home be free by the second time: so the map is looked at before.
 */
#ifndef SYNANVIL_HOMES_H
#define SYNANVIL_HOMES_H

#include "abi.h"

#define SA_HOME_SLOT_SHIFT    8
#define SA_HOME_COUNTED_SHIFT 4
#define SA_HOME_COUNTED_MASK  (SA_COUNTED_SOURCE | SA_COUNTED_SERVICE)
#define SA_HOME_BEING_MADE    1ULL
#define SA_HOME_COOKIE_SHIFT  16

_Static_assert(SA_SERVICE_SLOTS <= 256, "a home has 8 bits for the slot");

/* Whether it has a home at all. */
static inline __attribute__((always_inline)) int sa_home_fits(__u64 cookie)
{
	return !(cookie >> (64 - SA_HOME_COOKIE_SHIFT));
}

static inline __attribute__((always_inline)) __u32 sa_home_index(__u64 cookie)
{
	return (__u32)cookie & (SA_HOMES - 1);
}

static inline __attribute__((always_inline)) __u64 sa_home_making(__u64 cookie)
{
	return cookie << SA_HOME_COOKIE_SHIFT | SA_HOME_BEING_MADE;
}

static inline __attribute__((always_inline)) __u64 sa_home_word(__u64 cookie, __u32 slot,
								__u32 counted)
{
	return cookie << SA_HOME_COOKIE_SHIFT | (__u64)(slot & 0xff) << SA_HOME_SLOT_SHIFT |
	       (counted & SA_HOME_COUNTED_MASK) << SA_HOME_COUNTED_SHIFT;
}

/* Whether the connection is at home, or coming home. */
static inline __attribute__((always_inline)) int sa_home_is_of(__u64 word, __u64 cookie)
{
	return word >> SA_HOME_COOKIE_SHIFT == cookie;
}

static inline __attribute__((always_inline)) __u16 sa_home_slot(__u64 word)
{
	return word >> SA_HOME_SLOT_SHIFT & 0xff;
}

static inline __attribute__((always_inline)) __u16 sa_home_counted(__u64 word)
{
	return word >> SA_HOME_COUNTED_SHIFT & SA_HOME_COUNTED_MASK;
}

#endif
