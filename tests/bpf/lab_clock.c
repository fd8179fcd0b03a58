/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path's clock, one for all labs of a test program. CLOCK_MONOTONIC_COARSE would be up
 * to a tick ahead of it, or behind. It is that of a machine that has been up for days, so that
 * tests can have windows begin before they do, on one that was just started too.
 */
#include "lab.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tick.h"
#include "tick.skel.h"

#define UP_MS (10 * 24 * 3600000ULL)

static struct tick tick;
static struct tick_bpf *program;

void lab_clock_start(uint32_t *ret_scale, uint64_t *ret_offset_ms)
{
	if (!program) {
		assert_int_equal(tick_measure(&tick), 0);
		tick.offset_ms += UP_MS;
		program = tick_bpf__open_and_load();
		assert_non_null(program);
	}
	*ret_scale = tick.scale;
	*ret_offset_ms = tick.offset_ms;
}

uint64_t lab_now_ms(void)
{
	uint8_t frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(program->progs.tick_read), &options), 0);
	return (program->bss->jiffies * tick.scale >> 24) + tick.offset_ms;
}
