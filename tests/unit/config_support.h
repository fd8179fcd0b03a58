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
	const struct config_reader reader = { read_memory, files };

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

#endif
