/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link layer, IPv4 and TCP: which frames are attempts, which are something else, which cannot be
 * followed.
 */
#include "rows.h"

#define ATTEMPT(text, ...)                                                \
	{                                                                 \
		text, { SYN_IPV4, __VA_ARGS__ }, ROW_ATTEMPT, ROW_PORT_25 \
	}
#define OTHER(text, ...)                                      \
	{                                                     \
		text, { SYN_IPV4, __VA_ARGS__ }, ROW_OTHER, 0 \
	}
#define UNPARSED(text, ...)                                      \
	{                                                        \
		text, { SYN_IPV4, __VA_ARGS__ }, ROW_UNPARSED, 0 \
	}

static const struct row rows[] = {
	{ "plain SYN", { SYN_IPV4 }, ROW_ATTEMPT, ROW_PORT_25 },
	ATTEMPT("SYN with data", .payload = 100),
	ATTEMPT("SYN in a frame of 9,000 bytes", .payload = 8946),
	ATTEMPT("SYN in a frame of 60,000 bytes", .payload = 59946),

	/* IPv4 options */
	ATTEMPT("one word of IPv4 options", .ip_option_words = 1),
	ATTEMPT("ten words of IPv4 options", .ip_option_words = 10),
	ATTEMPT("IPv4 and TCP options, all there can be", .ip_option_words = 10,
		.tcp_option_words = 10),
	ATTEMPT("TCP options", .tcp_option_words = 5),

	/* VLAN tags */
	ATTEMPT("802.1Q", .tags = { TAG_8021Q }),
	ATTEMPT("802.1ad", .tags = { TAG_8021AD }),
	ATTEMPT("802.1Q in 802.1ad", .tags = { TAG_8021AD, TAG_8021Q }),
	ATTEMPT("802.1Q in 802.1Q", .tags = { TAG_8021Q, TAG_8021Q }),
	ATTEMPT("802.1ad in 802.1ad", .tags = { TAG_8021AD, TAG_8021AD }),
	ATTEMPT("802.1ad in 802.1Q", .tags = { TAG_8021Q, TAG_8021AD }),
	ATTEMPT("two tags and a jumbo frame", .tags = { TAG_8021AD, TAG_8021Q }, .payload = 8938),
	UNPARSED("three tags", .tags = { TAG_8021AD, TAG_8021Q, TAG_8021Q }),
	UNPARSED("three tags 802.1ad", .tags = { TAG_8021AD, TAG_8021AD, TAG_8021AD }),
	UNPARSED("four tags", .tags = { TAG_8021Q, TAG_8021Q, TAG_8021Q, TAG_8021Q }),
	UNPARSED("three tags and ARP", .tags = { TAG_8021Q, TAG_8021Q, TAG_8021Q },
		 .ethertype = 0x0806),

	/* Other protocols */
	OTHER("ARP", .ethertype = 0x0806),
	OTHER("ARP in a VLAN", .ethertype = 0x0806, .tags = { TAG_8021Q }),
	OTHER("LLDP", .ethertype = 0x88cc),
	OTHER("MPLS", .ethertype = 0x8847),
	OTHER("PPPoE", .ethertype = 0x8864),
	OTHER("802.3 length instead of a type", .ethertype = 100),
	OTHER("UDP", .protocol = NEXT_UDP),
	OTHER("ICMP", .protocol = 1),
	OTHER("GRE", .protocol = 47),
	OTHER("SCTP", .protocol = 132),
	OTHER("IPv6 in IPv4", .protocol = 41),
	OTHER("AH in IPv4", .protocol = NEXT_AH),

	/* Flags */
	ATTEMPT("SYN+PSH", .flags = FLAG_SYN | FLAG_PSH),
	ATTEMPT("SYN+URG", .flags = FLAG_SYN | FLAG_URG),
	ATTEMPT("SYN+ECE", .flags = FLAG_SYN | FLAG_ECE),
	ATTEMPT("SYN+CWR", .flags = FLAG_SYN | FLAG_CWR),
	ATTEMPT("SYN+ECE+CWR", .flags = FLAG_SYN | FLAG_ECE | FLAG_CWR),
	ATTEMPT("SYN+PSH+URG+ECE+CWR",
		.flags = FLAG_SYN | FLAG_PSH | FLAG_URG | FLAG_ECE | FLAG_CWR),
	OTHER("SYN+ACK", .flags = FLAG_SYN | FLAG_ACK),
	OTHER("SYN+RST", .flags = FLAG_SYN | FLAG_RST),
	OTHER("SYN+FIN", .flags = FLAG_SYN | FLAG_FIN),
	OTHER("all flags", .flags = 0xff),
	OTHER("all flags but SYN", .flags = 0xff & ~FLAG_SYN),
	OTHER("no flags", .flags = 0),
	OTHER("ACK", .flags = FLAG_ACK),
	OTHER("ACK+PSH with data", .flags = FLAG_ACK | FLAG_PSH, .payload = 1400),
	OTHER("RST", .flags = FLAG_RST),
	OTHER("FIN", .flags = FLAG_FIN),
	OTHER("FIN+ACK", .flags = FLAG_FIN | FLAG_ACK),

	/* Fragments */
	ATTEMPT("first fragment", .more_fragments = true, .payload = 64),
	ATTEMPT("do not fragment", .fragment_offset = 0x4000),
	ATTEMPT("reserved bit", .fragment_offset = 0x8000),
	OTHER("middle fragment", .more_fragments = true, .fragment_offset = 100),
	OTHER("last fragment", .fragment_offset = 100),
	OTHER("fragment at 8 bytes", .fragment_offset = 1),
	OTHER("fragment at the highest offset", .fragment_offset = 0x1fff),

	/* What contradicts itself */
	UNPARSED("version 5", .version = { true, 5 }),
	UNPARSED("version 6 under IPv4's type", .version = { true, 6 }),
	UNPARSED("version 0", .version = { true, 0 }),
	UNPARSED("header length 0", .ihl = { true, 0 }),
	UNPARSED("header length 4 words", .ihl = { true, 4 }),
	UNPARSED("header longer than the frame", .ihl = { true, 15 },
		 .total_length = { true, 100 }),
	UNPARSED("total length 0", .total_length = { true, 0 }),
	UNPARSED("total length 19", .total_length = { true, 19 }),
	UNPARSED("total length of the header alone", .total_length = { true, 20 }),
	UNPARSED("total length one short of TCP's header", .total_length = { true, 39 }),
	ATTEMPT("total length of just the headers, padding behind", .total_length = { true, 40 },
		.payload = 6),
	ATTEMPT("total length beyond the frame, headers all there", .total_length = { true, 1500 }),
	UNPARSED("data offset 0", .data_offset = { true, 0 }),
	UNPARSED("data offset 4 words", .data_offset = { true, 4 }),
	UNPARSED("data offset beyond the frame", .data_offset = { true, 6 }),
	UNPARSED("data offset beyond the datagram", .data_offset = { true, 15 }, .payload = 60,
		 .total_length = { true, 79 }),
	ATTEMPT("data offset to the end of the datagram", .data_offset = { true, 15 },
		.payload = 40),
};

int main(void)
{
	return ROWS_RUN("IPv4", rows);
}
