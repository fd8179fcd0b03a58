/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and expansion: rows of text and value. tests/golden/expand has many more, and what Postfix
 * makes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_lines.h"
#include "config_support.h"

#define WHO  "header_size_limit = who\n"
#define NONE "queue_minfree = ${nosuchname}\n"

struct row {
	const char *text;  /* of milter_macro_daemon_name, said with queue_directory here */
	const char *value; /* NULL: an error */
};

/* $header_size_limit is "who", $queue_minfree expands to nothing, $nosuchname is no parameter. */
static const struct row rows[] = {
	{ "plain text", "plain text" },
	{ "", "" },
	{ "a$header_size_limit", "awho" },
	{ "$header_size_limit.x", "who.x" },
	{ "$header_size_limit(x)", "who(x)" },
	{ "${header_size_limit}x", "whox" },
	{ "$(header_size_limit)x", "whox" },
	{ "${ header_size_limit }", "who" },
	{ "a$$b", "a$b" },
	{ "$$$header_size_limit", "$who" },
	{ "a${nosuchname}b", "ab" },
	{ "a${queue_minfree}b", "ab" },
	{ "${header_size_limit?yes}", "yes" },
	{ "${header_size_limit:no}", "" },
	{ "${nosuchname?yes}.", "." },
	{ "${nosuchname:no}", "no" },
	{ "${queue_minfree?set}", "set" },
	{ "${header_size_limit?{yes}}", "yes" },
	{ "${header_size_limit?{yes}:{no}}", "yes" },
	{ "${nosuchname?{yes}:{no}}", "no" },
	{ "${nosuchname?{yes}:no}", "no" },
	{ "$(header_size_limit?{a}:{b})", "a" },
	{ "${header_size_limit ? {yes} : no way}", "yes" },
	{ "${nosuchname ? {yes} : no way}", " no way" },
	{ "${header_size_limit ?{ a b }}", " a b " },
	{ "${header_size_limit? x }.", " x ." },
	{ "${header_size_limit?}.", "." },
	{ "${header_size_limit?$header_size_limit b}", "who b" },
	{ "${nosuchname:${header_size_limit?{in}:{out}}}", "in" },
	{ "${header_size_limit?yes:no}", "yes:no" },
	{ "${{1}<={2}}", "true" },
	{ "${{2}<={1}}.", "." },
	{ "${{10}<{9}}.", "." },
	{ "${{10}<{9a}}", "true" },
	{ "${{10}=={010}}", "true" },
	{ "${{a}<{b} ? {t}}", "t" },
	{ "${{a} < {b} ? {t} : {f}}", "t" },
	{ "${{a} > {b} ? {t} : {f}}", "f" },
	{ "${{a} >= {b} ? {t} : {f}}", "f" },
	{ "${{a}!={b}?ne:eq}", "ne:eq" },
	{ "${{a}=={a}:{n}}.", "." },
	{ "${{a}=={b}:n}.", "n." },
	{ "${{}=={}?y}", "y" },
	{ "${{$header_size_limit}=={who}?{same}:{other}}", "same" },
	{ "${{header_size_limit}=={who}?{same}:{other}}", "other" },
	{ "${header_size_limit", NULL },
	{ "$(header_size_limit}", NULL },
	{ "a$", NULL },
	{ "$-x", NULL },
	{ "${}", NULL },
	{ "${header_size-limit}", NULL },
	{ "${header_size_limit nosuch}", NULL },
	{ "${header_size_limit?{a}junk}", NULL },
	{ "${header_size_limit:{a} b}", NULL },
	{ "${nosuchname:{a} b}", NULL },
	{ "${{1} = {1}}", NULL },
	{ "${{1}==1}", NULL },
	{ "${{a}}", NULL },
	{ "$queue_directory", NULL },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Expands the text as the value of queue_directory; NULL if that was an error. The caller frees. */
static char *expand(const char *text, struct report *report)
{
	_cleanup_free_ char *file = NULL;
	struct config config = { .file = (char *)TEST_FILE };
	struct config_loader loader = { .config = &config,
					.report = report,
					.expansion_left = CONFIG_EXPANDED_MAX };
	char *value = NULL;
	const size_t index =
		(size_t)(config_parameter_find("queue_directory", strlen("queue_directory")) -
			 config_parameters);

	config.values = calloc(1, sizeof(*config.values));
	assert_non_null(config.values);
	assert_true(asprintf(&file, WHO NONE "queue_directory = %s\n", text) > 0);
	assert_int_equal(config_settings_read(&loader, file, strlen(file)), 0);
	assert_int_equal(config_expand_all(&loader), 0);
	if (report->errors == 0)
		value = strdup(config.values->settings[index].value.data);
	config_values_free(config.values);
	return value;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct report report = { 0 };
		_cleanup_free_ char *value = expand(rows[i].text, &report);

		if ((value == NULL) != (rows[i].value == NULL))
			fail_msg("%s: %s", rows[i].text,
				 value ? value : report.entries[report.count - 1].message);
		if (value)
			assert_string_equal(value, rows[i].value);
		report_done(&report);
	}
}

