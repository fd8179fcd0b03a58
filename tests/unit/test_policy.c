/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path: messages count once, whoever asks at which state; the same answer for all of a
 * message; windows; sources and services; exemptions; what is told of refusals; reload and restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client_match.h"
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

static void size_is_declared_then_actual(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_MAIL, A, NULL);

	lab->config.message_size_limit = 1000;
	request.size = 1001;
	assert_string_equal(answer(lab, &request), "552");
	request.size = 1000;
	assert_string_equal(answer(lab, &request), "DUN");
	request.state = POLICY_END_OF_MESSAGE;
	assert_string_equal(answer(lab, &request), "DUN");
	request.size = 1001;
	assert_string_equal(answer(lab, &request), "552");
	/* Where the client is not known it is still too large. */
	request.client_known = false;
	assert_string_equal(answer(lab, &request), "552");
	lab->config.message_size_limit = 0;
	assert_string_equal(answer(lab, &request), "DUN");
}

static void full_queue(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_stats stats;

	lab->config.queue_minfree = UINT64_MAX / 2;
	assert_string_equal(ask(lab, POLICY_RCPT, A, "1"), "452");
	assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, "1"), "DUN");
	lab->config.queue_directory = (char *)"/nonexistent/queue";
	lab->now.ms += 1000;
	assert_string_equal(ask(lab, POLICY_RCPT, A, "2"), "DUN");
	policy_stats_read(lab->daemon.policy, lab->now, &stats);
	assert_true(stats.queue_unreadable);
	assert_int_equal(stats.queue_free_bytes, 0);
	lab->config.queue_directory = (char *)"/";
	lab->now.ms += 1000;
	assert_string_equal(ask(lab, POLICY_RCPT, A, "3"), "452");
	policy_stats_read(lab->daemon.policy, lab->now, &stats);
	assert_false(stats.queue_unreadable);
	assert_true(stats.queue_free_bytes > 0);
	assert_true(stats.queue_required_bytes > UINT64_MAX / 2);
}

static void services_count_apart(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_DATA, A, "1");

	service_set(&lab->config.services[1], 25, "192.0.2.26");
	lab->config.service_count = 2;
	limit(lab, 1, 0);
	lab->config.services[1].message_rate_limit = 2;
	assert_string_equal(answer(lab, &request), "DUN");
	request.instance = text_of("2");
	assert_string_equal(answer(lab, &request), "450");
	/* Another address of the same port is the same service, unless it has a row of its own. */
	request.server = address_of("192.0.2.99");
	request.instance = text_of("3");
	assert_string_equal(answer(lab, &request), "450");
	request.server = address_of("192.0.2.26");
	request.instance = text_of("4");
	assert_string_equal(answer(lab, &request), "DUN");
	request.instance = text_of("5");
	assert_string_equal(answer(lab, &request), "DUN");
	request.instance = text_of("6");
	assert_string_equal(answer(lab, &request), "450");
	/* Ports that protected_ports does not have, and no port at all. */
	request.server_port = 2525;
	request.instance = text_of("7");
	assert_string_equal(answer(lab, &request), "DUN");
	request.instance = text_of("8");
	assert_string_equal(answer(lab, &request), "450");
	request.server_port = 0;
	request.server_known = false;
	request.instance = text_of("9");
	assert_string_equal(answer(lab, &request), "DUN");
	request.instance = text_of("10");
	assert_string_equal(answer(lab, &request), "450");
}

static void sources_are_prefixes(void **state)
{
	struct policy_lab *lab = *state;

	limit(lab, 1, 0);
	assert_string_equal(ask(lab, POLICY_DATA, "2001:db8::1", "1"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, "2001:db8::fff:ffff", "2"), "450");
	assert_string_equal(ask(lab, POLICY_DATA, "2001:db8:0:0:1:1000::1", "3"), "DUN");
	lab->config.ipv4_prefix_length = 24;
	assert_string_equal(ask(lab, POLICY_DATA, A, "4"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, B, "5"), "450");
}

static void exempt_clients_have_no_limits(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_DATA, B, "x");
	const struct sa_address client = address_of(A);
	struct client_match *match;
	struct policy_view view;

	limit(lab, 1, 1);
	lab->config.message_size_limit = 10;
	lab->config.queue_minfree = UINT64_MAX / 2;
	lab->exempt = A;
	request.size = 1000;
	request.client = client;
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(answer(lab, &request), "DUN");
	assert_int_equal(decisions(lab, POLICY_DUNNO, POLICY_EXEMPT), 5);
	lab->exempt = NULL;
	policy_look(lab->daemon.policy, &client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.messages, 0);
	/* A reload brings exceptions by name. */
	lab->patterns[0] = (struct config_pattern){ .host = ".example.com" };
	lab->config.exceptions.count = 1;
	assert_int_equal(client_match_new(&lab->config.exceptions, &match), 0);
	(void)client_match_free(policy_switch(lab->daemon.policy, match));
	request.client_name = text_of("mx.example.com");
	assert_string_equal(answer(lab, &request), "DUN");
	request.client_name = text_of("mx.example.net");
	assert_string_equal(answer(lab, &request), "552");
}

/* The same requests: what enforcement refuses is what monitor mode says it would have. */
static void monitor_counts_what_would_be(void **state)
{
	struct policy_lab *lab = *state;
	char instance[8];

	limit(lab, 3, 0);
	lab->config.enforce = false;
	for (unsigned i = 1; i <= 5; i++) {
		(void)snprintf(instance, sizeof(instance), "%u", i);
		assert_string_equal(ask(lab, POLICY_DATA, A, instance), "DUN");
		/* In force, DATA would have been the end of it. */
		assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, instance), "DUN");
	}
	assert_int_equal(decisions(lab, POLICY_WOULD_DEFER, POLICY_MESSAGE_RATE), 2);
	assert_int_equal(decisions(lab, POLICY_DUNNO, POLICY_NONE), 8);
	assert_int_equal(lab->record_count, 1);
	assert_true(lab->records[0].event.would_drop);
}

