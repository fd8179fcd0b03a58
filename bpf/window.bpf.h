/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anvil's window as one word: when it started and how many attempts it has seen. It starts with its
 * first attempt and lapses once the unit has elapsed; the next attempt then starts a new one. Pure.
 */
#ifndef BPF_WINDOW_H
#define BPF_WINDOW_H

#include "attempt.bpf.h"

static __always_inline __u64 window_start_ms(__u64 window)
{
	return window >> SA_COUNT_BITS;
}

static __always_inline __u32 window_count(__u64 window)
{
	return window & SA_COUNT_MAX;
}

static __always_inline __u64 window_new(__u64 now_ms)
{
	return now_ms << SA_COUNT_BITS | 1;
}

/*
 * Signed: another CPU's clock may be ahead, and an attempt "before" the start belongs to the window
 * all the same.
 */
static __always_inline bool window_lapsed(__u64 window, const struct attempt *attempt)
{
	__s64 elapsed = (__s64)(attempt->now_ms - window_start_ms(window));

	return elapsed >= (__s64)attempt->rate_unit_ms || !window;
}

/*
 * Tells an attempt from others of its window. Different attempts of one source look the same once
 * in 2^32, or where their sender chose so: that is worth SA_REPEATS_FREE attempts a window at most.
 * The start of the window is part of it, so that nothing has to be cleared when a window turns.
 */
static __always_inline __u32 attempt_digest(const struct packet *packet, __u64 start_ms)
{
	return packet->sequence + packet->source_port_be * 0x9e3779b1U +
	       (__u32)start_ms * 0x85ebca77U;
}

static __always_inline bool digest_is_among(__u32 digest, const __u32 *remembered)
{
	return remembered[0] == digest || remembered[1] == digest || remembered[2] == digest ||
	       remembered[3] == digest;
}

#endif
