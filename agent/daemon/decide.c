/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict on a message.
 */
#include "decide.h"

#include <stdio.h>
#include <string.h>

#include "prefix.h"

const char *policy_action_name(enum policy_action action)
{
	static const char *const names[POLICY_ACTIONS] = {
		[POLICY_DUNNO] = "dunno",
		[POLICY_DEFER] = "defer",
		[POLICY_REJECT] = "reject",
		[POLICY_WOULD_DEFER] = "would_defer",
		[POLICY_WOULD_REJECT] = "would_reject",
	};

	return names[action];
}

const char *policy_reason_token(enum policy_reason reason)
{
	static const char *const tokens[POLICY_REASONS] = {
#define POLICY_REASON(NAME, token, sentence) [POLICY_##NAME] = #token,
#include "policy_reasons.def"
#undef POLICY_REASON
	};

	return tokens[reason];
}

const char *policy_reason_sentence(enum policy_reason reason)
{
	static const char *const sentences[POLICY_REASONS] = {
#define POLICY_REASON(NAME, token, sentence) [POLICY_##NAME] = (sentence),
#include "policy_reasons.def"
#undef POLICY_REASON
	};

	return sentences[reason];
}

/* What follows from a reason where limits are enforced. */
static enum policy_action action_of(enum policy_reason reason)
{
	switch (reason) {
	case POLICY_MESSAGE_RATE:
	case POLICY_QUEUE_FREE:
	case POLICY_RECIPIENT_RATE:
		return POLICY_DEFER;
	case POLICY_SIZE:
		return POLICY_REJECT;
	default:
		return POLICY_DUNNO;
	}
}

static enum policy_action would(enum policy_action action)
{
	switch (action) {
	case POLICY_DEFER:
		return POLICY_WOULD_DEFER;
	case POLICY_REJECT:
		return POLICY_WOULD_REJECT;
	default:
		return action;
	}
}

bool policy_pair_occurs(enum policy_action action, enum policy_reason reason)
{
	return action == action_of(reason) || action == would(action_of(reason));
}

bool policy_refuses(enum policy_action action)
{
	return action == POLICY_DEFER || action == POLICY_REJECT;
}

bool policy_about_message(enum policy_state state)
{
	return state == POLICY_MAIL || state == POLICY_RCPT || state == POLICY_DATA ||
	       state == POLICY_END_OF_MESSAGE;
}

bool policy_about_recipient(enum policy_state state)
{
	return state == POLICY_VRFY || (policy_about_message(state) && state != POLICY_MAIL);
}

/* As everywhere in Postfix: the value may reach the limit, and 0 is none. */
static bool exceeds(uint64_t value, uint64_t limit)
{
	return limit && value > limit;
}

/* smtpd looks at free space at MAIL only; who comes to the end of the message has used it. */
static bool needs_space(enum policy_state state)
{
	return policy_about_message(state) && state != POLICY_END_OF_MESSAGE;
}

static enum policy_reason reason_of(enum policy_state state, uint64_t size,
				    const struct policy_facts *facts)
{
	if (facts->exempt)
		return POLICY_EXEMPT;
	if (facts->ended)
		return POLICY_NONE;
	if (policy_about_message(state) && exceeds(facts->messages, facts->message_limit))
		return POLICY_MESSAGE_RATE;
	if (policy_about_message(state) && exceeds(size, facts->size_limit))
		return POLICY_SIZE;
	if (needs_space(state) && facts->queue_full)
		return POLICY_QUEUE_FREE;
	if (policy_about_recipient(state) && exceeds(facts->recipients, facts->recipient_limit))
		return POLICY_RECIPIENT_RATE;
	return POLICY_NONE;
}

struct policy_decision decide(const struct policy_request *request,
			      const struct policy_facts *facts)
{
	const enum policy_reason reason = reason_of(request->state, request->size, facts);
	const enum policy_action action = action_of(reason);

	return (struct policy_decision){ facts->enforce ? action : would(action), reason };
}

void policy_answer_text(const struct policy_decision *decision,
			const struct policy_request *request, char text[static POLICY_ANSWER_SIZE])
{
	char client[PREFIX_TEXT_SIZE];

	/* Nearly all answers: nothing is formatted for them. */
	if (!policy_refuses(decision->action)) {
		memcpy(text, "DUNNO", sizeof("DUNNO"));
		return;
	}
	address_format(&request->client, client);
	switch (decision->reason) {
	case POLICY_MESSAGE_RATE:
		(void)snprintf(text, POLICY_ANSWER_SIZE, "450 4.7.1 Error: too much mail from %s",
			       client);
		return;
	case POLICY_RECIPIENT_RATE:
		(void)snprintf(text, POLICY_ANSWER_SIZE,
			       "450 4.7.1 Error: too many recipients from %s", client);
		return;
	case POLICY_SIZE:
		(void)snprintf(text, POLICY_ANSWER_SIZE,
			       "552 5.3.4 Message size exceeds fixed limit");
		return;
	case POLICY_QUEUE_FREE:
		(void)snprintf(text, POLICY_ANSWER_SIZE, "452 4.3.1 Insufficient system storage");
		return;
	default:
		(void)snprintf(text, POLICY_ANSWER_SIZE, "DUNNO");
	}
}
