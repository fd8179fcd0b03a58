/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6: extension headers alone and chained to the depth that is looked through and one past it,
 * fragments, mapped sources, lengths that lie; headers beyond the linear part of a frame.
 */
#include "rows.h"

#define ATTEMPT(text, ...)                                                \
	{                                                                 \
		text, { SYN_IPV6, __VA_ARGS__ }, ROW_ATTEMPT, ROW_PORT_25 \
	}
#define OTHER(text, ...)                                      \
	{                                                     \
		text, { SYN_IPV6, __VA_ARGS__ }, ROW_OTHER, 0 \
	}
#define UNPARSED(text, ...)                                      \
	{                                                        \
		text, { SYN_IPV6, __VA_ARGS__ }, ROW_UNPARSED, 0 \
	}

#define CHAIN(length, ...) .chain_length = (length), .chain = { __VA_ARGS__ }
#define HOP                        \
	{                          \
		NEXT_HOP_BY_HOP, 0 \
	}
#define DESTINATION                 \
	{                           \
		NEXT_DESTINATION, 0 \
	}
#define ROUTING                  \
	{                        \
		NEXT_ROUTING, 24 \
	}
#define FRAGMENT                 \
	{                        \
		NEXT_FRAGMENT, 0 \
	}
#define AH                  \
	{                   \
		NEXT_AH, 24 \
	}
#define MOBILITY                 \
	{                        \
		NEXT_MOBILITY, 0 \
	}
#define HIP                  \
	{                    \
		NEXT_HIP, 40 \
	}
#define SHIM6                 \
	{                     \
		NEXT_SHIM6, 0 \
	}
#define EACH_KIND HOP, DESTINATION, ROUTING, FRAGMENT, AH, MOBILITY, HIP, SHIM6

