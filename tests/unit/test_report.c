/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings and log lines: their form, what is escaped, what happens when there are too many; clocks
 * that go forward.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "log.h"
#include "mono.h"
#include "report.h"

static void test_form(void **state)
{
	struct report report = { 0 };
	_cleanup_free_ char *first = NULL;
	_cleanup_free_ char *second = NULL;

	(void)state;
	report_add(&report, REPORT_ERROR, "a.cf", 7, "xdp_mode", "\"%s\": no", "x\ny\x01");
	report_add(&report, REPORT_WARNING, "b.cf", 0, NULL, "hm");
	first = report_entry_format(&report.entries[0]);
	second = report_entry_format(&report.entries[1]);
	assert_string_equal(first, "a.cf:7: error: xdp_mode: \"x\\012y\\001\": no");
	assert_string_equal(second, "b.cf: warning: hm");
	assert_int_equal(report.errors, 1);
	report_done(&report);
	assert_int_equal(report.count, 0);
}

static void test_warnings_leave_room_for_errors(void **state)
{
	struct report report = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3 * REPORT_ENTRIES_MAX; i++)
		report_add(&report, REPORT_WARNING, "a.cf", i, NULL, "warning %u", i);
	assert_true(report.count < REPORT_ENTRIES_MAX);
	assert_int_equal(report.count + report.omitted, 3 * REPORT_ENTRIES_MAX);
	report_add(&report, REPORT_ERROR, "a.cf", 1, NULL, "the error");
	assert_int_equal(report.errors, 1);
	assert_string_equal(report.entries[report.count - 1].message, "the error");
	report_done(&report);
}

static void test_errors_are_bounded(void **state)
{
	struct report report = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3 * REPORT_ENTRIES_MAX; i++)
		report_add(&report, i % 2 ? REPORT_WARNING : REPORT_ERROR, "a.cf", i, "p", "m");
	assert_int_equal(report.count, REPORT_ENTRIES_MAX);
	assert_int_equal(report.omitted, 2 * REPORT_ENTRIES_MAX);
	assert_int_equal(report.errors, 3 * REPORT_ENTRIES_MAX / 2);
	report_done(&report);
}

static void test_order(void **state)
{
	static const struct {
		const char *file;
		unsigned line;
		const char *message;
	} added[] = { { "z.cf", 9, "2" },  { "m.cf", 3, "0" }, { "b", 1, "7" },
		      { "z.cf", 9, "3" },  { "a", 5, "6" },    { "z.cf", 2, "1" },
		      { "z.cf", 40, "5" }, { "z.cf", 9, "4" } };
	struct report report = { 0 };
	char order[9] = "";

	(void)state;
	for (size_t i = 1; i <= 8; i++)
		report_add(&report, REPORT_ERROR, added[i % 8].file, added[i % 8].line, NULL, "%s",
			   added[i % 8].message);
	/* The first one stays where it is; "2" came last of its line. */
	report_sort(&report, 1, "z.cf");
	for (size_t i = 0; i < 8; i++)
		order[i] = report.entries[i].message[0];
	assert_string_equal(order, "01342567");
	report_done(&report);
}

static void test_escape(void **state)
{
	char buffer[10];

	(void)state;
	assert_int_equal(log_escape("plain", buffer, sizeof(buffer)), 5);
	assert_string_equal(buffer, "plain");
	assert_int_equal(log_escape("a\xff\n", buffer, sizeof(buffer)), 9);
	assert_string_equal(buffer, "a\\377\\012");
	/* Never cut within an escape. */
	assert_int_equal(log_escape("abcdef\n", buffer, sizeof(buffer)), 6);
	assert_string_equal(buffer, "abcdef");
	assert_int_equal(log_escape("abcdefghijkl", buffer, sizeof(buffer)), 9);
	assert_int_equal(log_escape("x", buffer, 1), 0);
	assert_string_equal(buffer, "");
}

/* What a call of log_message writes to standard error while that is a pipe. */
static void capture(char *text, size_t size, enum log_level level, const char *message)
{
	const int saved = dup(STDERR_FILENO);
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_message(level, "%s", message);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(close(saved), 0);
	assert_int_equal(close(ends[1]), 0);
	n = read(ends[0], text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(close(ends[0]), 0);
}

static void test_log_lines(void **state)
{
	char text[16384];
	char large[5000];

	(void)state;
	capture(text, sizeof(text), LOG_LEVEL_WARNING, "one\ntwo");
	assert_string_equal(text, "<4>warning: one\\012two\n");
	capture(text, sizeof(text), LOG_LEVEL_ERROR, "x");
	assert_string_equal(text, "<3>error: x\n");
	capture(text, sizeof(text), LOG_LEVEL_INFO, "x");
	assert_string_equal(text, "<6>x\n");
	capture(text, sizeof(text), LOG_LEVEL_DEBUG, "x");
	assert_string_equal(text, "");
	log_set_level(LOG_LEVEL_DEBUG);
	capture(text, sizeof(text), LOG_LEVEL_DEBUG, "x");
	assert_string_equal(text, "<7>debug: x\n");
	log_set_level(LOG_LEVEL_INFO);
	memset(large, '\n', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	capture(text, sizeof(text), LOG_LEVEL_INFO, large);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_clocks(void **state)
{
	const struct mono_ms a = mono_now();
	const struct mono_ms b = mono_now();

	(void)state;
	assert_true(a.ms > 0 && b.ms >= a.ms);
	assert_true(wall_now().ms > 1600000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_warnings_leave_room_for_errors),
		cmocka_unit_test(test_errors_are_bounded),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
