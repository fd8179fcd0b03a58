/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the message path counts: a message once, whoever asks at which state, with the same answer
 * for all of it; its recipients; until the window ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_lab.h"

#define A "192.0.2.1"
#define B "192.0.2.2"

static void wirings_count_alike(void **state)
{
	static const enum policy_state wirings[][4] = {
		{ POLICY_RCPT },
		{ POLICY_DATA },
		{ POLICY_END_OF_MESSAGE },
		{ POLICY_RCPT, POLICY_RCPT, POLICY_DATA, POLICY_END_OF_MESSAGE },
		{ POLICY_DATA, POLICY_END_OF_MESSAGE },
		{ POLICY_RCPT, POLICY_END_OF_MESSAGE },
	};
	struct policy_lab *lab = *state;

	limit(lab, 3, 0);
	for (size_t w = 0; w < sizeof(wirings) / sizeof(wirings[0]); w++) {
		char client[24], instance[24];

		(void)snprintf(client, sizeof(client), "198.51.100.%zu", w);
		for (unsigned message = 1; message <= 5; message++) {
			(void)snprintf(instance, sizeof(instance), "%zu.%u", w, message);
			for (size_t i = 0; i < 4 && wirings[w][i]; i++)
				assert_string_equal(ask(lab, wirings[w][i], client, instance),
						    message <= 3 ? "DUN" : "450");
		}
	}
}

/* Two service strings: two connections, that ask about the same recipient one after the other. */
static void two_connections_count_once(void **state)
{
	struct policy_lab *lab = *state;
	const struct policy_request first = asks(POLICY_RCPT, A, "1.1");
	const struct policy_request second = asks(POLICY_RCPT, A, "1.2");

	limit(lab, 1, 3);
	for (unsigned recipient = 1; recipient <= 5; recipient++)
		for (uint64_t connection = 1; connection <= 2; connection++)
			assert_string_equal(answer_on(lab, connection, &first),
					    recipient <= 3 ? "DUN" : "450");
	assert_string_equal(answer_on(lab, 2, &second), "450");
	assert_string_equal(answer_on(lab, 1, &second), "450");
	assert_int_equal(lab->records[0].refusal, POLICY_RECIPIENT_RATE);
	assert_int_equal(lab->records[0].count, 4);
	assert_int_equal(lab->records[1].refusal, POLICY_MESSAGE_RATE);
	assert_int_equal(lab->records[1].count, 2);
}

/* A connection that took the place of one that is gone counts on. */
static void a_new_connection_counts_on(void **state)
{
	struct policy_lab *lab = *state;
	const struct policy_request request = asks(POLICY_RCPT, A, "1.1");

	limit(lab, 0, 3);
	for (uint64_t connection = 1; connection <= 5; connection++) {
		assert_string_equal(answer_on(lab, connection, &request),
				    connection <= 3 ? "DUN" : "450");
		policy_connection_closed(lab->daemon.policy, connection);
	}
}

/* smtpd_delay_reject = no: MAIL is asked about without an instance. */
static void mail_is_matched_to_its_message(void **state)
{
	struct policy_lab *lab = *state;
	char instance[8];

	limit(lab, 2, 0);
	for (unsigned message = 1; message <= 4; message++) {
		const char *want = message <= 2 ? "DUN" : "450";

		(void)snprintf(instance, sizeof(instance), "%u", message);
		assert_string_equal(ask(lab, POLICY_MAIL, A, NULL), want);
		assert_string_equal(ask(lab, POLICY_RCPT, A, instance), want);
		assert_string_equal(ask(lab, POLICY_RCPT, A, instance), want);
		assert_string_equal(ask(lab, POLICY_DATA, A, instance), want);
		assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, instance), want);
	}
}

static void mail_of_others_is_not_matched(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request mail = asks(POLICY_MAIL, A, NULL);
	struct policy_request rcpt = asks(POLICY_RCPT, A, "1");
	struct policy_view view;

	limit(lab, 100, 0);
	(void)answer(lab, &mail);
	rcpt.client_port++;
	(void)answer(lab, &rcpt);
	rcpt = asks(POLICY_RCPT, A, "2");
	rcpt.sender = text_of("other@example.org");
	(void)answer(lab, &rcpt);
	policy_look(lab->daemon.policy, &mail.client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 3);
	/* Refused or reset, MAIL comes again: as in anvil that counts again. */
	(void)answer(lab, &mail);
	(void)answer(lab, &mail);
	policy_look(lab->daemon.policy, &mail.client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 5);
	/* Asked on a second connection it is the same MAIL. */
	(void)answer_on(lab, 2, &mail);
	policy_look(lab->daemon.policy, &mail.client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 5);
}

/*
 * MAIL of another smtpd, from the same address and sender and, behind a proxy that tells no ports,
 * the same port: while the window lasts it may be the same message, after that it is not.
 */
