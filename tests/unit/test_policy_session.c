/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of the policy service: however its bytes are cut into reads, and however its replies
 * are taken, the replies are the same.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "policy_echo.h"
#include "random.h"

#define STREAM_SIZE  65536
#define STREAMS      300
#define CUTS         12
#define REPLIES_SIZE (STREAM_SIZE / POLICY_REQUEST_MIN * 64)

struct stream {
	size_t size;
	char data[STREAM_SIZE];
};

struct outcome {
	enum policy_fault fault;
	bool closed;
	size_t size;
	char *replies;
};

static struct policy_replies replies;

static void stream_add(struct stream *stream, const char *text, size_t size)
{
	assert_true(stream->size + size <= sizeof(stream->data));
	memcpy(stream->data + stream->size, text, size);
	stream->size += size;
}

static void add_line(struct stream *stream, struct random *random)
{
	static const char *const names[] = {
		"request=smtpd_access_policy",
		"protocol_state=RCPT",
		"protocol_state=DATA",
		"protocol_state=END-OF-MESSAGE",
		"client_address=192.0.2.",
		"client_address=2001:db8::",
		"client_name=",
		"client_port=25",
		"reverse_client_name=",
		"server_address=10.0.0.1",
		"server_port=",
		"sender=",
		"recipient=",
		"recipient_count=",
		"instance=",
		"size=",
		"helo_name=",
		"ccert_subject=",
		"x=",
		"request=other",
		"stress=",
	};
	const uint64_t tail =
		random_below(random, 8) ? random_below(random, 5) : random_below(random, 3000);
	const char *name = names[random_below(random, sizeof(names) / sizeof(names[0]))];

	stream_add(stream, name, strlen(name));
	for (uint64_t i = 0; i < tail; i++) {
		const char byte = (char)(random_below(random, 3) ? '1' : random_next(random));

		stream_add(stream, byte == '\n' ? "=" : &byte, 1);
	}
	stream_add(stream, "\n", 1);
}

/* Requests, and in some streams something that breaks them. */
static void stream_make(struct stream *stream, struct random *random)
{
	const uint64_t requests = random_below(random, 6);

	stream->size = 0;
	for (uint64_t i = 0; i <= requests && stream->size < STREAM_SIZE / 2; i++) {
		const uint64_t lines = random_below(random, 25);

		for (uint64_t j = 0; j <= lines && stream->size < STREAM_SIZE / 2; j++)
			add_line(stream, random);
		if (!random_below(random, 40))
			stream_add(stream, "no equals sign\n", 15);
		if (i < requests || random_below(random, 3))
			stream_add(stream, "\n", 1);
		if (!random_below(random, 40))
			stream_add(stream, "\n", 1);
	}
}

static void take(struct outcome *outcome, const char *data, size_t size)
{
	assert_true(outcome->size + size <= REPLIES_SIZE);
	memcpy(outcome->replies + outcome->size, data, size);
	outcome->size += size;
}

/* The peer takes what waits for it, piece by piece. */
static enum policy_next drain(struct policy_session *session, struct random *random,
			      struct outcome *outcome)
{
	enum policy_next next = POLICY_WRITE;

	while (next == POLICY_WRITE) {
		size_t size;
		const char *data = policy_session_unsent(session, &size);
		const size_t taken = (size_t)random_below(random, size + 1);

		assert_true(size > 0);
		assert_true(policy_session_owes(session));
		take(outcome, data, taken);
		next = policy_session_flushed(session, taken);
	}
	return next;
}

/* Reads of up to piece bytes; the peer takes all at once, unless it is reluctant. */
static struct outcome run(const struct stream *stream, size_t piece, bool reluctant,
			  struct random *random)
{
	struct outcome outcome = { .replies = malloc(REPLIES_SIZE) };
	struct policy_session session = { 0 };
	enum policy_next next = POLICY_READ;
	size_t at = 0;

	assert_non_null(outcome.replies);
	while (at < stream->size && next == POLICY_READ) {
		size_t size = piece > 1 ? 1 + (size_t)random_below(random, piece) : 1;
		char *bytes;
		size_t taken;

		size = size < stream->size - at ? size : stream->size - at;
		/* Bytes of their own, so that looking beyond or back is seen. */
		bytes = malloc(size);
		assert_non_null(bytes);
		memcpy(bytes, stream->data + at, size);
		at += size;
		policy_session_received(&session, bytes, size, &echo, &replies);
		free(bytes);
		taken = reluctant ? (size_t)random_below(random, replies.size + 1) : replies.size;
		take(&outcome, replies.data, taken);
		next = policy_session_sent(&session, &replies, taken);
		if (next == POLICY_WRITE)
			next = drain(&session, random, &outcome);
	}
	outcome.closed = next == POLICY_CLOSE;
	if (!outcome.closed)
		policy_session_ended(&session);
	outcome.fault = session.fault;
	policy_session_done(&session);
	return outcome;
}

