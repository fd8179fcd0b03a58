/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of the policy protocol, in requests, metrics and log lines.
 */
#include "policy_protocol.h"

static const char *const state_names[POLICY_STATES] = {
	[POLICY_UNKNOWN] = "unknown", [POLICY_CONNECT] = "CONNECT",
	[POLICY_EHLO] = "EHLO",       [POLICY_HELO] = "HELO",
	[POLICY_MAIL] = "MAIL",       [POLICY_RCPT] = "RCPT",
	[POLICY_DATA] = "DATA",       [POLICY_END_OF_MESSAGE] = "END-OF-MESSAGE",
	[POLICY_VRFY] = "VRFY",       [POLICY_ETRN] = "ETRN",
};

static const struct {
	const char *token;
	const char *text;
} faults[POLICY_FAULTS] = {
	[POLICY_FAULT_NONE] = { "none", "nothing is wrong" },
	[POLICY_FAULT_MALFORMED_LINE] = { "malformed_line", "a line is not name=value" },
	[POLICY_FAULT_LINE_TOO_LONG] = { "line_too_long", "a line is too long" },
	[POLICY_FAULT_REQUEST_TOO_LONG] = { "request_too_long", "a request is too long" },
	[POLICY_FAULT_EMPTY_REQUEST] = { "empty_request", "a request is empty" },
	[POLICY_FAULT_TRUNCATED] = { "truncated", "the connection ended inside of a request" },
	[POLICY_FAULT_TOO_SLOW] = { "too_slow",
				    "a request did not go on, or its reply was not taken" },
	[POLICY_FAULT_NO_MEMORY] = { "no_memory", "too much memory is in use" },
	[POLICY_FAULT_TOO_MANY_SESSIONS] = { "too_many_sessions",
					     "there are too many connections" },
};

const char *policy_state_name(enum policy_state state)
{
	return state_names[state];
}

const char *policy_fault_token(enum policy_fault fault)
{
	return faults[fault].token;
}

const char *policy_fault_text(enum policy_fault fault)
{
	return faults[fault].text;
}
