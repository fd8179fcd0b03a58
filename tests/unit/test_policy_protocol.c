/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the policy protocol: what is taken of them, what is skipped, what is broken.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_protocol.h"
#include "prefix.h"

/* What Postfix 3.7 sends at END-OF-MESSAGE. */
static const char whole[] = "request=smtpd_access_policy\n"
			    "protocol_state=END-OF-MESSAGE\n"
			    "protocol_name=ESMTP\n"
			    "client_address=192.0.2.77\n"
			    "client_name=mx.example.org\n"
			    "client_port=41234\n"
			    "reverse_client_name=mx.example.org\n"
			    "server_address=2001:db8::25\n"
			    "server_port=587\n"
			    "helo_name=mx.example.org\n"
			    "sender=a=b@example.org\n"
			    "recipient=postmaster@example.net\n"
			    "recipient_count=3\n"
			    "queue_id=8045F2AB23\n"
			    "instance=7b2.6380a1f0.4d2.0\n"
			    "size=5000000000\n"
			    "etrn_domain=\n"
			    "stress=\n"
			    "sasl_method=\n"
			    "ccert_subject=\n"
			    "policy_context=\n"
			    "tls_sni=\n"
			    "\n";

static struct policy_decoder decoder;

static int clear(void **state)
{
	(void)state;
	policy_decoder_done(&decoder);
	return 0;
}

static enum policy_progress feed(const char *data, size_t size)
{
	const char *cursor = data;

	return policy_decode(&decoder, &cursor, data + size);
}

/* The request that text is. */
static const struct policy_request *decode(const char *text)
{
	const char *cursor = text;

	assert_int_equal(policy_decode(&decoder, &cursor, text + strlen(text)), POLICY_REQUEST);
	assert_ptr_equal(cursor, text + strlen(text));
	return &decoder.request;
}

/* The fault of text, whole and byte by byte. */
static enum policy_fault fault(const char *text, size_t size)
{
	enum policy_progress progress = POLICY_MORE;
	enum policy_fault first;

	policy_decoder_done(&decoder);
	while (progress != POLICY_BROKEN && size) {
		const char *cursor = text;

		progress = policy_decode(&decoder, &cursor, text + size);
		if (progress == POLICY_MORE)
			break;
		if (progress == POLICY_REQUEST) {
			size -= (size_t)(cursor - text);
			text = cursor;
		}
	}
	first = decoder.fault;
	policy_decoder_done(&decoder);
	progress = POLICY_MORE;
	for (size_t i = 0; i < size && progress != POLICY_BROKEN; i++)
		progress = feed(text + i, 1);
	assert_int_equal(decoder.fault, first);
	return first;
}

static void assert_text(struct policy_text text, const char *wanted)
{
	assert_int_equal(text.size, strlen(wanted));
	assert_memory_equal(text.data, wanted, text.size);
}

static void assert_address(const struct sa_address *address, const char *wanted)
{
	char text[PREFIX_TEXT_SIZE];

	address_format(address, text);
	assert_string_equal(text, wanted);
}

static void assert_whole(const struct policy_request *request)
{
	assert_int_equal(request->state, POLICY_END_OF_MESSAGE);
	assert_true(request->client_known);
	assert_address(&request->client, "192.0.2.77");
	assert_int_equal(request->client_port, 41234);
	assert_true(request->server_known);
	assert_address(&request->server, "2001:db8::25");
	assert_int_equal(request->server_port, 587);
	assert_text(request->client_name, "mx.example.org");
	assert_text(request->reverse_client_name, "mx.example.org");
	assert_text(request->sender, "a=b@example.org");
	assert_text(request->recipient, "postmaster@example.net");
	assert_text(request->instance, "7b2.6380a1f0.4d2.0");
	assert_int_equal(request->recipient_count, 3);
	assert_int_equal(request->size, 5000000000);
}

static void test_whole(void **state)
{
	(void)state;
	assert_whole(decode(whole));
	assert_false(policy_decoder_inside(&decoder));
	assert_null(decoder.kept);
}

static void test_byte_by_byte(void **state)
{
	char byte;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(whole) - 1; i++) {
		/* Gone as soon as it was taken. */
		byte = whole[i];
		assert_int_equal(feed(&byte, 1), POLICY_MORE);
		byte = '!';
		assert_true(policy_decoder_inside(&decoder));
	}
	assert_int_equal(feed("\n", 1), POLICY_REQUEST);
	assert_whole(&decoder.request);
	/* Nothing of it is held between requests. */
	assert_int_equal(feed("", 0), POLICY_MORE);
	assert_null(decoder.kept);
}

