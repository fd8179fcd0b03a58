/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buckets of durations.
 */
#include "histogram.h"

const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS] = {
	50000,   100000,   250000,   500000,    1000000,    2500000,
	5000000, 10000000, 50000000, 100000000, 1000000000,
};

const char *const histogram_bounds_text[HISTOGRAM_BUCKETS] = {
	"5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025",
	"0.005", "0.01",   "0.05",    "0.1",    "1",
};

void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t count)
{
	unsigned bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS && ns > histogram_bounds_ns[bucket])
		bucket++;
	histogram->counts[bucket] += count;
	histogram->sum_ns += ns * count;
}