/* In force, DATA of a refused message would not have come: its recipients are free in monitor mode,
 * too. */
static void monitor_charges_no_recipients_of_refused_messages(void **state)
{
	struct policy_lab *lab = *state;
	const struct sa_address client = address_of(A);
	struct policy_view view;

	limit(lab, 1, 3);
	lab->config.enforce = false;
	(void)ask(lab, POLICY_RCPT, A, "1");
	(void)ask(lab, POLICY_DATA, A, "1");
	for (unsigned i = 0; i < 5; i++) {
		char instance[8];

		(void)snprintf(instance, sizeof(instance), "2.%u", i);
		(void)ask(lab, POLICY_RCPT, A, instance);
		(void)ask(lab, POLICY_DATA, A, instance);
	}
	policy_look(lab->daemon.policy, &client, &lab->config.services[0], lab->now, &view);
	assert_int_equal(view.recipients, 1);
	assert_int_equal(decisions(lab, POLICY_WOULD_DEFER, POLICY_RECIPIENT_RATE), 0);
}

static void an_event_a_source_and_window(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_DATA, A, NULL);
	char instance[8];

	limit(lab, 1, 0);
	request.client_name = text_of("mx.example.org");
	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(instance, sizeof(instance), "%u", i);
		request.instance = text_of(instance);
		(void)answer(lab, &request);
	}
	assert_int_equal(lab->record_count, 1);
	assert_string_equal(lab->names[0], "mx.example.org");
	assert_string_equal(lab->records[0].service.label, "25");
	assert_int_equal(lab->records[0].count, 2);
	assert_int_equal(lab->records[0].limit, 1);
	lab->now.ms += 60000;
	(void)ask(lab, POLICY_DATA, A, "11");
	(void)ask(lab, POLICY_DATA, A, "12");
	assert_int_equal(lab->record_count, 2);
	limit(lab, 0, 0);
	lab->config.message_size_limit = 5;
	request.size = 6;
	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(instance, sizeof(instance), "b%u", i);
		request.instance = text_of(instance);
		request.client = address_of(B);
		lab->now.ms += 12000;
		(void)answer(lab, &request);
	}
	/* 108 seconds from the first to the last. */
	assert_int_equal(lab->record_count, 4);
	assert_int_equal(lab->records[3].refusal, POLICY_SIZE);
	assert_int_equal(lab->records[3].count, 6);
	assert_int_equal(lab->records[3].limit, 5);
}

static void counters_survive_a_restart(void **state)
{
	struct policy_lab *lab = *state;
	char path[96];

	limit(lab, 2, 0);
	lab->now = mono_now();
	(void)ask(lab, POLICY_DATA, A, "1");
	(void)ask(lab, POLICY_DATA, A, "2");
	lab_stop(lab, DAEMON_KEEP);
	lab_start(lab);
	assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, "2"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, A, "3"), "450");
	assert_string_equal(ask(lab, POLICY_DATA, B, "4"), "DUN");
	(void)snprintf(path, sizeof(path), "%s/counters", lab->directory);
	assert_int_equal(access(path, F_OK), -1);
	/* A stop is an end. */
	lab_stop(lab, DAEMON_DETACH);
	assert_int_equal(access(path, F_OK), -1);
	lab_start(lab);
	assert_string_equal(ask(lab, POLICY_DATA, A, "3"), "DUN");
}

static void damaged_counters_start_fresh(void **state)
{
	struct policy_lab *lab = *state;
	char path[96];
	FILE *file;

	limit(lab, 1, 0);
	lab->now = mono_now();
	(void)ask(lab, POLICY_DATA, A, "1");
	lab_stop(lab, DAEMON_KEEP);
	(void)snprintf(path, sizeof(path), "%s/counters", lab->directory);
	file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fseek(file, -20, SEEK_END), 0);
	assert_int_equal(fputc('x', file), 'x');
	assert_int_equal(fclose(file), 0);
	lab_start(lab);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(ask(lab, POLICY_DATA, A, "2"), "DUN");
}

static void nothing_known_is_dunno(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = { 0 };

	limit(lab, 1, 1);
	for (enum policy_state s = 0; s < POLICY_STATES; s++)
		for (unsigned i = 0; i < 3; i++) {
			request.state = s;
			assert_string_equal(answer(lab, &request), "DUN");
		}
}

/* The clock of the first request may be ahead of that of a later one. */
static void time_may_stand_still(void **state)
{
	struct policy_lab *lab = *state;

	limit(lab, 1, 0);
	(void)ask(lab, POLICY_DATA, A, "1");
	lab->now.ms -= 5;
	assert_string_equal(ask(lab, POLICY_DATA, A, "2"), "450");
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
		TEST(size_is_declared_then_actual),
		TEST(full_queue),
		TEST(services_count_apart),
		TEST(sources_are_prefixes),
		TEST(exempt_clients_have_no_limits),
		TEST(monitor_counts_what_would_be),
		TEST(monitor_charges_no_recipients_of_refused_messages),
		TEST(an_event_a_source_and_window),
		TEST(counters_survive_a_restart),
		TEST(damaged_counters_start_fresh),
		TEST(nothing_known_is_dunno),
		TEST(time_may_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
