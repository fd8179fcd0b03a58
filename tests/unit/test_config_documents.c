/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written down agrees with the program: manual page and packaged file with the parameter
 * table, and each tests/golden/config/NAME.cf with NAME.expected: what is reported, and what is in
 * force. Run from the source directory; SYNANVIL_GOLDEN=write writes the expected files anew, to be
 * read before they are committed.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_check.h"
#include "config_support.h"
#include "documents.h"

#define GOLDEN "tests/golden/config"

static char *read_whole(const char *path)
{
	const char *message = NULL;
	char *text = NULL;
	size_t size = 0;

	if (config_read_file(NULL, path, &text, &size, &message) < 0)
		return NULL;
	text[size] = '\0';
	return text;
}

static char *written(int (*write)(FILE *stream))
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(write(stream), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void assert_up_to_date(const char *path, const char *got, const char *want)
{
	size_t same = 0;

	if (strcmp(got, want) == 0)
		return;
	while (got[same] == want[same])
		same++;
	fail_msg("%s is not what the parameter table gives (make documents), from here on:\n%.80s",
		 path, got + same);
}

static void test_each_parameter_is_documented(void **state)
{
	(void)state;
	assert_int_equal(document_count, config_parameter_count);
	for (size_t i = 0; i < document_count; i++) {
		assert_string_equal(documents[i].name, config_parameters[i].name);
		assert_true(strlen(documents[i].text) > 10);
		/* What Postfix does not have does not differ from it. */
		assert_true(config_parameters[i].in_postfix || !documents[i].postfix);
	}
}

static void test_manual(void **state)
{
	static const char begin[] = ".\\\" begin parameters: written by \"make documents\"\n";
	_cleanup_free_ char *manual = read_whole("docs/synanvil.cf.5");
	_cleanup_free_ char *want = written(document_manual);
	char *start;
	char *end;

	(void)state;
	assert_non_null(manual);
	start = strstr(manual, begin);
	end = strstr(manual, "\n.\\\" end parameters\n");
	assert_true(start && end && start < end);
	end[1] = '\0';
	assert_up_to_date("docs/synanvil.cf.5", start + strlen(begin), want);
}

static void test_packaged_file(void **state)
{
	_cleanup_free_ char *text = read_whole("deploy/synanvil.cf");
	_cleanup_free_ char *want = written(document_sample);
	struct report report = { 0 };
	struct config *config = NULL;

	(void)state;
	assert_non_null(text);
	assert_up_to_date("deploy/synanvil.cf", text, want);
	assert_int_equal(config_load("deploy/synanvil.cf", &config, &report), 0);
	assert_int_equal(report.count, 0);
	assert_false(config->enforce);
	assert_true(config->services[0].connection_rate_limit > 0);
	/* Doubts are welcome: its interface is an example. */
	assert_true(config_check(config, &report) >= 0);
	assert_int_equal(report.errors, 0);
	config_free(config);
	report_done(&report);
}

/* Files that lists name as /files/NAME. */
static int read_golden(void *context, const char *path, char **ret_text, size_t *ret_size,
		       const char **reterr_message)
{
	char where[PATH_MAX];

	if (strncmp(path, "/files/", strlen("/files/")) != 0)
		return -ENOENT;
	(void)snprintf(where, sizeof(where), GOLDEN "%s", path);
	return config_read_file(context, where, ret_text, ret_size, reterr_message);
}

static void append(struct config_text *text, const char *line)
{
	assert_int_equal(config_text_append(text, line, strlen(line)), 0);
}

static int append_changed(const struct config_value *value, void *context)
{
	if (!value->changed)
		return 0;
	append(context, value->name);
	append(context, " = ");
	append(context, value->value);
	append(context, "\n");
	return 0;
}

static void append_patterns(struct config_text *text, const struct config_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];
		char line[400];
		char prefix[PREFIX_TEXT_SIZE] = "";

		if (pattern->is_prefix)
			prefix_format(&pattern->prefix, prefix);
		(void)snprintf(line, sizeof(line), "exception %s%s (%s:%u)\n",
			       pattern->negated ? "!" : "",
			       pattern->is_prefix ? prefix : pattern->host,
			       pattern->origin.file ? pattern->origin.file : "default",
			       pattern->origin.line);
		append(text, line);
	}
}

/* What a person would want to know of a file: findings, then what differs from the defaults. */
static char *describe(const char *name, const char *text)
{
	const struct config_reader reader = { .read = read_golden, .context = NULL };
	struct config_text out = { 0 };
	struct report report = { 0 };
	struct config *config = NULL;
	const int r = config_parse_buffer(name, text, strlen(text), &reader, &config, &report);

	for (size_t i = 0; i < report.count; i++) {
		_cleanup_free_ char *line = report_entry_format(&report.entries[i]);

		assert_non_null(line);
		append(&out, line);
		append(&out, "\n");
	}
	append(&out, r == 0 ? "loaded\n" : "refused\n");
	if (config) {
		assert_int_equal(config_each(config, append_changed, &out), 0);
		append_patterns(&out, &config->exceptions);
	}
	config_free(config);
	report_done(&report);
	return out.data;
}

static void write_expected(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void check_golden(const char *name)
{
	char path[PATH_MAX];
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *got = NULL;
	_cleanup_free_ char *want = NULL;

	(void)snprintf(path, sizeof(path), GOLDEN "/%s", name);
	text = read_whole(path);
	assert_non_null(text);
	got = describe(name, text);
	(void)snprintf(path, sizeof(path), GOLDEN "/%.*s.expected",
		       (int)(strlen(name) - strlen(".cf")), name);
	if (getenv("SYNANVIL_GOLDEN"))
		write_expected(path, got);
	want = read_whole(path);
	if (!want || strcmp(got, want) != 0)
		fail_msg("%s: got\n%s\nexpected\n%s", name, got, want ? want : "(no file)");
}

static void test_golden(void **state)
{
	DIR *directory = opendir(GOLDEN);
	unsigned checked = 0;

	(void)state;
	assert_non_null(directory);
	for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
		const size_t size = strlen(entry->d_name);

		if (size < 4 || strcmp(entry->d_name + size - 3, ".cf") != 0)
			continue;
		check_golden(entry->d_name);
		checked++;
	}
	assert_int_equal(closedir(directory), 0);
	assert_true(checked > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_parameter_is_documented),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_packaged_file),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
