/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CLOCK_MONOTONIC in milliseconds, as of the last tick: precise enough for windows of seconds.
 *
 * jiffies move with CLOCK_MONOTONIC, one a tick, at a distance that is fixed at boot; reading them
 * is one load, where the helper for the coarse clock is a call (15 ns where returns are expensive).
 */
#ifndef BPF_CLOCK_H
#define BPF_CLOCK_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Milliseconds a tick, times 2^24; 0 = not known: ask the helper. Set by the agent before load. */
const volatile __u32 tick_scale = 0;
/* CLOCK_MONOTONIC in milliseconds at jiffy 0, modulo 2^64. Set by the agent before load. */
const volatile __u64 tick_offset_ms = 0;

#define TICK_SCALE_BITS 24

static __always_inline __u64 clock_of_ticks_ms(void)
{
	return (bpf_jiffies64() * tick_scale >> TICK_SCALE_BITS) + tick_offset_ms;
}

static __always_inline __u64 clock_now_ms(void)
{
	return tick_scale ? clock_of_ticks_ms() : bpf_ktime_get_coarse_ns() / 1000000;
}

/* The same for tracing programs, which have no helper for the coarse clock. */
static __always_inline __u64 clock_now_traced_ms(void)
{
	return tick_scale ? clock_of_ticks_ms() : bpf_ktime_get_ns() / 1000000;
}

#endif