static const struct row rows[] = {
	{ "plain SYN", { SYN_IPV6 }, ROW_ATTEMPT, ROW_PORT_25 },
	ATTEMPT("SYN with TCP options", .tcp_option_words = 10),
	ATTEMPT("802.1Q", .tags = { TAG_8021Q }),
	ATTEMPT("802.1Q in 802.1ad", .tags = { TAG_8021AD, TAG_8021Q }),
	UNPARSED("three tags", .tags = { TAG_8021AD, TAG_8021Q, TAG_8021Q }),
	ATTEMPT("SYN in a frame of 9,000 bytes", .payload = 8926),

	/* Each extension header alone */
	ATTEMPT("hop-by-hop", CHAIN(1, HOP)),
	ATTEMPT("routing", CHAIN(1, ROUTING)),
	ATTEMPT("destination options", CHAIN(1, DESTINATION)),
	ATTEMPT("fragment header of a whole datagram", CHAIN(1, FRAGMENT)),
	ATTEMPT("AH", CHAIN(1, AH)),
	ATTEMPT("AH of 16 bytes", CHAIN(1, { NEXT_AH, 16 })),
	ATTEMPT("AH of 1,024 bytes", CHAIN(1, { NEXT_AH, 1024 })),
	ATTEMPT("mobility", CHAIN(1, MOBILITY)),
	ATTEMPT("HIP", CHAIN(1, HIP)),
	ATTEMPT("shim6", CHAIN(1, SHIM6)),
	ATTEMPT("destination options of 2,048 bytes", CHAIN(1, { NEXT_DESTINATION, 2048 })),

	/* Chains */
	ATTEMPT("hop-by-hop, routing", CHAIN(2, HOP, ROUTING)),
	ATTEMPT("eight: one of each kind", CHAIN(8, EACH_KIND)),
	ATTEMPT("eight of each kind behind two tags", CHAIN(8, EACH_KIND),
		.tags = { TAG_8021AD, TAG_8021Q }),
	ATTEMPT("eight times hop-by-hop", CHAIN(8, HOP, HOP, HOP, HOP, HOP, HOP, HOP, HOP)),
	UNPARSED("nine: one of each kind and one more", CHAIN(9, EACH_KIND, HOP)),
	UNPARSED("nine, the last a fragment header",
		 CHAIN(9, HOP, HOP, HOP, HOP, HOP, HOP, HOP, HOP, FRAGMENT)),
	UNPARSED("nine of the same kind",
		 CHAIN(9, DESTINATION, DESTINATION, DESTINATION, DESTINATION, DESTINATION,
		       DESTINATION, DESTINATION, DESTINATION, DESTINATION)),
	UNPARSED("twelve", CHAIN(12, EACH_KIND, HOP, HOP, HOP, HOP)),
	OTHER("eight and UDP", CHAIN(8, EACH_KIND), .protocol = NEXT_UDP),

	/* Beyond the linear part: headers of 4,096 bytes and more do not fit into a page */
	ATTEMPT("TCP behind 4,096 bytes",
		CHAIN(2, { NEXT_DESTINATION, 2048 }, { NEXT_ROUTING, 2048 })),
	ATTEMPT("TCP behind 16,384 bytes",
		CHAIN(8, { NEXT_HOP_BY_HOP, 2048 }, { NEXT_DESTINATION, 2048 },
		      { NEXT_ROUTING, 2048 }, { NEXT_DESTINATION, 2048 },
		      { NEXT_DESTINATION, 2048 }, { NEXT_DESTINATION, 2048 },
		      { NEXT_DESTINATION, 2048 }, { NEXT_DESTINATION, 2048 })),
	OTHER("UDP behind 4,096 bytes",
	      CHAIN(2, { NEXT_DESTINATION, 2048 }, { NEXT_ROUTING, 2048 }), .protocol = NEXT_UDP),
	OTHER("ACK behind 4,096 bytes",
	      CHAIN(2, { NEXT_DESTINATION, 2048 }, { NEXT_ROUTING, 2048 }), .flags = FLAG_ACK),

	/* Fragments */
	ATTEMPT("first fragment", CHAIN(1, FRAGMENT), .more_fragments = true, .payload = 64),
	ATTEMPT("first fragment behind hop-by-hop", CHAIN(2, HOP, FRAGMENT), .more_fragments = true,
		.payload = 64),
	OTHER("middle fragment", CHAIN(1, FRAGMENT), .more_fragments = true, .fragment_offset = 8),
	OTHER("last fragment", CHAIN(1, FRAGMENT), .fragment_offset = 8),
	OTHER("fragment at 8 bytes", CHAIN(1, FRAGMENT), .fragment_offset = 1),
	OTHER("later fragment behind seven others",
	      CHAIN(8, HOP, HOP, HOP, HOP, HOP, HOP, HOP, FRAGMENT), .fragment_offset = 1),

	/* Other protocols, flags */
	OTHER("UDP", .protocol = NEXT_UDP),
	OTHER("ICMPv6", .protocol = NEXT_ICMPV6),
	OTHER("no next header", .protocol = 59),
	OTHER("ESP", .protocol = 50),
	OTHER("SYN+ACK", .flags = FLAG_SYN | FLAG_ACK),
	OTHER("ACK", .flags = FLAG_ACK),
	OTHER("RST", .flags = FLAG_RST),
	OTHER("SYN+FIN behind destination options", CHAIN(1, DESTINATION),
	      .flags = FLAG_SYN | FLAG_FIN),

	/* Sources of the other family */
	UNPARSED("source is mapped IPv4", .source = "::ffff:192.0.2.1"),
	UNPARSED("source is mapped IPv4, with extension header", .source = "::ffff:192.0.2.1",
		 CHAIN(1, HOP)),
	ATTEMPT("source is compatible IPv4, which is not mapped", .source = "::192.0.2.1"),
	ATTEMPT("source is translated IPv4 (64:ff9b::/96)", .source = "64:ff9b::192.0.2.1"),
	ATTEMPT("destination is mapped IPv4", .destination = "::ffff:198.51.100.25"),

	/* What contradicts itself */
	UNPARSED("version 4 under IPv6's type", .version = { true, 4 }),
	UNPARSED("version 0", .version = { true, 0 }),
	UNPARSED("payload length 0", .total_length = { true, 0 }),
	ATTEMPT("payload length 0 before hop-by-hop, as Linux takes it", CHAIN(1, HOP),
		.total_length = { true, 0 }),
	ATTEMPT("payload length 0 before hop-by-hop and routing", CHAIN(2, HOP, ROUTING),
		.total_length = { true, 0 }),
	UNPARSED("payload length 0 before routing and hop-by-hop", CHAIN(2, ROUTING, HOP),
		 .total_length = { true, 0 }),
	UNPARSED("payload length one short of TCP's header", .total_length = { true, 19 }),
	UNPARSED("payload ends inside the extension header", CHAIN(1, ROUTING),
		 .total_length = { true, 20 }),
	UNPARSED("payload ends inside TCP behind an extension header", CHAIN(1, ROUTING),
		 .total_length = { true, 43 }),
	ATTEMPT("payload length beyond the frame, headers all there",
		.total_length = { true, 1400 }),
	ATTEMPT("payload length of just TCP's header, padding behind", .total_length = { true, 20 },
		.payload = 6),
	UNPARSED("data offset 4 words", .data_offset = { true, 4 }),
	UNPARSED("data offset beyond the frame", .data_offset = { true, 6 }),
};

int main(void)
{
	return ROWS_RUN("IPv6", rows);
}
