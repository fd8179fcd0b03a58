/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that decides about messages: a function of the request and of what was found out
 * before. No descriptor, clock, log or table.
 */
#ifndef AGENT_DECIDE_H
#define AGENT_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy_protocol.h"

/* Names are labels of synanvil_policy_decisions_total, too. */
enum policy_action {
	POLICY_DUNNO,
	POLICY_DEFER,
	POLICY_REJECT,
	POLICY_WOULD_DEFER, /* monitor mode: answered as DUNNO, counted as what it would be */
	POLICY_WOULD_REJECT,
	POLICY_ACTIONS,
};

/* In the order in which they are looked at, exempt first. */
enum policy_reason {
#define POLICY_REASON(NAME, token, sentence) POLICY_##NAME,
#include "policy_reasons.def"
#undef POLICY_REASON
	POLICY_REASONS,
};

const char *policy_action_name(enum policy_action action);
const char *policy_reason_token(enum policy_reason reason);
const char *policy_reason_sentence(enum policy_reason reason);

/* The pairs that can occur. */
bool policy_pair_occurs(enum policy_action action, enum policy_reason reason);

/* Whether the client is told so: neither in monitor mode nor by DUNNO. */
bool policy_refuses(enum policy_action action);

/* What a request is about, by the state of its session. */
bool policy_about_message(enum policy_state state);   /* MAIL, RCPT, DATA, END-OF-MESSAGE */
bool policy_about_recipient(enum policy_state state); /* the same without MAIL, and VRFY */

/*
 * What is known beside the request. Counts are those after this message or recipient was counted;
 * of a message that was counted before, its count and limit of then: all its requests get the same
 * answer. Those of a client that is not known are 0.
 */
struct policy_facts {
	bool enforce; /* false: monitor */
	bool exempt;
	bool ended; /* monitor mode: a refusal would have ended the message at an earlier state */
	bool queue_full; /* smtpd_check_queue's conditions; false also where the queue is unreadable
			  */
	uint32_t messages;
	uint32_t message_limit; /* 0: none */
	uint32_t recipients;
	uint32_t recipient_limit; /* 0: none */
	uint64_t size_limit;      /* bytes; 0: none */
};

struct policy_decision {
	enum policy_action action;
	enum policy_reason reason;
};

struct policy_decision decide(const struct policy_request *request,
			      const struct policy_facts *facts);

/* Room for any answer. */
#define POLICY_ANSWER_SIZE 160

/*
 * What Postfix is told: the text of "action=" (DUNNO, "450 4.7.1 Error:
 * too much mail from ADDRESS" and so on).
 */
void policy_answer_text(const struct policy_decision *decision,
			const struct policy_request *request, char text[static POLICY_ANSWER_SIZE]);

#endif
