/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where jiffies stand against CLOCK_MONOTONIC: what bpf/clock.bpf.h is loaded with.
 */
#ifndef AGENT_TICK_H
#define AGENT_TICK_H

#include <stdint.h>

struct tick {
	uint32_t scale;     /* milliseconds a tick, times 2^24 */
	uint64_t offset_ms; /* CLOCK_MONOTONIC at jiffy 0, modulo 2^64 */
};

/*
 * Asks the kernel, through some ticks. Fails where programs cannot be run: the packet path then
 * works with the slower clock, for which the caller passes zeros. 0 or -errno.
 */
int tick_measure(struct tick *ret_tick);

/* The pure part: jiffies was read at the tick that came at time_ns; a tick has tick_ns. */
struct tick tick_from_reading(uint64_t time_ns, uint64_t jiffies, uint64_t tick_ns);

#endif
