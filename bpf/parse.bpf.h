/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frame to struct packet: Ethernet, VLAN tags, IPv4 or IPv6 with their options and extension
 * headers, TCP.
 *
 * The only place that touches packet bytes. Writes nothing but its result. Says STAGE_CONTINUE for
 * a connection attempt (SYN without ACK, RST, FIN), STAGE_NOT_OURS for what is intact and something
 * else, and STAGE_UNPARSED for what it cannot follow to the TCP flags. Known weakness: checksums
 * are not verified, so a SYN that the kernel would discard for its checksum is an attempt here.
 */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "attempt.bpf.h"
#include "speculation.bpf.h"

#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS  0x0001

#define TCP_FIN              0x01
#define TCP_SYN              0x02
#define TCP_RST              0x04
#define TCP_ACK              0x10

/* Extension headers that <linux/in.h> leaves out: RFC 6275, 7401, 5533. */
#define EXTENSION_MOBILITY 135
#define EXTENSION_HIP      139
#define EXTENSION_SHIM6    140

/* Headers end far below this; a bound that the verifier can follow. */
#define OFFSET_MAX 0x7fff

struct vlan_tag {
	__u16 control_be;
	__u16 protocol_be;
};

struct extension {
	__u8 next;
	__u8 length;
	__u16 fragment_be; /* of a fragment header only */
	__u32 rest;
};

struct tcp_start { /* up to the window; enough for all that is decided here */
	__u16 source_port_be;
	__u16 destination_port_be;
	__u32 sequence;
	__u32 acknowledged;
	__u8 data_offset; /* upper four bits, in words */
	__u8 flags;
	__u16 window;
	__u32 rest;
};

struct cursor {
	struct xdp_md *ctx;
	__u32 offset;
};

/*
 * Copies the next size bytes and moves on; false if the packet ends before. Most frames are linear;
 * what a jumbo frame keeps in its fragments, or an odd driver, is fetched by the helper.
 */
static __always_inline bool cursor_take(struct cursor *cursor, void *to, __u32 size)
{
	void *data = (void *)(long)cursor->ctx->data;
	void *end = (void *)(long)cursor->ctx->data_end;
	__u32 offset = cursor->offset;

	if (offset > OFFSET_MAX)
		return false;
	cursor->offset = offset + size;
	if (!SPECULATION_IS_CHECKED && data + offset + size <= end) {
		__builtin_memcpy(to, data + offset, size);
		return true;
	}
	return !bpf_xdp_load_bytes(cursor->ctx, offset, to, size);
}

/* Whether the frame holds bytes more from the cursor on. */
static __always_inline bool cursor_holds(const struct cursor *cursor, __u32 bytes)
{
	if (!SPECULATION_IS_CHECKED &&
	    cursor->offset + bytes <= (__u32)(cursor->ctx->data_end - cursor->ctx->data))
		return true;
	return cursor->offset + bytes <= bpf_xdp_get_buff_len(cursor->ctx);
}

static __always_inline bool is_vlan(__u16 protocol_be)
{
	return protocol_be == bpf_htons(ETH_P_8021Q) || protocol_be == bpf_htons(ETH_P_8021AD);
}

static __always_inline int parse_ethernet(struct cursor *cursor, __u16 *ret_protocol_be)
{
	struct ethhdr ethernet;
	struct vlan_tag tag;

	if (!cursor_take(cursor, &ethernet, sizeof(ethernet)))
		return STAGE_UNPARSED;
	*ret_protocol_be = ethernet.h_proto;
	for (int i = 0; i < SA_VLAN_TAGS_MAX; i++) {
		if (!is_vlan(*ret_protocol_be))
			return STAGE_CONTINUE;
		if (!cursor_take(cursor, &tag, sizeof(tag)))
			return STAGE_UNPARSED;
		*ret_protocol_be = tag.protocol_be;
	}
	return is_vlan(*ret_protocol_be) ? STAGE_UNPARSED : STAGE_CONTINUE;
}

static __always_inline struct sa_address address_mapped(__u32 ipv4_be)
{
	__u32 words[4] = { 0, 0, bpf_htonl(0xffff), ipv4_be };
	struct sa_address address;

	__builtin_memcpy(&address, words, sizeof(address));
	return address;
}

static __always_inline bool address_is_mapped(const struct sa_address *address)
{
	__u32 words[4];

	__builtin_memcpy(words, address, sizeof(words));
	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* *ret_room: bytes that the datagram claims behind its headers; what is less than TCP needs is no
 * attempt. */
static __always_inline int parse_ipv4(struct cursor *cursor, struct packet *packet, __u32 *ret_room)
{
	struct iphdr ip;
	__u32 start = cursor->offset, header, total;

	if (!cursor_take(cursor, &ip, sizeof(ip)))
		return STAGE_UNPARSED;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip) || total < header)
		return STAGE_UNPARSED;
	if (ip.protocol != IPPROTO_TCP || ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return STAGE_NOT_OURS;
	cursor->offset = start + header;
	*ret_room = total - header;
	packet->family = SA_FAMILY_IPV4;
	packet->source = address_mapped(ip.saddr);
	packet->destination = address_mapped(ip.daddr);
	return STAGE_CONTINUE;
}

static __always_inline bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS || next == IPPROTO_AH || next == EXTENSION_MOBILITY ||
	       next == EXTENSION_HIP || next == EXTENSION_SHIM6;
}

