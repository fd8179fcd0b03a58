/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives each run of BPF_PROG_TEST_RUN another source, port and sequence number, then hands the
 * frame to the program under test by tail call. Alone it costs what the benchmark subtracts.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} under_test SEC(".maps");

/* One step a CPU, so that threads do not share a line. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} steps SEC(".maps");

/* Sources in an order that no prefetcher follows, or a new one each time. */
volatile __u32 sources_random = 0;
volatile __u32 source_count = 1;

static __always_inline __u32 source_number(__u64 step)
{
	if (sources_random)
		return bpf_get_prandom_u32();
	if (source_count == 1)
		return 1;
	/* Each number once per round, mixed: an odd factor is a permutation of the residues of 2^n.
	 */
	return ((__u32)step * 0x9e3779b1U & 0x1fffff) % source_count;
}

static __always_inline __u64 next_step(void)
{
	__u32 zero = 0;
	__u64 *step = bpf_map_lookup_elem(&steps, &zero);

	return step ? ++*step : 0;
}

SEC("xdp.frags")
int generate_ipv4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u64 step = next_step();

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	ip->saddr = bpf_htonl(0x0b000000 + source_number(step));
	tcp->source = (__u16)step;
	tcp->seq = (__u32)step;
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int generate_ipv6(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u64 step = next_step();

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	ip->saddr.in6_u.u6_addr32[1] = bpf_htonl(source_number(step));
	tcp->source = (__u16)step;
	tcp->seq = (__u32)step;
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

/* What the generator itself costs, the tail call included. */
SEC("xdp.frags")
int generator_floor(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

char program_license[] SEC("license") = "GPL";
