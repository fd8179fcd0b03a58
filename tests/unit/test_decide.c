/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.c: which rule answers, in which order, at which state, and in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide.h"
#include "policy_support.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything is wrong with it. */
static const struct policy_facts worst = {
	.enforce = true,
	.queue_full = true,
	.messages = 11,
	.message_limit = 10,
	.recipients = 21,
	.recipient_limit = 20,
	.size_limit = 1000,
};

static struct policy_decision decided(enum policy_state state, uint64_t size,
				      const struct policy_facts *facts)
{
	struct policy_request request = asks(state, "192.0.2.1", "1.2.3.4");

	request.size = size;
	return decide(&request, facts);
}

static void must(enum policy_state state, uint64_t size, const struct policy_facts *facts,
		 enum policy_action action, enum policy_reason reason)
{
	const struct policy_decision decision = decided(state, size, facts);

	assert_string_equal(policy_reason_token(decision.reason), policy_reason_token(reason));
	assert_string_equal(policy_action_name(decision.action), policy_action_name(action));
}

static void first_hit_answers(void **state)
{
	struct policy_facts facts = worst;

	(void)state;
	facts.exempt = true;
	must(POLICY_RCPT, 2000, &facts, POLICY_DUNNO, POLICY_EXEMPT);
	facts.exempt = false;
	must(POLICY_RCPT, 2000, &facts, POLICY_DEFER, POLICY_MESSAGE_RATE);
	facts.messages = 10;
	must(POLICY_RCPT, 2000, &facts, POLICY_REJECT, POLICY_SIZE);
	must(POLICY_RCPT, 1000, &facts, POLICY_DEFER, POLICY_QUEUE_FREE);
	facts.queue_full = false;
	must(POLICY_RCPT, 1000, &facts, POLICY_DEFER, POLICY_RECIPIENT_RATE);
	facts.recipients = 20;
	must(POLICY_RCPT, 1000, &facts, POLICY_DUNNO, POLICY_NONE);
}

static void each_rule_has_its_states(void **state)
{
	static const struct {
		enum policy_state state;
		bool message, size, queue, recipient;
	} rows[] = {
		{ POLICY_UNKNOWN, false, false, false, false },
		{ POLICY_CONNECT, false, false, false, false },
		{ POLICY_EHLO, false, false, false, false },
		{ POLICY_HELO, false, false, false, false },
		{ POLICY_MAIL, true, true, true, false },
		{ POLICY_RCPT, true, true, true, true },
		{ POLICY_DATA, true, true, true, true },
		{ POLICY_END_OF_MESSAGE, true, true, false, true },
		{ POLICY_VRFY, false, false, false, true },
		{ POLICY_ETRN, false, false, false, false },
	};

	(void)state;
	assert_int_equal(COUNT(rows), POLICY_STATES);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_facts facts = { .enforce = true };

		must(rows[i].state, 2000, &facts, POLICY_DUNNO, POLICY_NONE);
		facts = (struct policy_facts){ .enforce = true, .messages = 2, .message_limit = 1 };
		assert_int_equal(decided(rows[i].state, 0, &facts).reason == POLICY_MESSAGE_RATE,
				 rows[i].message);
		facts = (struct policy_facts){ .enforce = true, .size_limit = 1999 };
		assert_int_equal(decided(rows[i].state, 2000, &facts).reason == POLICY_SIZE,
				 rows[i].size);
		facts = (struct policy_facts){ .enforce = true, .queue_full = true };
		assert_int_equal(decided(rows[i].state, 0, &facts).reason == POLICY_QUEUE_FREE,
				 rows[i].queue);
		facts = (struct policy_facts){ .enforce = true,
					       .recipients = 2,
					       .recipient_limit = 1 };
		assert_int_equal(decided(rows[i].state, 0, &facts).reason == POLICY_RECIPIENT_RATE,
				 rows[i].recipient);
	}
}

static void zero_is_no_limit(void **state)
{
	const struct policy_facts facts = { .enforce = true,
					    .messages = UINT32_MAX,
					    .recipients = UINT32_MAX };

	(void)state;
	for (enum policy_state s = 0; s < POLICY_STATES; s++)
		must(s, UINT64_MAX, &facts, POLICY_DUNNO, POLICY_NONE);
}

static void monitor_answers_dunno(void **state)
{
	struct policy_facts facts = worst;
	struct policy_request request = asks(POLICY_RCPT, "192.0.2.1", "1");
	char text[POLICY_ANSWER_SIZE];
	struct policy_decision decision;

	(void)state;
	facts.enforce = false;
	must(POLICY_RCPT, 0, &facts, POLICY_WOULD_DEFER, POLICY_MESSAGE_RATE);
	facts.messages = 0;
	must(POLICY_RCPT, 2000, &facts, POLICY_WOULD_REJECT, POLICY_SIZE);
	decision = decided(POLICY_RCPT, 2000, &facts);
	policy_answer_text(&decision, &request, text);
	assert_string_equal(text, "DUNNO");
	/* What was over before this state would not have come to it. */
	facts.ended = true;
	must(POLICY_RCPT, 2000, &facts, POLICY_DUNNO, POLICY_NONE);
}

static void words_are_postfix_own(void **state)
{
	static const struct {
		enum policy_reason reason;
		enum policy_action action;
		const char *client, *text;
	} rows[] = {
		{ POLICY_MESSAGE_RATE, POLICY_DEFER, "192.0.2.1",
		  "450 4.7.1 Error: too much mail from 192.0.2.1" },
		{ POLICY_MESSAGE_RATE, POLICY_DEFER, "2001:db8::1",
		  "450 4.7.1 Error: too much mail from 2001:db8::1" },
		{ POLICY_SIZE, POLICY_REJECT, "192.0.2.1",
		  "552 5.3.4 Message size exceeds fixed limit" },
		{ POLICY_QUEUE_FREE, POLICY_DEFER, "192.0.2.1",
		  "452 4.3.1 Insufficient system storage" },
		{ POLICY_RECIPIENT_RATE, POLICY_DEFER, "192.0.2.1",
		  "450 4.7.1 Error: too many recipients from 192.0.2.1" },
		{ POLICY_NONE, POLICY_DUNNO, "192.0.2.1", "DUNNO" },
		{ POLICY_EXEMPT, POLICY_DUNNO, "192.0.2.1", "DUNNO" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct policy_request request = asks(POLICY_RCPT, rows[i].client, "1");
		const struct policy_decision decision = { rows[i].action, rows[i].reason };
		char text[POLICY_ANSWER_SIZE];

		policy_answer_text(&decision, &request, text);
		assert_string_equal(text, rows[i].text);
		assert_true(policy_pair_occurs(rows[i].action, rows[i].reason));
	}
	assert_false(policy_pair_occurs(POLICY_REJECT, POLICY_MESSAGE_RATE));
	assert_false(policy_pair_occurs(POLICY_WOULD_DEFER, POLICY_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_hit_answers),     cmocka_unit_test(each_rule_has_its_states),
		cmocka_unit_test(zero_is_no_limit),      cmocka_unit_test(monitor_answers_dunno),
		cmocka_unit_test(words_are_postfix_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
