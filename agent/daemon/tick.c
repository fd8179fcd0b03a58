/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tick.h"

#include <errno.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tick.skel.h"

#define TICK_SCALE_BITS 24
#define NS_PER_MS       1000000ULL
#define READINGS        16

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
 * Linux moves jiffies first and the clock right after, and a tick may come between the two reads:
 * the clock is then a tick or more behind, never ahead. So the latest offset of several is the
 * right one.
 */
static int tick_settle(const struct tick_bpf *object, uint64_t tick_ns, struct tick *ret_tick)
{
	struct tick best = {};

	for (int i = 0; i < READINGS; i++) {
		struct tick tick;
		int error = tick_ask(object);

		if (error)
			return error;
		tick = tick_from_reading(object->bss->clock_ns, object->bss->jiffies, tick_ns);
		if (i == 0 || (int64_t)(tick.offset_ms - best.offset_ms) > 0)
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
