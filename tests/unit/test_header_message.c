/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header_message.c, header_names.c: what becomes of a message, which fields are cut and to what;
 * and that memory stays bounded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "header_message.h"
#include "log_share.h"

static const struct header_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void field(struct header_message *message, const char *name, const char *value)
{
	const struct header_field one = {
		.name = name, .name_size = strlen(name), .value = value, .value_size = strlen(value)
	};

	header_message_field(message, &key, &one);
}

static struct header_message begun(struct header_limits limits, bool exempt)
{
	struct header_message message = { 0 };

	if (limits.field_bytes == 0)
		limits.field_bytes = 100000;
	header_message_begin(&message, &limits, exempt);
	return message;
}

static const char *text_of(size_t size)
{
	static char text[70000];

	memset(text, 'v', size);
	text[size] = '\0';
	return text;
}

/* One message for each limit, at and above it; in all modes. */
static void test_actions(void **state)
{
	static const struct {
		struct header_limits limits;
		bool exempt;
		unsigned fields; /* of 10 bytes each */
		enum milter_action action;
		enum header_excess refused;
	} rows[] = {
		{ { .field_bytes = 10 }, false, 3, MILTER_ACCEPT, HEADER_FITS },
		{ { .field_bytes = 9 }, false, 3, MILTER_TRUNCATE, HEADER_FITS },
		{ { .field_bytes = 9, .reject = true },
		  false,
		  3,
		  MILTER_REJECT,
		  HEADER_FIELD_LONG },
		{ { .field_bytes = 10, .reject = true }, false, 3, MILTER_ACCEPT, HEADER_FITS },
		{ { .field_count = 3 }, false, 3, MILTER_ACCEPT, HEADER_FITS },
		{ { .field_count = 3 }, false, 4, MILTER_REJECT, HEADER_FIELDS_MANY },
		{ { .total_bytes = 30 }, false, 3, MILTER_ACCEPT, HEADER_FITS },
		{ { .total_bytes = 30 }, false, 4, MILTER_REJECT, HEADER_TOTAL_LONG },
		{ { .total_bytes = 29 }, false, 3, MILTER_REJECT, HEADER_TOTAL_LONG },
		/* What is refused is not cut, whichever comes first. */
		{ { .field_bytes = 5, .field_count = 3 },
		  false,
		  4,
		  MILTER_REJECT,
		  HEADER_FIELDS_MANY },
		{ { .field_bytes = 9, .monitor = true },
		  false,
		  3,
		  MILTER_WOULD_TRUNCATE,
		  HEADER_FITS },
		{ { .field_bytes = 9, .monitor = true, .reject = true },
		  false,
		  3,
		  MILTER_WOULD_REJECT,
		  HEADER_FIELD_LONG },
		{ { .field_count = 1, .monitor = true },
		  false,
		  2,
		  MILTER_WOULD_REJECT,
		  HEADER_FIELDS_MANY },
		{ { .field_bytes = 1, .field_count = 1, .total_bytes = 1, .reject = true },
		  true,
		  9,
		  MILTER_ACCEPT,
		  HEADER_FITS },
		{ { .field_bytes = 1, .field_count = 1, .total_bytes = 1 },
		  false,
		  0,
		  MILTER_ACCEPT,
		  HEADER_FITS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct header_message message = begun(rows[i].limits, rows[i].exempt);

		for (unsigned j = 0; j < rows[i].fields; j++)
			field(&message, "Name", " 6789");
		if (header_message_action(&message) != rows[i].action ||
		    message.refused != rows[i].refused)
			fail_msg("row %zu: action %d, refused %d", i,
				 header_message_action(&message), message.refused);
		if (rows[i].action != MILTER_TRUNCATE)
			assert_int_equal(message.edit_count, 0);
		header_message_done(&message);
	}
}

static void test_edits_name_the_occurrence(void **state)
{
	struct header_message message = begun((struct header_limits){ .field_bytes = 11 }, false);

	(void)state;
	field(&message, "Received", " 1");
	field(&message, "X", " 1234567890");
	field(&message, "RECEIVED", " 2");
	field(&message, "received", " 3456789");
	field(&message, "x", " \xc3\xbc\n\tfold and more");
	field(&message, "A-Long-Name", " v");
	assert_int_equal(header_message_action(&message), MILTER_TRUNCATE);
	assert_int_equal(message.edit_count, 4);
	assert_string_equal(message.edits[0].name, "X");
	assert_int_equal(message.edits[0].occurrence, 1);
	assert_string_equal(message.edits[0].value, " 12345678");
	assert_string_equal(message.edits[1].name, "received");
	assert_int_equal(message.edits[1].occurrence, 3);
	assert_string_equal(message.edits[1].value, " 3");
	assert_int_equal(message.edits[2].occurrence, 2);
	assert_string_equal(message.edits[2].value, " \xc3\xbc\n\tfold");
	assert_null(message.edits[3].value);
	/* The next message begins with nothing. */
	header_message_begin(&message, &(struct header_limits){ .field_bytes = 3 }, false);
	field(&message, "received", " 1");
	assert_int_equal(message.edit_count, 1);
	assert_int_equal(message.edits[0].occurrence, 1);
	header_message_done(&message);
}

static void test_what_is_kept_is_bounded(void **state)
{
	struct header_message message =
		begun((struct header_limits){ .field_bytes = 50000 }, false);
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 25; i++)
		field(&message, "X", text_of(60000));
	assert_true(message.kept_bytes <= HEADER_KEPT_MAX);
	assert_int_equal(message.refused, HEADER_CUTS_MANY);
	assert_int_equal(header_message_action(&message), MILTER_REJECT);
	assert_int_equal(message.kept_bytes, 0);
	assert_string_equal(header_excess_text(message.refused),
			    "Message header field exceeds fixed limit");
	/* Names without end: nothing happens until one of those that are not known is to be cut. */
	header_message_begin(&message, &(struct header_limits){ .field_bytes = 100 }, false);
	for (unsigned i = 0; i < 3 * HEADER_NAMES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "X-%u", i);
		field(&message, name, " v");
	}
	assert_int_equal(message.names.count, HEADER_NAMES_MAX);
	assert_true(message.names.room <= 2 * HEADER_NAMES_MAX);
	assert_int_equal(header_message_action(&message), MILTER_ACCEPT);
	field(&message, "X-17", text_of(200));
	assert_int_equal(header_message_action(&message), MILTER_TRUNCATE);
	assert_int_equal(message.edits[0].occurrence, 2);
	field(&message, "X-5000", text_of(200));
	assert_int_equal(header_message_action(&message), MILTER_REJECT);
	header_message_done(&message);
}

