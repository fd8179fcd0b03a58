/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and replies of the control socket: what is encoded decodes to the same, and nothing else
 * decodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "control_protocol.h"

static void test_request_forms(void **state)
{
	json_t *arguments = json_pack("{s:[s], s:i}", "prefixes", "10.0.0.0/8", "seconds", 60);
	_cleanup_free_ char *with = control_request_encode("block add", arguments);
	_cleanup_free_ char *without = control_request_encode("status", NULL);

	(void)state;
	assert_string_equal(with, "{\"version\":1,\"command\":\"block add\",\"arguments\":"
				  "{\"prefixes\":[\"10.0.0.0/8\"],\"seconds\":60}}\n");
	assert_string_equal(without, "{\"version\":1,\"command\":\"status\",\"arguments\":{}}\n");
	assert_int_equal(arguments->refcount, 1); /* borrowed, not stolen */
	json_decref(arguments);
	assert_null(control_request_encode("\xff", NULL));
}

static void test_request_round_trip(void **state)
{
	json_t *arguments = json_pack("{s:s}", "address", "2001:db8::1\n\"\\\x01");
	_cleanup_free_ char *line = control_request_encode("show", arguments);
	json_t *request = NULL;
	json_t *got = NULL;
	const char *command = NULL;
	const char *error = NULL;
	size_t size = strlen(line);

	(void)state;
	assert_ptr_equal(strchr(line, '\n'), line + size - 1);
	assert_int_equal(control_request_decode(line, size - 1, &request, &command, &got, &error),
			 0);
	assert_string_equal(command, "show");
	assert_true(json_equal(got, arguments));
	assert_null(error);
	json_decref(request);
	json_decref(arguments);
}

static void test_request_refused(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"null",
		"[]",
		"{",
		"{}",
		"{\"version\":1}",
		"{\"version\":1,\"command\":7}",
		"{\"version\":1,\"command\":null}",
		"{\"version\":\"1\",\"command\":\"status\"}",
		"{\"version\":1.0,\"command\":\"status\"}",
		"{\"version\":0,\"command\":\"status\"}",
		"{\"version\":2,\"command\":\"status\"}",
		"{\"command\":\"status\"}",
		"{\"version\":1,\"command\":\"status\",\"arguments\":[]}",
		"{\"version\":1,\"command\":\"status\",\"arguments\":null}",
		"{\"version\":1,\"command\":\"status\",\"command\":\"detach\"}",
		"{\"version\":1,\"command\":\"status\"}x",
		"{\"version\":1,\"command\":\"status\"}{}",
		"{\"version\":1,\"command\":\"sta\\u0000tus\"}",
		"{\"version\":1,\"command\":\"\xff\"}",
		"{\"version\":99999999999999999999,\"command\":\"status\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		json_t *request = NULL;
		json_t *arguments = NULL;
		const char *command = NULL;
		const char *error = NULL;
		int result = control_request_decode(lines[i], strlen(lines[i]), &request, &command,
						    &arguments, &error);

		if (result != -EINVAL)
			fail_msg("decoded: %s", lines[i]);
		assert_null(request);
		assert_non_null(error);
	}
}

static void test_request_limits(void **state)
{
	static const char head[] = "{\"version\":1,\"command\":\"status\"}";
	_cleanup_free_ char *line = malloc(CONTROL_REQUEST_MAX + 1);
	json_t *request = NULL;
	json_t *arguments = NULL;
	const char *command = NULL;
	const char *error = NULL;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', CONTROL_REQUEST_MAX + 1);
	memcpy(line, head, strlen(head));
	assert_int_equal(control_request_decode(line, CONTROL_REQUEST_MAX, &request, &command,
						&arguments, &error),
			 0);
	assert_int_equal(json_object_size(arguments), 0);
	json_decref(request);
	assert_int_equal(control_request_decode(line, CONTROL_REQUEST_MAX + 1, &request, &command,
						&arguments, &error),
			 -EINVAL);
	assert_string_equal(error, "the request is too long");
	/* deep nesting ends in an error, not in a deep stack */
	memset(line, '[', CONTROL_REQUEST_MAX);
	assert_int_equal(control_request_decode(line, CONTROL_REQUEST_MAX, &request, &command,
						&arguments, &error),
			 -EINVAL);
}

