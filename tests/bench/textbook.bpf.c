/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counter that tutorials show, as the yardstick: IPv4 without options, an LRU hash by source
 * address, an atomic add when the source is known, an update when it is not, a window by the
 * precise clock that a plain store resets. No tags, no IPv6, no exceptions, no services, no
 * repeats; not exact where CPUs meet.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 started_ns;
	__u64 attempts;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1048576);
	__type(key, __u32);
	__type(value, struct counter);
} textbook_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} textbook_verdicts SEC(".maps");

const volatile __u64 textbook_limit = 30;
const volatile __u64 textbook_unit_ns = 600000000000ULL;
const volatile __u16 textbook_port = 25;

static __always_inline int textbook_verdict(__u32 verdict)
{
	__u32 cell = verdict == XDP_DROP;
	__u64 *count = bpf_map_lookup_elem(&textbook_verdicts, &cell);

	if (count)
		++*count;
	return verdict;
}

static __always_inline int textbook_count(__u32 address)
{
	struct counter *known = bpf_map_lookup_elem(&textbook_sources, &address);
	__u64 now = bpf_ktime_get_ns();

	if (!known) {
		struct counter fresh = { .started_ns = now, .attempts = 1 };

		bpf_map_update_elem(&textbook_sources, &address, &fresh, BPF_ANY);
		return XDP_PASS;
	}
	if (now - known->started_ns >= textbook_unit_ns) {
		known->started_ns = now;
		known->attempts = 0;
	}
	__sync_fetch_and_add(&known->attempts, 1);
	return known->attempts > textbook_limit ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int textbook(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) ||
	    ip->protocol != IPPROTO_TCP || ip->ihl != 5)
		return XDP_PASS;
	if (!tcp->syn || tcp->ack || tcp->dest != bpf_htons(textbook_port))
		return XDP_PASS;
	return textbook_verdict(textbook_count(ip->saddr));
}

char program_license[] SEC("license") = "GPL";
