/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that reads a clock. Both clocks exist on every Linux, so there is no error to
 * return.
 */
#include "mono.h"

#include <time.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000

struct mono_ms mono_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct mono_ms){ .ms = (uint64_t)now.tv_sec * MS_PER_S +
				       (uint64_t)now.tv_nsec / NS_PER_MS };
}

struct mono_ns mono_precise(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct mono_ns){ .ns = (uint64_t)now.tv_sec * MS_PER_S * NS_PER_MS +
				       (uint64_t)now.tv_nsec };
}

struct wall_ms wall_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (struct wall_ms){ .ms = (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS };
}
