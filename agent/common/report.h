/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors and warnings about a configuration, each with its place: FILE:LINE: error|warning:
 * PARAMETER: MESSAGE.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum report_severity { REPORT_ERROR, REPORT_WARNING };

struct report_entry {
	enum report_severity severity;
	char *file;      /* owned; never NULL */
	unsigned line;   /* 0: the file as a whole */
	char *parameter; /* owned; NULL where none is concerned */
	char *message;   /* owned; one line, unprintable bytes escaped */
};

/* Zero-initialise. Grows up to REPORT_ENTRIES_MAX entries; what is beyond is counted in omitted. */
struct report {
	struct report_entry *entries;
	size_t count;
	size_t errors;
	size_t omitted;
};

#define REPORT_ENTRIES_MAX 1000

void report_add(struct report *report, enum report_severity severity, const char *file,
		unsigned line, const char *parameter, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* "FILE:LINE: error: PARAMETER: MESSAGE" as one allocated line without newline, or NULL when memory
 * is short. */
char *report_entry_format(const struct report_entry *entry);

/*
 * Orders the entries from first on as a person reads them: those of file before those of other
 * files, by line; what is equal stays in its order.
 */
void report_sort(struct report *report, size_t first, const char *file);

/* Of neighbours from first on that say the same, the first stays. */
void report_unique(struct report *report, size_t first);

/* Every entry as a line of the log, of its severity. */
void report_log(const struct report *report);

void report_done(struct report *report);

#endif
