/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flood of the whole-path benchmark, and its floor: turns the frame that it is given into a SYN
 * from the next source and sends it back out. Frames are recycled and come back as the receiver
 * left them, so every byte is written every time. Checksums are right: what the contenders see is
 * what a client sends.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "path_flood.h"

#define FIRST_SOURCE 0x0a000000U
#define FIRST_PORT   1024U
#define PORT_MASK    0x7fffU
#define SMTP_PORT    25

const volatile struct flood_plan plan;

/* Writer: user space, between runs. No sources means a new one each time. */
volatile __u32 source_count = 1;
volatile __u32 step_mask = 0;

__u32 step;

static __always_inline __u32 source_next(__u32 number)
{
	if (!source_count)
		return bpf_get_prandom_u32();
	/* Mixed, so that no prefetcher follows: an odd factor permutes the residues of 2^n. */
	return FIRST_SOURCE + (number * 0x9e3779b1U & step_mask) % source_count;
}

static __always_inline __u16 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline __u32 halves(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline void write_ip(struct iphdr *ip, __u32 source_be)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(sizeof(struct iphdr) + sizeof(struct tcphdr));
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = source_be;
	ip->daddr = plan.target_be;
	ip->check = folded(plan.ip_sum + halves(source_be));
}

static __always_inline void write_tcp(struct tcphdr *tcp, __u32 source_be, __u32 number)
{
	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->source = bpf_htons(FIRST_PORT + (number & PORT_MASK));
	tcp->dest = bpf_htons(SMTP_PORT);
	tcp->seq = number * 0x85ebca6bU;
	tcp->doff = 5;
	tcp->syn = 1;
	tcp->window = bpf_htons(64240);
	tcp->check = folded(plan.tcp_sum + halves(source_be) + tcp->source + halves(tcp->seq));
}

SEC("xdp")
int path_flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 *ethernet = data;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 number = ++step;
	__u32 source_be = bpf_htonl(source_next(number));

	if (data + FLOOD_FRAME_SIZE > end)
		return XDP_ABORTED;
	for (int i = 0; i < 7; i++)
		ethernet[i] = plan.ethernet[i];
	write_ip(ip, source_be);
	write_tcp(tcp, source_be, number);
	return XDP_TX;
}

/* The floor: what the driver and the flood cost, whatever the decision. */
SEC("xdp.frags")
int path_floor(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

/* "GPL" is what the kernel asks for its helpers; the file itself is GPL-2.0-or-later. */
char program_license[] SEC("license") = "GPL";