static void refused_mail_is_not_refused_beyond_the_window(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request mail = asks(POLICY_MAIL, A, NULL);

	limit(lab, 1, 0);
	mail.client_port = 0;
	assert_string_equal(answer_on(lab, 1, &mail), "DUN");
	assert_string_equal(answer_on(lab, 1, &mail), "450");
	assert_string_equal(answer_on(lab, 2, &mail), "450");
	lab->now.ms += 60000;
	assert_string_equal(answer_on(lab, 2, &mail), "DUN");
	assert_string_equal(answer_on(lab, 2, &mail), "450");
}

/* The same for what MAIL left behind, and a message with an instance much later. */
static void mail_is_not_taken_over_beyond_the_window(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request mail = asks(POLICY_MAIL, A, NULL);

	limit(lab, 1, 0);
	assert_string_equal(answer(lab, &mail), "DUN");
	assert_string_equal(answer(lab, &mail), "450");
	lab->now.ms += 60000;
	assert_string_equal(ask(lab, POLICY_DATA, A, "1"), "DUN");
}

/* A client that is not Postfix: from one MAIL to the next, or to the message's end. */
static void without_instances(void **state)
{
	struct policy_lab *lab = *state;
	const struct sa_address client = address_of(A);
	struct policy_view view;

	limit(lab, 100, 0);
	for (unsigned i = 0; i < 3; i++) {
		(void)ask(lab, POLICY_RCPT, A, NULL);
		(void)ask(lab, POLICY_RCPT, A, NULL);
		(void)ask(lab, POLICY_DATA, A, NULL);
		(void)ask(lab, POLICY_END_OF_MESSAGE, A, NULL);
	}
	policy_look(lab->daemon.policy, &client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 3);
}

/* One that asks at DATA only never says that a message has ended. */
static void without_instances_a_refusal_ends_with_its_window(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request data = asks(POLICY_DATA, A, NULL);

	limit(lab, 0, 3);
	data.recipient_count = 4;
	assert_string_equal(answer(lab, &data), "450");
	data.recipient_count = 1;
	lab->now.ms += 60000;
	assert_string_equal(answer(lab, &data), "DUN");
}

static void window_starts_with_the_first_message(void **state)
{
	struct policy_lab *lab = *state;

	limit(lab, 2, 0);
	assert_string_equal(ask(lab, POLICY_DATA, A, "1"), "DUN");
	lab->now.ms += 30000;
	assert_string_equal(ask(lab, POLICY_DATA, A, "2"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, A, "3"), "450");
	lab->now.ms += 29999;
	assert_string_equal(ask(lab, POLICY_DATA, A, "4"), "450");
	lab->now.ms += 1;
	assert_string_equal(ask(lab, POLICY_DATA, A, "5"), "DUN");
	/* What was refused stays so: it is the same message. */
	assert_string_equal(ask(lab, POLICY_DATA, A, "4"), "450");
	assert_string_equal(ask(lab, POLICY_DATA, A, "6"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, A, "7"), "450");
}

static void recipients_at_rcpt_or_at_once(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request data = asks(POLICY_DATA, B, "2.1");

	limit(lab, 0, 3);
	/* Each RCPT; those that were let in are not judged again at DATA. */
	for (unsigned i = 1; i <= 5; i++)
		assert_string_equal(ask(lab, POLICY_RCPT, A, "1.1"), i <= 3 ? "DUN" : "450");
	assert_string_equal(ask(lab, POLICY_DATA, A, "1.1"), "DUN");
	assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, "1.1"), "DUN");
	assert_string_equal(ask(lab, POLICY_RCPT, A, "1.2"), "450");
	/* All at DATA, and then not again at the end of the message. */
	data.recipient_count = 2;
	assert_string_equal(answer(lab, &data), "DUN");
	data.state = POLICY_END_OF_MESSAGE;
	assert_string_equal(answer(lab, &data), "DUN");
	data.instance = text_of("2.2");
	assert_string_equal(answer(lab, &data), "450");
	data.recipient_count = 1;
	assert_string_equal(answer(lab, &data), "450");
	/* VRFY counts as in Postfix. */
	for (unsigned i = 1; i <= 4; i++)
		assert_string_equal(ask(lab, POLICY_VRFY, "192.0.2.3", NULL),
				    i <= 3 ? "DUN" : "450");
}

static void recipients_of_refused_messages_are_free(void **state)
{
	struct policy_lab *lab = *state;
	const struct sa_address client = address_of(A);
	struct policy_view view;

	limit(lab, 1, 10);
	(void)ask(lab, POLICY_RCPT, A, "1");
	for (unsigned i = 0; i < 50; i++)
		assert_string_equal(ask(lab, POLICY_RCPT, A, "2"), "450");
	policy_look(lab->daemon.policy, &client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 2);
	assert_int_equal(view.recipients, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(wirings_count_alike),
		TEST(two_connections_count_once),
		TEST(a_new_connection_counts_on),
		TEST(mail_is_matched_to_its_message),
		TEST(mail_of_others_is_not_matched),
		TEST(refused_mail_is_not_refused_beyond_the_window),
		TEST(mail_is_not_taken_over_beyond_the_window),
		TEST(without_instances),
		TEST(without_instances_a_refusal_ends_with_its_window),
		TEST(window_starts_with_the_first_message),
		TEST(recipients_at_rcpt_or_at_once),
		TEST(recipients_of_refused_messages_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
