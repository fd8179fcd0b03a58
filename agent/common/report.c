/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded list of findings. Warnings may take half of it, so that they never crowd out the error
 * that matters.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"

#define MESSAGE_SIZE  1024
#define WARNINGS_MAX  (REPORT_ENTRIES_MAX / 2)
#define FIRST_ENTRIES 16

/* Room for one more entry; NULL when there is none left or memory is short. */
static struct report_entry *next_entry(struct report *report)
{
	struct report_entry *grown;

	/* The list doubles whenever its length is a power of two: its room needs no field. */
	if (report->count < FIRST_ENTRIES && report->count != 0)
		return &report->entries[report->count];
	if (report->count != 0 && (report->count & (report->count - 1)) != 0)
		return &report->entries[report->count];
	grown = reallocarray(report->entries,
			     report->count == 0 ? FIRST_ENTRIES : report->count * 2,
			     sizeof(*grown));
	if (!grown)
		return NULL;
	report->entries = grown;
	return &grown[report->count];
}

static bool entry_fill(struct report_entry *entry, const char *file, const char *parameter,
		       const char *message)
{
	char escaped[MESSAGE_SIZE];

	(void)log_escape(message, escaped, sizeof(escaped));
	entry->message = strdup(escaped);
	(void)log_escape(file, escaped, sizeof(escaped));
	entry->file = strdup(escaped);
	entry->parameter = NULL;
	if (parameter) {
		(void)log_escape(parameter, escaped, sizeof(escaped));
		entry->parameter = strdup(escaped);
	}
	if (entry->message && entry->file && (!parameter || entry->parameter))
		return true;
	free(entry->message);
	free(entry->file);
	free(entry->parameter);
	return false;
}

void report_add(struct report *report, enum report_severity severity, const char *file,
		unsigned line, const char *parameter, const char *format, ...)
{
	const bool full = report->count >= REPORT_ENTRIES_MAX;
	/* As long as the list is not full, all errors are in it. */
	const bool crowded = severity == REPORT_WARNING && !full &&
			     report->count - report->errors >= WARNINGS_MAX;
	struct report_entry *entry = full || crowded ? NULL : next_entry(report);
	char message[MESSAGE_SIZE];
	va_list arguments;

	if (severity == REPORT_ERROR)
		report->errors++;
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (!entry || !entry_fill(entry, file, parameter, message)) {
		report->omitted++;
		return;
	}
	entry->severity = severity;
	entry->line = line;
	report->count++;
}

char *report_entry_format(const struct report_entry *entry)
{
	const char *severity = entry->severity == REPORT_ERROR ? "error" : "warning";
	const char *parameter = entry->parameter ? entry->parameter : "";
	const char *separator = entry->parameter ? ": " : "";
	char line[16] = "";
	char *text;

	if (entry->line != 0)
		(void)snprintf(line, sizeof(line), ":%u", entry->line);
	if (asprintf(&text, "%s%s: %s: %s%s%s", entry->file, line, severity, parameter, separator,
		     entry->message) < 0)
		return NULL;
	return text;
}

static bool comes_before(const struct report_entry *a, const struct report_entry *b,
			 const char *file)
{
	const bool a_named = strcmp(a->file, file) == 0;
	const bool b_named = strcmp(b->file, file) == 0;
	const int order = strcmp(a->file, b->file);

	if (a_named != b_named)
		return a_named;
	return order != 0 ? order < 0 : a->line < b->line;
}

void report_sort(struct report *report, size_t first, const char *file)
{
	/* By insertion: it keeps the order of equals, and there are a thousand entries at most. */
	for (size_t i = first + 1; i < report->count; i++) {
		const struct report_entry entry = report->entries[i];
		size_t j = i;

		for (; j > first && comes_before(&entry, &report->entries[j - 1], file); j--)
			report->entries[j] = report->entries[j - 1];
		report->entries[j] = entry;
	}
}

static bool says_the_same(const struct report_entry *a, const struct report_entry *b)
{
	return a->severity == b->severity && a->line == b->line && strcmp(a->file, b->file) == 0 &&
	       strcmp(a->message, b->message) == 0 && !a->parameter == !b->parameter &&
	       (!a->parameter || strcmp(a->parameter, b->parameter) == 0);
}

static void entry_done(struct report_entry *entry)
{
	free(entry->file);
	free(entry->parameter);
	free(entry->message);
}

void report_unique(struct report *report, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < report->count; i++) {
		struct report_entry *entry = &report->entries[i];
		bool known = false;

		/* Those of one line stand together. */
		for (size_t j = kept; j > first && !known; j--) {
			if (report->entries[j - 1].line != entry->line)
				break;
			known = says_the_same(&report->entries[j - 1], entry);
		}
		if (!known) {
			report->entries[kept++] = *entry;
			continue;
		}
		report->errors -= entry->severity == REPORT_ERROR;
		entry_done(entry);
	}
	report->count = kept;
}

void report_done(struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		entry_done(&report->entries[i]);
	free(report->entries);
	*report = (struct report){ 0 };
}

void report_log(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct report_entry *entry = &report->entries[i];
		char line[16] = "";

		if (entry->line)
			(void)snprintf(line, sizeof(line), ":%u", entry->line);
		log_message(entry->severity == REPORT_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			    "%s%s: %s%s%s", entry->file, line,
			    entry->parameter ? entry->parameter : "", entry->parameter ? ": " : "",
			    entry->message);
	}
	if (report->omitted)
		log_warning("%zu more errors and warnings", report->omitted);
}
