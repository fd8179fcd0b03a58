/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long policy requests took, in Prometheus' buckets. Pure.
 */
#ifndef AGENT_HISTOGRAM_H
#define AGENT_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 11

/* Upper bounds in nanoseconds, each included, 50 us to 1 s; and as text in seconds. */
extern const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS];
extern const char *const histogram_bounds_text[HISTOGRAM_BUCKETS];

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* of each bucket alone; the last is beyond all */
	uint64_t sum_ns;
};

/* count events that took this long each. */
void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t count);

#endif
