/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the frame that it is given into a fresh SYN and sends it out of the interface that it runs
 * on.
 *
 * Frames are recycled and come back as the receiver left them, so every byte is written every time.
 * Source port and sequence number are random: a limiter that lets repeats of one attempt go free
 * must not see any. The licence string is what the kernel asks of programs that call GPL-only
 * helpers; it is this file's licence.
 */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "syn-flood.h"

const volatile struct flood_plan plan;

__u32 turn;

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static void put16(unsigned char *at, __u32 value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static __u32 words(__u32 value)
{
	return (value >> 16) + (value & 0xffff);
}

static void write_varying(unsigned char *tcp, unsigned char *source, __u32 address, __u32 *ret_sum)
{
	__u32 port = 1024 + bpf_get_prandom_u32() % 64000;
	__u32 sequence = bpf_get_prandom_u32();

	put32(source, address);
	put16(tcp, port);
	put32(tcp + 4, sequence);
	*ret_sum = words(address) + port + words(sequence);
	put16(tcp + 16, fold(plan.tcp_sum + *ret_sum));
}

SEC("xdp")
int syn_flood(struct xdp_md *context)
{
	unsigned char *frame = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	__u32 size = plan.ipv6 ? FLOOD_FRAME_IPV6 : FLOOD_FRAME_IPV4;
	__u32 address = plan.source;
	__u32 sum;

	if ((void *)(frame + FLOOD_FRAME_IPV6) > end)
		return XDP_ABORTED;
	for (__u32 i = 0; i < FLOOD_FRAME_IPV6; i++)
		frame[i] = i < size ? plan.frame[i] : 0;
	address += (plan.sequential ? __sync_fetch_and_add(&turn, 1) : bpf_get_prandom_u32()) %
		   plan.sources;
	if (plan.ipv6) {
		write_varying(frame + 54, frame + 14 + 8 + 4, address, &sum);
	} else {
		write_varying(frame + 34, frame + 14 + 12, address, &sum);
		put16(frame + 14 + 10, fold(plan.ip_sum + words(address)));
	}
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