static void test_request_every_truncation(void **state)
{
	_cleanup_free_ char *line = control_request_encode("status", NULL);
	size_t size = strlen(line) - 1;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		_cleanup_free_ char *part = malloc(i ? i : 1); /* so that a read beyond is seen */
		json_t *request = NULL;
		json_t *arguments = NULL;
		const char *command = NULL;
		const char *error = NULL;

		assert_non_null(part);
		memcpy(part, line, i);
		assert_int_equal(
			control_request_decode(part, i, &request, &command, &arguments, &error),
			-EINVAL);
	}
}

static void test_reply_forms(void **state)
{
	_cleanup_free_ char *full = control_reply_encode(
		json_pack("{s:i}", "blocks", 3), json_pack("[s]", "an exception covers it"));
	_cleanup_free_ char *empty = control_reply_encode(NULL, NULL);
	_cleanup_free_ char *error =
		control_error_encode("a.cf:3: error: x: bad\na.cf:4: error: y: bad");
	_cleanup_free_ char *unprintable = control_error_encode("\xff");

	(void)state;
	assert_string_equal(full,
			    "{\"version\":1,\"ok\":true,\"result\":{\"blocks\":3},\"warnings\":"
			    "[\"an exception covers it\"]}\n");
	assert_string_equal(empty, "{\"version\":1,\"ok\":true,\"result\":{},\"warnings\":[]}\n");
	assert_string_equal(error, "{\"version\":1,\"ok\":false,\"error\":"
				   "\"a.cf:3: error: x: bad\\na.cf:4: error: y: bad\"}\n");
	assert_string_equal(unprintable, "{\"version\":1,\"ok\":false,\"error\":"
					 "\"failed, and the reason is not printable\"}\n");
}

struct decoded {
	json_t *reply;
	json_t *result;
	json_t *warnings;
	const char *error;
};

static int decode(const char *line, struct decoded *decoded)
{
	*decoded = (struct decoded){ 0 };
	return control_reply_decode(line, strlen(line), &decoded->reply, &decoded->result,
				    &decoded->warnings, &decoded->error);
}

static void test_reply_decode(void **state)
{
	struct decoded got;

	(void)state;
	assert_int_equal(
		decode("{\"version\":1,\"ok\":true,\"result\":{\"a\":1},\"warnings\":[\"w\"]}",
		       &got),
		0);
	assert_int_equal(json_integer_value(json_object_get(got.result, "a")), 1);
	assert_string_equal(json_string_value(json_array_get(got.warnings, 0)), "w");
	json_decref(got.reply);
	assert_int_equal(decode("{\"version\":1,\"ok\":true}", &got), 0);
	assert_int_equal(json_object_size(got.result), 0);
	assert_null(got.warnings);
	json_decref(got.reply);
	assert_int_equal(decode("{\"version\":1,\"ok\":false,\"error\":\"no such block\"}", &got),
			 -EREMOTEIO);
	assert_string_equal(got.error, "no such block");
	json_decref(got.reply);
}

static void test_reply_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"HTTP/1.1 400 Bad Request",
		"{\"version\":1}",
		"{\"version\":1,\"ok\":1}",
		"{\"version\":1,\"ok\":false}",
		"{\"version\":1,\"ok\":false,\"error\":null}",
		"{\"version\":1,\"error\":\"x\"}",
		"{\"version\":1,\"ok\":true,\"result\":[]}",
		"{\"version\":1,\"ok\":true,\"result\":null}",
		"{\"version\":1,\"ok\":true,\"result\":{},\"warnings\":\"w\"}",
		"{\"version\":1,\"ok\":true,\"result\":{},\"warnings\":[1]}",
		"{\"version\":2,\"ok\":true,\"result\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct decoded got;

		if (decode(lines[i], &got) != -EINVAL)
			fail_msg("decoded: %s", lines[i]);
		assert_null(got.reply);
		assert_non_null(got.error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_forms),
		cmocka_unit_test(test_request_round_trip),
		cmocka_unit_test(test_request_refused),
		cmocka_unit_test(test_request_limits),
		cmocka_unit_test(test_request_every_truncation),
		cmocka_unit_test(test_reply_forms),
		cmocka_unit_test(test_reply_decode),
		cmocka_unit_test(test_reply_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
