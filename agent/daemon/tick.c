/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tick.h"

#include <errno.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tick.skel.h"

#define TICK_SCALE_BITS 24
#define NS_PER_MS       1000000ULL

/* Layout of bpf/tick.bpf.c's context. */
struct tick_reading {
	uint64_t before_ns;
	uint64_t jiffies;
	uint64_t after_ns;
};

struct tick tick_from_reading(uint64_t before_ns, uint64_t jiffies, uint64_t tick_ns)
{
	struct tick tick = { .scale = (uint32_t)((tick_ns << TICK_SCALE_BITS) / NS_PER_MS) };

	tick.offset_ms = before_ns / NS_PER_MS - (jiffies * tick.scale >> TICK_SCALE_BITS);
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

int tick_measure(struct tick *ret_tick)
{
	struct tick_reading reading = {};
	/* The kernel writes the context back where it came from. */
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &reading, .ctx_size_in = sizeof(reading));
	struct tick_bpf *object;
	uint64_t tick_ns = 0;
	int error = tick_length_ns(&tick_ns);

	if (error)
		return error;
	object = tick_bpf__open_and_load();
	if (!object)
		return -errno;
	error = bpf_prog_test_run_opts(bpf_program__fd(object->progs.tick_read), &options);
	tick_bpf__destroy(object);
	if (error)
		return error;
	*ret_tick = tick_from_reading(reading.before_ns, reading.jiffies, tick_ns);
	return 0;
}
