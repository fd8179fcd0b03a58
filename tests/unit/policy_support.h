/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy requests as Postfix would send them, without the wire.
 */
#ifndef TESTS_POLICY_SUPPORT_H
#define TESTS_POLICY_SUPPORT_H

#include <string.h>

#include "policy_protocol.h"
#include "prefix.h"

static inline struct policy_text text_of(const char *text)
{
	return (struct policy_text){ text, text ? strlen(text) : 0 };
}

static inline struct sa_address address_of(const char *text)
{
	struct sa_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

/* From port 40000 of client to port 25 of 192.0.2.25; instance NULL: none. */
static inline struct policy_request asks(enum policy_state state, const char *client,
					 const char *instance)
{
	return (struct policy_request){
		.state = state,
		.client_known = true,
		.client = address_of(client),
		.client_port = 40000,
		.server_known = true,
		.server = address_of("192.0.2.25"),
		.server_port = 25,
		.client_name = text_of("unknown"),
		.sender = text_of("from@example.org"),
		.recipient = text_of("to@example.net"),
		.recipient_count = state == POLICY_DATA || state == POLICY_END_OF_MESSAGE ? 1 : 0,
		.instance = text_of(instance),
	};
}

#endif
