/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time. The one place that reads a clock; everything else takes the time as an argument.
 */
#ifndef AGENT_MONO_H
#define AGENT_MONO_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds, the packet path's clock. A struct, so that the compiler keeps it
 * from wall time. */
struct mono_ms {
	uint64_t ms;
};

/* CLOCK_REALTIME in milliseconds since 1970. */
struct wall_ms {
	int64_t ms;
};

/* CLOCK_MONOTONIC in nanoseconds, for how long something took. */
struct mono_ns {
	uint64_t ns;
};

struct mono_ms mono_now(void);
struct mono_ns mono_precise(void);
struct wall_ms wall_now(void);

#endif