static void test_nesting(void **state)
{
	struct report report = { 0 };
	char text[4000] = "";

	(void)state;
	for (unsigned i = 0; i < 120; i++)
		strcat(text, "${header_size_limit?{");
	for (unsigned i = 0; i < 120; i++)
		strcat(text, "}}");
	assert_null(expand(text, &report));
	assert_true(reported(&report, REPORT_ERROR, 3, "nested too deeply"));
	report_done(&report);
}

static void test_circle(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(load("interfaces = lo\nbpf_directory = $state_directory\nstate_directory "
			      "= /$bpf_directory\n",
			      &config, &report),
			 -EINVAL);
	assert_true(reported(&report, REPORT_ERROR, 2, "refers to itself"));
	report_done(&report);
}

/* Each value twice the one before: 2^31 times 60 bytes, if it were expanded. */
static void test_explosion(void **state)
{
	struct report report = { 0 };
	struct config_text text = { 0 };
	struct config *config;

	(void)state;
	for (size_t i = 0; i + 1 < config_parameter_count; i++) {
		char line[200];
		const char *next = config_parameters[i + 1].name;
		const int size = snprintf(line, sizeof(line), "%s = $%s$%s\n",
					  config_parameters[i].name, next, next);

		assert_int_equal(config_text_append(&text, line, (size_t)size), 0);
	}
	assert_int_equal(load(text.data, &config, &report), -EINVAL);
	assert_true(reported(&report, REPORT_ERROR, 0, "together expand to more than"));
	free(text.data);
	report_done(&report);
}

static void test_unknown_names_are_warned_of(void **state)
{
	struct report report = { 0 };

	(void)state;
	free(expand("a$mynetwork", &report));
	assert_true(reported(&report, REPORT_WARNING, 3, "$mynetwork is not a parameter"));
	report_done(&report);
	free(expand("${mynetwork?x}", &report));
	assert_int_equal(report.count, 1); /* that of NONE */
	report_done(&report);
}

static void test_lines(void **state)
{
	char text[] = "# first\n\na = 1\n  2\n# between\n\t3 \r\n \t \n\n  4\\\nb=2 # data\n   # "
		      "comment\nc\n#end";
	struct config_lines lines;
	struct config_line line;

	(void)state;
	config_lines_init(&lines, text, sizeof(text) - 1);
	assert_true(config_lines_next(&lines, &line));
	assert_string_equal(line.text, "a = 1  2\t3 \r  4\\");
	assert_int_equal(line.line, 3);
	assert_true(config_lines_next(&lines, &line));
	assert_string_equal(line.text, "b=2 # data");
	assert_int_equal(line.line, 10);
	assert_true(config_lines_next(&lines, &line));
	assert_string_equal(line.text, "c");
	assert_int_equal(line.line, 12);
	assert_false(config_lines_next(&lines, &line));
	assert_false(config_lines_next(&lines, &line));
}

static void test_first_line_indented(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(load("# comment\n  interfaces = lo\n", &config, &report), -EINVAL);
	assert_true(reported(&report, REPORT_ERROR, 2, "must not begin with a blank"));
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_explosion),
		cmocka_unit_test(test_unknown_names_are_warned_of),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_first_line_indented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
