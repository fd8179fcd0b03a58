/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tick.h"

#include <errno.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tick.skel.h"

#define TICK_SCALE_BITS 24
#define NS_PER_MS       1000000ULL
#define TICKS           4

struct tick tick_from_reading(uint64_t time_ns, uint64_t jiffies, uint64_t tick_ns)
{
	struct tick tick = { .scale = (uint32_t)((tick_ns << TICK_SCALE_BITS) / NS_PER_MS) };

	tick.offset_ms = time_ns / NS_PER_MS - (jiffies * tick.scale >> TICK_SCALE_BITS);
	return tick;
}

/* The coarse clock's resolution is one tick (Linux: LOW_RES_NSEC). */
static int tick_length_ns(uint64_t *ret_ns)
{
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution))
		return -errno;
	if (resolution.tv_sec || resolution.tv_nsec < 100000)
		return -ERANGE;
	*ret_ns = (uint64_t)resolution.tv_nsec;
	return 0;
}

static int tick_ask(const struct tick_bpf *object)
{
	uint8_t frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(bpf_program__fd(object->progs.tick_read), &options);
}

/*
 * Ticks come when CLOCK_MONOTONIC is at a multiple of their length from the first, or later, never
 * earlier: so of readings throughout some of them the least offset is that of a tick. (The coarse
 * clock would be no measure: it moves at a tick, but by a step of its own that may end just before
 * the tick or just after, and so shows the one before now and then.)
 */
static int tick_settle(const struct tick_bpf *object, uint64_t tick_ns, struct tick *ret_tick)
{
	uint64_t first = 0, passed = 0;
	struct tick best = {};

	for (int i = 0; passed < TICKS; i++) {
		struct tick tick;
		int error = tick_ask(object);

		if (error)
			return error;
		if (i == 0)
			first = object->bss->jiffies;
		passed = object->bss->jiffies - first;
		tick = tick_from_reading(object->bss->clock_ns, object->bss->jiffies, tick_ns);
		if (i == 0 || (int64_t)(tick.offset_ms - best.offset_ms) < 0)
			best = tick;
	}
	*ret_tick = best;
	return 0;
}

int tick_measure(struct tick *ret_tick)
{
	struct tick_bpf *object;
	uint64_t tick_ns = 0;
	int error = tick_length_ns(&tick_ns);

	if (error)
		return error;
	object = tick_bpf__open_and_load();
	if (!object)
		return -errno;
	error = tick_settle(object, tick_ns, ret_tick);
	tick_bpf__destroy(object);
	return error;
}
