/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path's answers: size and queue; sources and services; exemptions, after a reload too;
 * monitor mode; what is told of refusals; requests that say little, and clocks that stand still.
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
		TEST(size_is_declared_then_actual),
		TEST(full_queue),
		TEST(services_count_apart),
		TEST(sources_are_prefixes),
		TEST(exempt_clients_have_no_limits),
		TEST(monitor_counts_what_would_be),
		TEST(monitor_charges_no_recipients_of_refused_messages),
		TEST(an_event_a_source_and_window),
		TEST(nothing_known_is_dunno),
		TEST(time_may_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