static void test_states(void **state)
{
	static const char *const names[] = { "CONNECT", "EHLO",           "HELO", "MAIL", "RCPT",
					     "DATA",    "END-OF-MESSAGE", "VRFY", "ETRN" };
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(text, sizeof(text), "protocol_state=%s\n\n", names[i]);
		assert_int_equal(decode(text)->state, POLICY_CONNECT + i);
		assert_string_equal(policy_state_name(decoder.request.state), names[i]);
	}
	assert_int_equal(decode("protocol_state=BDAT\n\n")->state, POLICY_UNKNOWN);
	assert_int_equal(decode("protocol_state=data\n\n")->state, POLICY_UNKNOWN);
	assert_int_equal(decode("protocol_state=\n\n")->state, POLICY_UNKNOWN);
	assert_int_equal(decode("size=1\n\n")->state, POLICY_UNKNOWN);
	assert_int_equal(decode("protocol_state=RCPT\nrequest=other\n\n")->state, POLICY_UNKNOWN);
}

static void test_any_order_and_missing(void **state)
{
	const struct policy_request *request;

	(void)state;
	request = decode("size=7\nclient_address=2001:DB8::1\nfrom_the_future=1\n"
			 "protocol_state=DATA\nrequest=smtpd_access_policy\n\n");
	assert_int_equal(request->state, POLICY_DATA);
	assert_int_equal(request->size, 7);
	assert_address(&request->client, "2001:db8::1");
	assert_int_equal(request->server_port, 0);
	assert_false(request->server_known);
	assert_int_equal(request->instance.size, 0);
	/* Nothing of one request is left in the next. */
	request = decode("x=\n\n");
	assert_int_equal(request->state, POLICY_UNKNOWN);
	assert_int_equal(request->size, 0);
	assert_false(request->client_known);
}

static void test_values(void **state)
{
	const struct policy_request *request;

	(void)state;
	request = decode("sender=\303\244=\377\r \n"
			 "client_address=unknown\nclient_port=unknown\nserver_port=65536\n"
			 "recipient_count=-1\nsize=99999999999999999999\n\n");
	assert_text(request->sender, "\303\244=\377\r ");
	assert_false(request->client_known);
	assert_int_equal(request->client_port, 0);
	assert_int_equal(request->server_port, 0);
	assert_int_equal(request->recipient_count, 0);
	assert_int_equal(request->size, 0);
	assert_false(decode("client_address=192.0.2.0/24\n\n")->client_known);
	assert_false(decode("client_address=192.0.2.1/32\n\n")->client_known);
	assert_false(decode("client_address=\n\n")->client_known);
	assert_address(&decode("client_address=::ffff:192.0.2.1\n\n")->client, "192.0.2.1");
	assert_int_equal(decode("size=18446744073709551615\n\n")->size, UINT64_MAX);
}

static void test_first_one_counts(void **state)
{
	(void)state;
	assert_text(decode("instance=one\ninstance=two\n\n")->instance, "one");
	for (const char *p = "instance=one\ninstance=two\n"; *p; p++)
		assert_int_equal(feed(p, 1), POLICY_MORE);
	assert_int_equal(feed("\n", 1), POLICY_REQUEST);
	assert_text(decoder.request.instance, "one");
}

static void test_broken(void **state)
{
	(void)state;
#define FAULT(text) fault(text, sizeof(text) - 1)
	assert_int_equal(FAULT("\n"), POLICY_FAULT_EMPTY_REQUEST);
	assert_int_equal(FAULT("size=1\n\n\n"), POLICY_FAULT_EMPTY_REQUEST);
	assert_int_equal(FAULT("=1\n\n"), POLICY_FAULT_MALFORMED_LINE);
	assert_int_equal(FAULT("size\n\n"), POLICY_FAULT_MALFORMED_LINE);
	assert_int_equal(FAULT("size=1\r\n\r\n"), POLICY_FAULT_MALFORMED_LINE);
	assert_int_equal(FAULT("EHLO mx.example.org\r\n"), POLICY_FAULT_MALFORMED_LINE);
	assert_int_equal(FAULT("size=1\n\nsize=1"), POLICY_FAULT_NONE);
}

/* head, count times "a", tail. */
static char *padded(const char *head, size_t count, const char *tail, size_t *ret_size)
{
	char *text = malloc(strlen(head) + count + strlen(tail) + 1);

	assert_non_null(text);
	memcpy(text, head, strlen(head));
	memset(text + strlen(head), 'a', count);
	memcpy(text + strlen(head) + count, tail, strlen(tail) + 1);
	*ret_size = strlen(head) + count + strlen(tail);
	return text;
}