static void test_monitor_mode_keeps_nothing(void **state)
{
	struct header_message message =
		begun((struct header_limits){ .field_bytes = 50000, .monitor = true }, false);

	(void)state;
	for (unsigned i = 0; i < 25; i++)
		field(&message, "X", text_of(60000));
	assert_int_equal(message.kept_bytes, 0);
	assert_int_equal(header_message_action(&message), MILTER_WOULD_TRUNCATE);
	header_message_done(&message);
}

/* The vector of the paper's appendix; case of letters aside. */
static void test_digests(void **state)
{
	const char bytes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };

	(void)state;
	assert_true(header_name_digest(&key, bytes, sizeof(bytes)) == UINT64_C(0xa129ca6149be45e5));
	assert_true(header_name_digest(&key, "X-Name", 6) == header_name_digest(&key, "x-nAME", 6));
	assert_true(header_name_digest(&key, "X-Name", 6) != header_name_digest(&key, "X-Nam", 5));
	assert_true(header_name_digest(&key, "[", 1) != header_name_digest(&key, "{", 1));
}

static void test_lines_of_the_log(void **state)
{
	struct log_share share = LOG_SHARE_INIT;
	unsigned long omitted;

	(void)state;
	for (int i = 0; i < LOG_SHARE_LINES; i++)
		assert_true(log_share_take(&share, (struct mono_ms){ 5000 }, &omitted));
	assert_false(log_share_take(&share, (struct mono_ms){ 5001 }, &omitted));
	assert_false(log_share_take(&share, (struct mono_ms){ 5999 }, &omitted));
	assert_true(log_share_take(&share, (struct mono_ms){ 6000 }, &omitted));
	assert_int_equal(omitted, 2);
	assert_true(log_share_take(&share, (struct mono_ms){ 6001 }, &omitted));
	assert_int_equal(omitted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_edits_name_the_occurrence),
		cmocka_unit_test(test_what_is_kept_is_bounded),
		cmocka_unit_test(test_monitor_mode_keeps_nothing),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_lines_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
