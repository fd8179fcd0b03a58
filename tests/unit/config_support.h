/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the configuration share: files that exist in memory only, and loading a text
 * with them.
 */
#ifndef TESTS_CONFIG_SUPPORT_H
#define TESTS_CONFIG_SUPPORT_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

#define TEST_FILE "test.cf"

struct memory_file {
	const char *path;
	const char *text;
};

/* context: an array of struct memory_file that ends with a path of NULL. */
static inline int read_memory(void *context, const char *path, char **ret_text, size_t *ret_size,
			      const char **reterr_message)
{
	(void)reterr_message;
	for (const struct memory_file *file = context; file && file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		*ret_size = strlen(file->text);
		*ret_text = malloc(*ret_size + 1);
		if (!*ret_text)
			return -ENOMEM;
		memcpy(*ret_text, file->text, *ret_size);
		return 0;
	}
	return -ENOENT;
}

static inline int load_with(const char *text, struct memory_file *files, struct config **ret_config,
			    struct report *report)
{
	const struct config_reader reader = { .read = read_memory, .context = files };

	*ret_config = NULL;
	return config_parse_buffer(TEST_FILE, text, strlen(text), &reader, ret_config, report);
}

static inline int load(const char *text, struct config **ret_config, struct report *report)
{
	return load_with(text, NULL, ret_config, report);
}

/* Whether a message of this severity says so, in line (0: any). */
static inline bool reported(const struct report *report, enum report_severity severity,
			    unsigned line, const char *words)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct report_entry *entry = &report->entries[i];

		if (entry->severity == severity && (line == 0 || entry->line == line) &&
		    (strstr(entry->message, words) ||
		     (entry->parameter && strstr(entry->parameter, words))))
			return true;
	}
	return false;
}

/* The least that loads. */
#define MINIMAL "interfaces = lo\n"

static inline struct config *must_load(const char *text)
{
	struct report report = { 0 };
	struct config *config;
	const int r = load(text, &config, &report);

	if (r != 0)
		fail_msg("%s",
			 report.count ? report.entries[report.count - 1].message : "no message");
	report_done(&report);
	return config;
}

/* Loads what must not load; the message must be about line and contain words. */
static inline void must_refuse(const char *text, unsigned line, const char *words)
{
	struct report report = { 0 };
	struct config *config;

	assert_int_equal(load(text, &config, &report), -EINVAL);
	assert_null(config);
	if (!reported(&report, REPORT_ERROR, line, words))
		fail_msg("\"%s\" expected, got \"%s\"", words,
			 report.count ? report.entries[0].message : "nothing");
	report_done(&report);
}

static inline void must_warn(const char *text, unsigned line, const char *words)
{
	struct report report = { 0 };
	struct config *config;

	assert_int_equal(load(text, &config, &report), 0);
	assert_true(reported(&report, REPORT_WARNING, line, words));
	assert_int_equal(report.count, 1);
	report_done(&report);
	config_free(config);
}

#endif