static void test_long_lines(void **state)
{
	const size_t most = POLICY_LINE_MAX - strlen("sender=");
	size_t size;
	char *text = padded("sender=", most, "\nsize=9\n\n", &size);

	(void)state;
	assert_true(most >= 8192);
	assert_int_equal(fault(text, size), POLICY_FAULT_NONE);
	assert_int_equal(decode(text)->sender.size, most);
	assert_int_equal(decoder.request.size, 9);
	free(text);
	text = padded("sender=", most + 1, "\n\n", &size);
	assert_int_equal(fault(text, size), POLICY_FAULT_LINE_TOO_LONG);
	free(text);
	text = padded("", POLICY_LINE_MAX + 1, "=1\n\n", &size);
	assert_int_equal(fault(text, size), POLICY_FAULT_LINE_TOO_LONG);
	free(text);
}

/* Nobody needs it, so it may be as long as it likes, and nothing of it is held. */
static void test_long_value_skipped(void **state)
{
	static const char block[65536] = { [0 ... 65535] = 'x' };

	(void)state;
	assert_int_equal(feed("size=5\nccert_subject=", 21), POLICY_MORE);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(feed(block, sizeof(block)), POLICY_MORE);
		assert_true(decoder.kept_room <= 1024);
	}
	assert_int_equal(feed("\n", 1), POLICY_MORE);
	assert_int_equal(feed("instance=i\n\n", 12), POLICY_REQUEST);
	assert_int_equal(decoder.request.size, 5);
	assert_text(decoder.request.instance, "i");
}

static void test_endless_request(void **state)
{
	static const char block[65536] = { [0 ... 65535] = 'x' };
	enum policy_progress progress = feed("ccert_subject=", 14);
	size_t fed = 14;

	(void)state;
	for (; progress == POLICY_MORE; fed += sizeof(block))
		progress = feed(block, sizeof(block));
	assert_int_equal(progress, POLICY_BROKEN);
	assert_int_equal(decoder.fault, POLICY_FAULT_REQUEST_TOO_LONG);
	assert_true(fed > POLICY_REQUEST_MAX && fed <= POLICY_REQUEST_MAX + 2 * sizeof(block));
}

/* As much as a hostile peer can make a decoder hold. */
static void test_memory_is_bounded(void **state)
{
	static const char *const names[] = {
		"client_name=", "reverse_client_name=", "sender=", "recipient=",
		"instance=",    "client_name=",         "size="
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size;
		char *text = padded(names[i], POLICY_LINE_MAX - 20, "\n", &size);

		for (size_t at = 0; at < size; at += 1000)
			assert_int_equal(feed(text + at, size - at < 1000 ? size - at : 1000),
					 POLICY_MORE);
		free(text);
	}
	assert_true(decoder.kept_room <= 8UL * POLICY_LINE_MAX);
	assert_int_equal(feed("\n", 1), POLICY_REQUEST);
	assert_int_equal(decoder.request.instance.size, POLICY_LINE_MAX - 20);
	assert_int_equal(decoder.request.instance.data[0], 'a');
}

static void assert_reply(const char *text, const char *wanted)
{
	char reply[POLICY_REPLY_MAX];
	const size_t size = policy_reply_encode(text, reply);

	assert_int_equal(size, strlen(wanted));
	assert_memory_equal(reply, wanted, size);
}

static void test_replies(void **state)
{
	char reply[POLICY_REPLY_MAX];
	char text[2 * POLICY_REPLY_MAX] = { 0 };
	size_t size;

	(void)state;
	assert_reply("DUNNO", "action=DUNNO\n\n");
	assert_reply("450 4.7.1 a\nb\r\t\303\244", "action=450 4.7.1 a?b??\?\?\n\n");
	memset(text, 'x', sizeof(text) - 1);
	size = policy_reply_encode(text, reply);
	assert_int_equal(size, POLICY_REPLY_MAX);
	assert_memory_equal(reply + size - 3, "x\n\n", 3);
}

static void test_words(void **state)
{
	(void)state;
	for (enum policy_fault f = POLICY_FAULT_NONE; f < POLICY_FAULTS; f++) {
		assert_non_null(policy_fault_token(f));
		assert_non_null(policy_fault_text(f));
		for (enum policy_fault g = POLICY_FAULT_NONE; g < f; g++)
			assert_string_not_equal(policy_fault_token(f), policy_fault_token(g));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clear, clear)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_byte_by_byte),
		TEST(test_states),
		TEST(test_any_order_and_missing),
		TEST(test_values),
		TEST(test_first_one_counts),
		TEST(test_broken),
		TEST(test_long_lines),
		TEST(test_long_value_skipped),
		TEST(test_endless_request),
		TEST(test_memory_is_bounded),
		TEST(test_replies),
		TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
