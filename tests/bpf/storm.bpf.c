/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns one frame into any number of attempts: each run writes another source and sequence number
 * into it, then goes on in the program under test; without work it returns at once. The licence
 * string is what the kernel asks of programs that call GPL-only helpers; it is this file's licence.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "storm.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} under_test SEC(".maps");

volatile struct storm_work work;

static void put32(unsigned char *at, __u32 value)
{
	value = bpf_htonl(value);
	__builtin_memcpy(at, &value, sizeof(value));
}

SEC("xdp.frags")
int storm(struct xdp_md *context)
{
	unsigned char *frame = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	__u32 number = work.number, made = work.made, offset;

	if ((__s32)(work.target - made) <= 0) {
		work.finished = number;
		return XDP_ABORTED;
	}
	if (made == work.base && bpf_ktime_get_ns() < work.start_ns)
		return XDP_ABORTED;
	if ((void *)(frame + STORM_FRAME_SIZE) > end || !work.plan.in_a_row || !work.plan.sources)
		return XDP_ABORTED;
	offset = (made - work.base) / work.plan.in_a_row;
	if (work.plan.scattered)
		offset *= 0x9e3779b1;
	put32(frame + STORM_SOURCE_AT, work.plan.source + offset % work.plan.sources);
	put32(frame + STORM_SEQUENCE_AT, work.sequence | (made & ((1 << 26) - 1)));
	work.made = made + 1;
	bpf_tail_call(context, &under_test, 0);
	return XDP_ABORTED;
}

char program_license[] SEC("license") = "GPL";
