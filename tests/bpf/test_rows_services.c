/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which destinations are protected: port 25 everywhere, port 587 with a row for one address of each
 * family and one for all others.
 */
#include "rows.h"

#define TO4(text, is, service, ...)                          \
	{                                                    \
		text, { SYN_IPV4, __VA_ARGS__ }, is, service \
	}
#define TO6(text, is, service, ...)                          \
	{                                                    \
		text, { SYN_IPV6, __VA_ARGS__ }, is, service \
	}

static const struct row rows[] = {
	TO4("port 24", ROW_OTHER, 0, .destination_port = 24),
	TO4("port 26", ROW_OTHER, 0, .destination_port = 26),
	TO4("port 0", ROW_OTHER, 0, .destination_port = 0),
	TO4("port 65535", ROW_OTHER, 0, .destination_port = 65535),
	TO4("port 25 with its bytes swapped", ROW_OTHER, 0, .destination_port = 25 << 8),
	TO4("port 25 as source port", ROW_OTHER, 0, .destination_port = 40000, .source_port = 25),
	TO4("port 586", ROW_OTHER, 0, .destination_port = 586),
	TO4("port 588", ROW_OTHER, 0, .destination_port = 588),
	TO6("IPv6 port 24", ROW_OTHER, 0, .destination_port = 24),
	TO6("IPv6 port 26", ROW_OTHER, 0, .destination_port = 26),
	TO6("IPv6 port 0", ROW_OTHER, 0, .destination_port = 0),
	TO6("IPv6 port 65535", ROW_OTHER, 0, .destination_port = 65535),

	TO4("source port 0", ROW_ATTEMPT, ROW_PORT_25, .source_port = 0),
	TO4("source port 65535", ROW_ATTEMPT, ROW_PORT_25, .source_port = 65535),
	TO4("port 25 at another address", ROW_ATTEMPT, ROW_PORT_25, .destination = "203.0.113.9"),
	TO4("port 25 at broadcast", ROW_ATTEMPT, ROW_PORT_25, .destination = "255.255.255.255"),
	TO6("IPv6 port 25 at another address", ROW_ATTEMPT, ROW_PORT_25,
	    .destination = "2001:db8::9"),

	TO4("the address's own row wins", ROW_ATTEMPT, ROW_ADDRESS_IPV4, .destination_port = 587),
	TO4("another address", ROW_ATTEMPT, ROW_PORT_587, .destination_port = 587,
	    .destination = OTHER_IPV4),
	TO4("the address one below", ROW_ATTEMPT, ROW_PORT_587, .destination_port = 587,
	    .destination = "198.51.100.24"),
	TO4("the row's address, another port", ROW_ATTEMPT, ROW_PORT_25, .destination_port = 25),
	TO6("the IPv6 address's own row wins", ROW_ATTEMPT, ROW_ADDRESS_IPV6,
	    .destination_port = 587),
	TO6("another IPv6 address", ROW_ATTEMPT, ROW_PORT_587, .destination_port = 587,
	    .destination = OTHER_IPV6),
	TO6("the IPv6 address's upper half alone", ROW_ATTEMPT, ROW_PORT_587,
	    .destination_port = 587, .destination = "2001:db8:5::1:25"),
	TO6("the IPv6 address's lower half alone", ROW_ATTEMPT, ROW_PORT_587,
	    .destination_port = 587, .destination = "2001:db8:6::25"),
};

int main(void)
{
	return ROWS_RUN("services", rows);
}