static void test_any_split(void **state)
{
	static struct stream stream;
	struct random random = { 4 };
	unsigned with_replies = 0, with_faults = 0;

	(void)state;
	for (int i = 0; i < STREAMS; i++) {
		struct outcome whole;

		stream_make(&stream, &random);
		whole = run(&stream, 1, false, &random);
		with_replies += whole.size > 0;
		with_faults += whole.fault != POLICY_FAULT_NONE;
		for (int cut = 0; cut < CUTS; cut++) {
			struct outcome other = run(&stream, (size_t)1 << cut, cut % 2, &random);

			assert_int_equal(other.size, whole.size);
			assert_memory_equal(other.replies, whole.replies, whole.size);
			assert_int_equal(other.fault, whole.fault);
			assert_int_equal(other.closed, whole.closed);
			free(other.replies);
		}
		free(whole.replies);
	}
	/* The streams are worth something. */
	assert_true(with_replies > STREAMS / 2);
	assert_true(with_faults > STREAMS / 10);
}

static void receive(struct policy_session *session, const char *text)
{
	policy_session_received(session, text, strlen(text), &echo, &replies);
}

static void test_replies_before_the_fault(void **state)
{
	struct policy_session session = { 0 };

	(void)state;
	receive(&session, "size=1\n\nsize=2\n\nbroken\n\nsize=3\n\n");
	assert_int_equal(replies.count, 2);
	assert_int_equal(policy_session_sent(&session, &replies, 3), POLICY_WRITE);
	assert_int_equal(session.fault, POLICY_FAULT_MALFORMED_LINE);
	assert_int_equal(policy_session_flushed(&session, replies.size - 3), POLICY_CLOSE);
	policy_session_done(&session);
}

static void test_owes(void **state)
{
	struct policy_session session = { 0 };

	(void)state;
	assert_false(policy_session_owes(&session));
	receive(&session, "size=1\n");
	assert_int_equal(policy_session_sent(&session, &replies, 0), POLICY_READ);
	assert_true(policy_session_owes(&session));
	receive(&session, "\n");
	assert_int_equal(policy_session_sent(&session, &replies, replies.size), POLICY_READ);
	assert_false(policy_session_owes(&session));
	assert_int_equal(policy_session_memory(&session), 0);
	policy_session_ended(&session);
	assert_int_equal(session.fault, POLICY_FAULT_NONE);
	policy_session_done(&session);
}

/* A byte now and then is no progress; a whole request is, and so is taking all replies. */
static void test_patience_is_for_a_request(void **state)
{
	struct policy_session session = { 0 };

	(void)state;
	receive(&session, "si");
	assert_int_equal(policy_session_patience(&session, 5000, 100), 100);
	receive(&session, "z");
	assert_int_equal(policy_session_patience(&session, 5090, 100), 10);
	receive(&session, "e");
	assert_int_equal(policy_session_patience(&session, 5200, 100), 0);
	receive(&session, "=1\n\nsize");
	assert_int_equal(policy_session_patience(&session, 6000, 100), 100);
	receive(&session, "=2\n\n");
	assert_int_equal(policy_session_sent(&session, &replies, 1), POLICY_WRITE);
	assert_int_equal(policy_session_patience(&session, 7000, 100), 100);
	assert_int_equal(policy_session_flushed(&session, 1), POLICY_WRITE);
	assert_int_equal(policy_session_patience(&session, 7060, 100), 40);
	assert_int_equal(policy_session_flushed(&session, replies.size - 2), POLICY_READ);
	receive(&session, "size");
	assert_int_equal(policy_session_patience(&session, 9000, 100), 100);
	policy_session_done(&session);
}

static void test_ends_inside(void **state)
{
	struct policy_session session = { 0 };

	(void)state;
	receive(&session, "size=1\n\nsize");
	policy_session_ended(&session);
	assert_int_equal(session.fault, POLICY_FAULT_TRUNCATED);
	policy_session_done(&session);
}

/* As many replies as one read can lead to. */
static void test_replies_have_room(void **state)
{
	struct policy_session session = { 0 };
	char text[POLICY_READ_SIZE];

	(void)state;
	receive(&session, "x=\n");
	text[0] = '\n';
	for (size_t i = 1; i < sizeof(text); i++)
		text[i] = "x=\n\n"[(i - 1) % 4];
	policy_session_received(&session, text, sizeof(text), &echo, &replies);
	assert_int_equal(replies.count, (sizeof(text) - 1) / 4 + 1);
	assert_true(replies.size <= sizeof(replies.data));
	policy_session_done(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_split),
		cmocka_unit_test(test_replies_before_the_fault),
		cmocka_unit_test(test_owes),
		cmocka_unit_test(test_patience_is_for_a_request),
		cmocka_unit_test(test_ends_inside),
		cmocka_unit_test(test_replies_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
