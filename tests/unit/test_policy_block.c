/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From message to NIC: who is blocked, when, and on whose word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_lab.h"

#define A "192.0.2.1"

/* Messages number first to last; one a message is let in, the rest refused. */
static void send_messages(struct policy_lab *lab, const char *client, unsigned first, unsigned last)
{
	char instance[16];

	for (unsigned i = first; i <= last; i++) {
		(void)snprintf(instance, sizeof(instance), "%u", i);
		(void)ask(lab, POLICY_RCPT, client, instance);
		(void)ask(lab, POLICY_RCPT, client, instance);
	}
}

static size_t blocked(struct policy_lab *lab)
{
	(void)event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK);
	return lab->block_count;
}

static void block_after(struct policy_lab *lab, uint32_t threshold)
{
	limit(lab, 1, 0);
	lab->config.client_block_threshold = threshold;
}

static void once_a_message(void **state)
{
	struct policy_lab *lab = *state;
	const int64_t before = wall_now().ms;

	block_after(lab, 3);
	send_messages(lab, A, 1, 3);
	assert_int_equal(blocked(lab), 0);
	/* For the log line of the first. */
	assert_int_equal(lab->questions, 1);
	send_messages(lab, A, 4, 4);
	assert_int_equal(blocked(lab), 1);
	assert_true(lab->blocks[0].by_policy);
	assert_int_equal(lab->blocks[0].prefix.length, 128);
	assert_in_range(lab->blocks[0].ends_ms, before + 600000, wall_now().ms + 600000);
	assert_int_equal(lab->client.port, 40000);
}

static void not_beyond_the_time_unit(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 3);
	send_messages(lab, A, 1, 3);
	lab->now.ms += 60000;
	send_messages(lab, A, 4, 6);
	assert_int_equal(blocked(lab), 0);
	send_messages(lab, A, 7, 7);
	assert_int_equal(blocked(lab), 1);
}

static void zero_is_never(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 0);
	send_messages(lab, A, 1, 100);
	assert_int_equal(blocked(lab), 0);
	assert_int_equal(lab->questions, 1);
}

static void the_kernel_must_confirm(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 1);
	lab->owner_error = -ENOENT;
	send_messages(lab, A, 1, 10);
	assert_int_equal(blocked(lab), 0);
	assert_true(lab->questions > 0);
	lab->owner_error = 0;
	lab->asker = 1000;
	send_messages(lab, A, 11, 20);
	assert_int_equal(blocked(lab), 0);
	lab->asker = lab->owner;
	send_messages(lab, A, 21, 21);
	assert_int_equal(blocked(lab), 1);
}

static void nothing_to_ask_for(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_RCPT, A, "1");
	char instance[16];

	block_after(lab, 1);
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(instance, sizeof(instance), "%u", i);
		request.instance = text_of(instance);
		request.client_port = i % 2 ? 40000 : 0;
		request.server_known = !(i % 2);
		(void)answer(lab, &request);
	}
	assert_int_equal(blocked(lab), 0);
	assert_int_equal(lab->questions, 0);
}

static void only_at_protected_ports_without_proxies(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_RCPT, A, "1");
	char instance[16];

	block_after(lab, 1);
	lab->config.services[0].behind_proxy = true;
	send_messages(lab, A, 1, 10);
	lab->config.services[0].behind_proxy = false;
	request.server_port = 587;
	for (unsigned i = 100; i < 110; i++) {
		(void)snprintf(instance, sizeof(instance), "%u", i);
		request.instance = text_of(instance);
		(void)answer(lab, &request);
	}
	assert_int_equal(blocked(lab), 0);
	assert_int_equal(lab->questions, 0);
}

static void exempt_and_blocked_clients_are_left_alone(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 1);
	lab->exempt = A;
	send_messages(lab, A, 1, 10);
	lab->exempt = NULL;
	lab->blocked = "192.0.2.2";
	send_messages(lab, "192.0.2.2", 11, 20);
	assert_int_equal(blocked(lab), 0);
	assert_int_equal(lab->questions, 1);
}

static void monitor_blocks_nobody(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 1);
	lab->config.enforce = false;
	send_messages(lab, A, 1, 10);
	assert_true(lab->questions > 0);
	assert_int_equal(blocked(lab), 0);
}

/* Each change is written to disk. */
static void changes_are_put_together(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 1);
	lab->now = mono_now();
	send_messages(lab, "192.0.2.10", 1, 2);
	assert_int_equal(blocked(lab), 1);
	for (unsigned i = 0; i < 20; i++) {
		char client[24];

		(void)snprintf(client, sizeof(client), "198.51.100.%u", i);
		send_messages(lab, client, 100 + i * 2, 101 + i * 2);
		(void)blocked(lab);
	}
	/* A busy machine may take that second for the loop alone. */
	if (mono_now().ms - lab->now.ms < 1000) {
		assert_int_equal(lab->block_count, 1);
		assert_int_equal(lab->changes, 1);
	}
	/* The end of the agent waits for nothing. */
	lab_stop(lab, DAEMON_DETACH);
	assert_int_equal(lab->block_count, 21);
	assert_in_range(lab->changes, 2, 20);
	lab_start(lab);
}