static __always_inline __u32 extension_size(__u8 kind, const struct extension *extension)
{
	if (kind == IPPROTO_FRAGMENT)
		return sizeof(*extension);
	if (kind == IPPROTO_AH)
		return (extension->length + 2U) * 4;
	return (extension->length + 1U) * 8;
}

/* Where a walk through extension headers is: the offset and the kind of the header that follows. */
struct extension_walk {
	stack_number offset;
	stack_number next;
};

/* Over one extension header. */
PART int parse_extension(struct xdp_md *ctx, struct extension_walk *walk)
{
	struct cursor cursor = { .ctx = ctx };
	struct extension extension = {};
	__u8 kind;

	if (!walk)
		return STAGE_UNPARSED;
	kind = walk->next;
	cursor.offset = walk->offset;
	if (!cursor_take(&cursor, &extension, sizeof(extension)))
		return STAGE_UNPARSED;
	if (kind == IPPROTO_FRAGMENT && extension.fragment_be & bpf_htons(IPV6_FRAGMENT_OFFSET))
		return STAGE_NOT_OURS;
	walk->next = extension.next;
	walk->offset += extension_size(kind, &extension);
	return STAGE_CONTINUE;
}

/* Global, so that the verifier follows the many ways through a chain once, and not with all else.
 */
__attribute__((noinline)) int parse_extensions(struct xdp_md *ctx, struct extension_walk *walk)
{
	if (!walk)
		return STAGE_UNPARSED;
	for (int i = 0; i < SA_IPV6_EXTENSION_HEADERS_MAX; i++) {
		int stage;

		if (!is_extension(walk->next))
			return STAGE_CONTINUE;
		stage = parse_extension(ctx, walk);
		if (stage != STAGE_CONTINUE)
			return stage;
	}
	return is_extension(walk->next) ? STAGE_UNPARSED : STAGE_CONTINUE;
}

/* Most segments have no extension headers and do not pay for the walk. */
static __always_inline int skip_extensions(struct cursor *cursor, __u8 *next)
{
	struct extension_walk walk = { .offset = cursor->offset, .next = *next };
	int stage;

	if (!is_extension(*next))
		return STAGE_CONTINUE;
	stage = parse_extensions(cursor->ctx, &walk);
	cursor->offset = walk.offset;
	*next = walk.next;
	return stage;
}

static __always_inline int parse_ipv6(struct cursor *cursor, struct packet *packet, __u32 *ret_room)
{
	struct ipv6hdr ip;
	__u32 start, end;
	int stage;
	__u8 next;

	if (!cursor_take(cursor, &ip, sizeof(ip)) || ip.version != 6)
		return STAGE_UNPARSED;
	start = cursor->offset;
	next = ip.nexthdr;
	stage = skip_extensions(cursor, &next);
	if (stage != STAGE_CONTINUE)
		return stage;
	if (next != IPPROTO_TCP)
		return STAGE_NOT_OURS;
	end = start + bpf_ntohs(ip.payload_len);
	/* A jumbogram's length stands in an option, and Linux takes it as it came if there is none
	   (ip6_rcv). */
	if (!ip.payload_len && ip.nexthdr == IPPROTO_HOPOPTS)
		end = start + OFFSET_MAX;
	if (end < cursor->offset)
		return STAGE_UNPARSED;
	*ret_room = end - cursor->offset;
	packet->family = SA_FAMILY_IPV6;
	__builtin_memcpy(&packet->source, &ip.saddr, sizeof(packet->source));
	__builtin_memcpy(&packet->destination, &ip.daddr, sizeof(packet->destination));
	/* Such a source would borrow an exemption, or charge a victim, of the other family. */
	return address_is_mapped(&packet->source) ? STAGE_UNPARSED : STAGE_CONTINUE;
}

static __always_inline int parse_tcp(struct cursor *cursor, struct packet *packet, __u32 room)
{
	struct tcp_start tcp;
	__u32 start = cursor->offset, header;

	if (room < sizeof(tcp) || !cursor_take(cursor, &tcp, sizeof(tcp)))
		return STAGE_UNPARSED;
	header = (tcp.data_offset >> 4) * 4;
	cursor->offset = start;
	if (header < sizeof(tcp) || header > room || !cursor_holds(cursor, header))
		return STAGE_UNPARSED;
	if ((tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return STAGE_NOT_OURS;
	packet->source_port_be = tcp.source_port_be;
	packet->destination_port_be = tcp.destination_port_be;
	packet->sequence = tcp.sequence;
	return STAGE_CONTINUE;
}

PART int parse_packet(struct xdp_md *ctx, struct packet *packet)
{
	struct cursor cursor = { .ctx = ctx };
	__u16 protocol_be;
	__u32 room = 0; /* else clang spills what was never set, which the verifier refuses */
	int stage;

	if (!GIVEN(packet))
		return STAGE_NOT_OURS;
	stage = parse_ethernet(&cursor, &protocol_be);
	if (stage != STAGE_CONTINUE)
		return stage;
	if (protocol_be == bpf_htons(ETH_P_IP))
		stage = parse_ipv4(&cursor, packet, &room);
	else if (protocol_be == bpf_htons(ETH_P_IPV6))
		stage = parse_ipv6(&cursor, packet, &room);
	else
		return STAGE_NOT_OURS;
	if (stage != STAGE_CONTINUE)
		return stage;
	return parse_tcp(&cursor, packet, room);
}

#endif
