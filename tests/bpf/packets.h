/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the packet path: a packet is described by what is unusual about it, everything else is
 * a SYN from CLIENT to SERVER's port 25. Written from the standards, not from the packet path.
 */
#ifndef TESTS_BPF_PACKETS_H
#define TESTS_BPF_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synanvil/abi.h"

/* Rows say SYN_IPV4 and then the one field that differs: overriding is the point of them. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define CLIENT_IPV4      "192.0.2.1"
#define SERVER_IPV4      "198.51.100.25"
#define OTHER_IPV4       "198.51.100.26"
#define CLIENT_IPV6      "2001:db8:c::1"
#define SERVER_IPV6      "2001:db8:5::25"
#define OTHER_IPV6       "2001:db8:5::26"

#define FRAME_SIZE_MAX   (64 * 1024)
#define FRAME_TAGS_MAX   4
#define FRAME_CHAIN_MAX  12

#define FLAG_FIN         0x01
#define FLAG_SYN         0x02
#define FLAG_RST         0x04
#define FLAG_PSH         0x08
#define FLAG_ACK         0x10
#define FLAG_URG         0x20
#define FLAG_ECE         0x40
#define FLAG_CWR         0x80

#define TAG_8021Q        0x8100
#define TAG_8021AD       0x88a8

#define NEXT_HOP_BY_HOP  0
#define NEXT_TCP         6
#define NEXT_UDP         17
#define NEXT_ROUTING     43
#define NEXT_FRAGMENT    44
#define NEXT_AH          51
#define NEXT_ICMPV6      58
#define NEXT_DESTINATION 60
#define NEXT_MOBILITY    135
#define NEXT_HIP         139
#define NEXT_SHIM6       140

/* One extension header of IPv6; its length field is chosen so that it has this many bytes. */
struct extension_spec {
	uint8_t kind;
	uint16_t bytes; /* 0: the shortest possible */
};

/* A number that the frame is to state although it is not so; unset: the truth. */
struct lie {
	bool told;
	uint16_t value;
};

struct packet_spec {
	uint16_t tags[FRAME_TAGS_MAX]; /* ends with 0 */
	uint16_t ethertype;            /* 0: the family's */
	uint8_t family;                /* 4 or 6 */
	const char *source;
	const char *destination;
	uint8_t ip_option_words;
	struct extension_spec chain[FRAME_CHAIN_MAX];
	uint8_t chain_length;
	uint16_t fragment_offset; /* in units of 8 bytes; IPv6: in each fragment header */
	bool more_fragments;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t sequence;
	uint8_t flags;
	uint8_t tcp_option_words;
	uint16_t payload;
	struct lie version;
	struct lie ihl;
	struct lie total_length; /* of IPv6: the payload length */
	struct lie data_offset;
};

#define SYN_COMMON                                                                              \
	.protocol = NEXT_TCP, .source_port = 40000, .destination_port = 25, .sequence = 0x1000, \
	.flags = FLAG_SYN
#define SYN_IPV4 .family = 4, .source = CLIENT_IPV4, .destination = SERVER_IPV4, SYN_COMMON
#define SYN_IPV6 .family = 6, .source = CLIENT_IPV6, .destination = SERVER_IPV6, SYN_COMMON

struct frame {
	size_t size;
	size_t network;   /* where the IP header starts */
	size_t transport; /* where the TCP header starts */
	size_t headers;   /* bytes up to the end of the TCP header */
	uint8_t bytes[FRAME_SIZE_MAX];
};

void frame_build(const struct packet_spec *spec, struct frame *ret_frame);

/* The address in the form that the packet path keeps it: IPv4 mapped. The text must be right. */
struct sa_address address_of(const char *text);

/* Other source ports and sequence numbers, addresses: in place, whatever comes before. */
void frame_set_sequence(struct frame *frame, uint32_t sequence);
void frame_set_source_port(struct frame *frame, uint16_t port);
void frame_set_source(struct frame *frame, const struct sa_address *source);

#endif