/* Lifted by hand, a client may begin anew. */
static void lifted_is_lifted(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 3);
	send_messages(lab, A, 1, 4);
	assert_int_equal(blocked(lab), 1);
	send_messages(lab, A, 5, 6);
	assert_int_equal(lab->questions, 2);
	send_messages(lab, A, 7, 7);
	assert_int_equal(lab->questions, 3);
}

/* Another program has used up the client's messages, and had many more of them refused. */
static void forged_messages_are_no_evidence(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 2);
	lab->asker = 1000;
	send_messages(lab, A, 1, 20);
	lab->asker = lab->owner;
	send_messages(lab, A, 21, 22);
	assert_int_equal(blocked(lab), 0);
	/* One was within its limit, two were not. */
	send_messages(lab, A, 23, 23);
	assert_int_equal(blocked(lab), 1);
}

static void forged_recipients_are_no_evidence(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request data = asks(POLICY_DATA, A, "1");

	block_after(lab, 1);
	limit(lab, 0, 5);
	lab->asker = 1000;
	data.recipient_count = 100;
	assert_string_equal(answer(lab, &data), "450");
	lab->asker = lab->owner;
	data.instance = text_of("2");
	data.recipient_count = 5;
	assert_string_equal(answer(lab, &data), "450");
	assert_int_equal(blocked(lab), 0);
	data.instance = text_of("3");
	data.recipient_count = 1;
	assert_string_equal(answer(lab, &data), "450");
	assert_int_equal(blocked(lab), 1);
}

/* What others ban by says so only where the kernel does, and the count is no other program's. */
static void lines_are_confirmed_like_blocks(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_RCPT, A, "1");

	limit(lab, 1, 0);
	send_messages(lab, A, 1, 2);
	assert_int_equal(lab->record_count, 1);
	assert_true(lab->records[0].event.confirmed);
	lab->owner_error = -ENOENT;
	send_messages(lab, "192.0.2.2", 3, 4);
	lab->owner_error = 0;
	lab->asker = 1000;
	send_messages(lab, "192.0.2.3", 5, 6);
	lab->asker = lab->owner;
	lab->config.services[0].behind_proxy = true;
	send_messages(lab, "192.0.2.4", 7, 8);
	lab->config.services[0].behind_proxy = false;
	request = asks(POLICY_RCPT, "192.0.2.5", "9");
	request.client_port = 0;
	for (unsigned i = 0; i < 2; i++) {
		request.instance = text_of(i ? "9" : "10");
		(void)answer(lab, &request);
	}
	/* All but the last message are another program's. */
	lab->asker = 1000;
	send_messages(lab, "192.0.2.6", 11, 11);
	lab->asker = lab->owner;
	send_messages(lab, "192.0.2.6", 12, 12);
	assert_int_equal(lab->record_count, 6);
	for (size_t i = 1; i < 6; i++)
		assert_false(lab->records[i].event.confirmed);
}

/* Also where it went on meanwhile, on connections that it had. */
static void refusals_while_blocked_do_not_count(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 3);
	send_messages(lab, A, 1, 4);
	assert_int_equal(blocked(lab), 1);
	lab->blocked = A;
	send_messages(lab, A, 5, 20);
	lab->blocked = NULL;
	send_messages(lab, A, 21, 22);
	assert_int_equal(lab->questions, 2);
	send_messages(lab, A, 23, 23);
	assert_int_equal(lab->questions, 3);
}

/* The operator's block is not replaced by a shorter one. */
static void blocked_by_hand_meanwhile(void **state)
{
	struct policy_lab *lab = *state;

	block_after(lab, 1);
	send_messages(lab, A, 1, 2);
	assert_int_equal(lab->questions, 2);
	lab->blocked = A;
	assert_int_equal(blocked(lab), 0);
	assert_int_equal(lab->changes, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(once_a_message),
		TEST(not_beyond_the_time_unit),
		TEST(zero_is_never),
		TEST(the_kernel_must_confirm),
		TEST(nothing_to_ask_for),
		TEST(only_at_protected_ports_without_proxies),
		TEST(exempt_and_blocked_clients_are_left_alone),
		TEST(monitor_blocks_nobody),
		TEST(changes_are_put_together),
		TEST(lifted_is_lifted),
		TEST(forged_messages_are_no_evidence),
		TEST(forged_recipients_are_no_evidence),
		TEST(lines_are_confirmed_like_blocks),
		TEST(refusals_while_blocked_do_not_count),
		TEST(blocked_by_hand_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
